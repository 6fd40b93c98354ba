"""Features made ready for a model: scaled, filled in, encoded, put side by side."""

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32, i1, i64

from tensorjoin.passes.onnx.array import (
    Array,
    along,
    concat,
    constant,
    elementwise,
    iota,
    where,
)
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import absolute, root
from tensorjoin.passes.onnx.operators.scores import examples


def is_nan(x: Array) -> Array:
    return elementwise(lambda a: arith.CmpfOp(a, a, "uno"), x, element=i1)


@decomposes("Scaler", domain="ai.onnx.ml")
def scaler(node: Node, x: Array) -> Array:
    real = x if x.is_float else x.cast(f32)
    shifted = real - node.table("offset")
    return (shifted * node.table("scale")).cast(f32)


@decomposes("Normalizer", domain="ai.onnx.ml")
def normalizer(node: Node, x: Array) -> Array:
    """The greatest element keeps its sign; where the divisor is zero, a row stays as it is."""
    rows = examples(x)
    match node.text("norm", "MAX"):
        case "MAX":
            size = rows.max([1], keep=True)
        case "L1":
            size = absolute(rows).sum([1], keep=True)
        case "L2":
            size = root((rows * rows).sum([1], keep=True))
        case other:
            raise node.refuse(f"no norm {other!r}")
    divisor = where(size.equals(0.0), constant(1.0, size.element), size)
    return (rows / divisor).cast(f32).reshape(x.shape)


@decomposes("Binarizer", domain="ai.onnx.ml")
def binarizer(node: Node, x: Array) -> Array:
    threshold = node.float("threshold", 0.0)
    real = x if x.is_float else x.cast(f32)
    return (real > threshold).cast(x.element)


@decomposes("Imputer", domain="ai.onnx.ml")
def imputer(node: Node, x: Array) -> Array:
    if not x.is_float:
        is_missing = x.equals(node.integer("replaced_value_int64", 0))
        return where(is_missing, as_type(node.table("imputed_value_int64s"), x), x)
    replaced = node.float("replaced_value_float", 0.0)
    is_missing = is_nan(x) if replaced != replaced else x.equals(replaced)
    return where(is_missing, as_type(node.table("imputed_value_floats"), x), x)


def as_type(values: Array, like: Array) -> Array:
    return Array(values.value, like.element)


@decomposes("FeatureVectorizer", domain="ai.onnx.ml")
def feature_vectorizer(node: Node, *operands: Array) -> Array:
    return concat([examples(x).cast(f32) for x in operands], 1)


@decomposes("OneHotEncoder", domain="ai.onnx.ml")
def one_hot_encoder(node: Node, x: Array) -> Array:
    """A category that is not known has no one, also where `zeros` calls for an error."""
    if node.has("cats_strings"):
        raise node.refuse("cats_strings: no relation holds texts")
    return x.cast(i64).unsqueeze([x.rank]).equals(node.table("cats_int64s")).cast(f32)


@decomposes("LabelEncoder", domain="ai.onnx.ml")
def label_encoder(node: Node, x: Array) -> Array:
    """The value that stands where the first equal key does; the default stands after the last."""
    texts = ("classes_strings", "keys_strings", "values_strings")
    if any(node.has(name) for name in texts):
        raise node.refuse("no relation holds texts")
    keys = first_of(node, "keys_int64s", "keys_floats", "keys_tensor")
    values = first_of(node, "values_int64s", "values_floats", "values_tensor")
    each = x.unsqueeze([x.rank])
    is_key = each.equals(keys)
    if x.is_float:
        is_key = is_key | (is_nan(each) & is_nan(keys))
    places = along(iota(keys.size), x.rank, x.rank + 1)
    place = where(is_key, places, constant(keys.size, i64)).min([x.rank])
    return concat([values, default(node, values)], 0).take(place, 0)


def first_of(node: Node, *names: str) -> Array:
    for name in names:
        if node.has(name):
            return node.table(name)
    raise node.refuse(f"it lacks {names[0]}")


def default(node: Node, values: Array) -> Array:
    if node.has("default_tensor"):
        return node.table("default_tensor").reshape([1])
    if values.is_float:
        return constant([node.float("default_float", -0.0)], values.element)
    return constant([node.integer("default_int64", -1)], values.element)
