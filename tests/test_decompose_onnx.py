"""`decompose-onnx`, executed: the interpreter gives what numpy says of an operator."""

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tensorjoin.errors import TensorjoinError, UnsupportedError
from tensorjoin.passes.onnx.decompose_onnx import DecomposeOnnxPass
from tensorjoin.testing.modules import applied, run

Array = npt.NDArray[Any]

ELEMENTS = {
    "float32": "f32",
    "float64": "f64",
    "int8": "i8",
    "uint8": "ui8",
    "int16": "i16",
    "uint16": "ui16",
    "int32": "i32",
    "uint32": "ui32",
    "int64": "i64",
    "bool": "i1",
}

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((2, 3, 4))
A, B, C = (GENERATOR.standard_normal(shape) for shape in ((3, 4), (4, 5), (5,)))


def type_of(array: Array) -> str:
    extents = "".join(f"{extent}x" for extent in array.shape)
    return f"tensor<{extents}{ELEMENTS[array.dtype.name]}>"


def graph(body: str, outputs: dict[str, str], **inputs: Array) -> str:
    """A graph of %name = onnx.input "name" for each input; `outputs` are types, by name."""
    read = [f'%{name} = onnx.input "{name}" : {type_of(array)}' for name, array in inputs.items()]
    written = [f'onnx.output %{name} to "{name}" : {type}' for name, type in outputs.items()]
    lines = "\n".join([*read, body, *written])
    return f"func.func @forward() {{\n{lines}\nfunc.return\n}}"


def computed(
    body: str, outputs: dict[str, str], weights: dict[str, Array] | None = None, **inputs: Array
) -> dict[str, Array]:
    """The outputs of a graph that is decomposed."""
    module = applied(graph(body, outputs, **inputs), DecomposeOnnxPass())
    assert not [op for op in module.walk() if op.dialect_name() == "onnx"]
    tables = {f"input.{name}": {"v": array} for name, array in inputs.items()}
    found = run(module, inputs=tables, weights=weights).outputs
    return {name: found[f"output.{name}"] for name in outputs}


def node(op_type: str, operands: str, types: str, attributes: str = "", version: int = 18) -> str:
    attributes = f" attributes {{{attributes}}}" if attributes else ""
    return f'onnx.node "{op_type}"({operands}) version {version} : i64 of ""{attributes} : {types}'


def constant(*numbers: int, element: str = "i64") -> str:
    size = len(numbers)
    return f"onnx.constant dense<{list(numbers)}> : tensor<{size}xi64> : tensor<{size}x{element}>"


def assert_equal(actual: Array, expected: npt.ArrayLike) -> None:
    assert not np.ma.is_masked(actual)
    assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


def assert_node(
    op_type: str, expected: npt.ArrayLike, attributes: str = "", version: int = 18, **inputs: Array
) -> None:
    """What one node makes of its inputs, in their order."""
    result = np.asarray(expected)
    first = next(iter(inputs.values()))
    if result.dtype.kind == first.dtype.kind:
        result = result.astype(first.dtype)
    type = type_of(result)
    operands = ", ".join(f"%{name}" for name in inputs)
    types = f"({', '.join(map(type_of, inputs.values()))}) -> {type}"
    text = f"%result = {node(op_type, operands, types, attributes, version)}"
    assert_equal(computed(text, {"result": type}, **inputs)["result"], result)


def test_relu():
    assert_node("Relu", np.maximum(X, 0), x=X)


@pytest.mark.parametrize(
    ("op_type", "expected"),
    [("Add", A + C[:4]), ("Sub", A - C[:4]), ("Mul", A * C[:4]), ("Div", A / C[:4])],
)
def test_arithmetic_broadcasts(op_type: str, expected: Array):
    assert_node(op_type, expected, x=A, y=C[:4])


def test_arithmetic_of_narrow_integers_wraps_around():
    x, y = np.array([100, -100, 7], np.int8), np.array([100, -100, -2], np.int8)
    assert_node("Add", x + y, x=x, y=y)
    assert_node("Mul", x * y, x=x, y=y)
    assert_node("Div", np.array([1, 1, -3], np.int8), x=x, y=y)
    u, w = np.array([200, 0, 7], np.uint8), np.array([100, 1, 7], np.uint8)
    assert_node("Sub", u - w, x=u, y=w)


def test_division_by_zero_is_that_of_ieee():
    x, y = np.array([1.0, -1.0, 0.0]), np.zeros(3)
    assert_node("Div", np.array([np.inf, -np.inf, np.nan]), x=x, y=y)


@pytest.mark.parametrize(
    ("op_type", "compare"),
    [
        *(("Equal", np.equal), ("Less", np.less), ("LessOrEqual", np.less_equal)),
        *(("Greater", np.greater), ("GreaterOrEqual", np.greater_equal)),
    ],
)
def test_nothing_compares_to_nan(op_type: str, compare: np.ufunc):
    special = np.array([-np.inf, 0.0, 1.0, np.nan])
    x, y = special[:, None], special
    assert_node(op_type, compare(x, y), x=x, y=y)


@pytest.mark.parametrize("scaled", [False, True])
def test_gemm(scaled: bool):
    if scaled:
        attributes = "alpha = 0.5 : f64, beta = -2.0 : f64, transA = 1 : i64, transB = 1 : i64"
        assert_node("Gemm", 0.5 * A @ B - 2 * C, attributes, a=A.T, b=B.T, c=C)
    else:
        assert_node("Gemm", A @ B, a=A, b=B)


@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (6, 4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,))],
)  # fmt: skip
def test_matmul(left: tuple[int, ...], right: tuple[int, ...]):
    x, y = GENERATOR.standard_normal(left), GENERATOR.standard_normal(right)
    assert_node("MatMul", x @ y, x=x, y=y)


def convolution(
    x: Array, w: Array, stride: int, dilation: int, pads: tuple[int, int], groups: int
) -> Array:
    """Each element by its definition."""
    x = np.pad(x, [(0, 0), (0, 0), pads, pads])
    n, m, k = len(x), len(w), w.shape[-1]
    count = (x.shape[-1] - (k - 1) * dilation - 1) // stride + 1
    y = np.zeros((n, m, count, count))
    c, per_group = w.shape[1], m // groups
    for a, b, i, j in product(range(n), range(m), range(count), range(count)):
        rows, columns = (np.arange(k) * dilation + place * stride for place in (i, j))
        first = b // per_group * c
        seen = x[a, first : first + c][:, rows][:, :, columns]
        y[a, b, i, j] = (seen * w[b]).sum()
    return y


@pytest.mark.parametrize(
    ("stride", "dilation", "pads", "groups"),
    [(1, 1, (0, 0), 1), (1, 1, (1, 1), 1), (2, 1, (1, 0), 2), (1, 2, (2, 2), 4), (2, 1, (3, 3), 1)],
)
def test_convolution(stride: int, dilation: int, pads: tuple[int, int], groups: int):
    x = GENERATOR.standard_normal((2, 4, 5, 5))
    w = GENERATOR.standard_normal((4, 4 // groups, 3, 3))
    b = GENERATOR.standard_normal(4)
    before, after = pads
    attributes = (
        f"strides = [{stride} : i64, {stride} : i64], dilations = [{dilation} : i64, {dilation} : i64],"
        f" pads = [{before} : i64, {before} : i64, {after} : i64, {after} : i64],"
        f" group = {groups} : i64"
    )
    expected = convolution(x, w, stride, dilation, pads, groups) + b[:, None, None]
    assert_node("Conv", expected, attributes, x=x, w=w, b=b)


@pytest.mark.parametrize(("auto_pad", "pads"), [("SAME_UPPER", (0, 1)), ("SAME_LOWER", (1, 0))])
def test_convolution_of_the_same_size(auto_pad: str, pads: tuple[int, int]):
    x, w = GENERATOR.standard_normal((1, 2, 5, 5)), GENERATOR.standard_normal((3, 2, 2, 2))
    assert_node("Conv", convolution(x, w, 1, 1, pads, 1), f'auto_pad = "{auto_pad}"', x=x, w=w)


def test_windows_in_the_padding_are_zero():
    """No element is there to take part."""
    x, w = np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1))
    attributes = "pads = [1 : i64, 1 : i64, 1 : i64, 1 : i64]"
    assert_node("Conv", np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)]), attributes, x=x, w=w)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gather_counts_negative_indices_from_the_end(axis: int):
    indices = np.array([[0, -1], [1, -2]])
    assert_node("Gather", np.take(X, indices, axis), f"axis = {axis} : i64", x=X, i=indices)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concat(axis: int):
    y = GENERATOR.standard_normal([1 if k == axis % 3 else n for k, n in enumerate(X.shape)])
    expected = np.concatenate([X, y, X], axis)
    assert_node("Concat", expected, f"axis = {axis} : i64", x=X, y=y, z=X)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("axis", [0, -1])
def test_top_k(largest: int, axis: int):
    """Of equals the first comes first."""
    x = np.array([[3.0, 1.0, 3.0, 2.0], [0.0, 0.0, -1.0, 0.0], [5.0, 1.0, 7.0, 2.0]])
    order = np.argsort(-x if largest else x, axis, kind="stable")
    order = np.take(order, [0, 1], axis)
    shape = "x".join(map(str, order.shape))
    types = {"v": f"tensor<{shape}xf64>", "i": f"tensor<{shape}xi64>"}
    attributes = f"axis = {axis} : i64, largest = {largest} : i64"
    signature = f"(tensor<3x4xf64>, tensor<1xi64>) -> ({types['v']}, {types['i']})"
    text = f"%k = {constant(2)}\n%v, %i = {node('TopK', '%x, %k', signature, attributes)}"
    found = computed(text, types, x=x)
    assert_equal(found["v"], np.take_along_axis(x, order, axis))
    assert_equal(found["i"], order)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_running_sums(exclusive: int, reverse: int):
    x = A[:, ::-1] if reverse else A
    expected = np.cumsum(x, axis=1) - (x if exclusive else 0)
    type = type_of(A)
    attributes = f"exclusive = {exclusive} : i64, reverse = {reverse} : i64"
    signature = f"({type}, tensor<1xi64>) -> {type}"
    text = f"%k = {constant(-1)}\n%y = {node('CumSum', '%x, %k', signature, attributes)}"
    found = computed(text, {"y": type}, x=A)["y"]
    assert_equal(found, expected[:, ::-1] if reverse else expected)


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize(
    ("op_type", "reduce"),
    [("ReduceMean", np.mean), ("ReduceSum", np.sum), ("ReduceMax", np.max), ("ReduceMin", np.min)],
)
def test_reductions(op_type: str, reduce: Any, keepdims: int):
    expected = reduce(X, axis=(0, 2), keepdims=bool(keepdims))
    signature = f"(tensor<2x3x4xf64>, tensor<2xi64>) -> {type_of(expected)}"
    text = (
        f"%a = {constant(-1, 0)}\n"
        f"%y = {node(op_type, '%x, %a', signature, f'keepdims = {keepdims} : i64')}"
    )
    assert_equal(computed(text, {"y": type_of(expected)}, x=X)["y"], expected)


def test_a_reduction_of_all_axes():
    assert_node("ReduceMean", X.mean(), "keepdims = 0 : i64", x=X)


@pytest.mark.parametrize("element", [np.int8, np.uint8, np.int16, np.uint16])
def test_quantized_numbers_are_rounded_to_even_and_saturated(element: type[np.integer[Any]]):
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, np.inf, -np.inf, 1e9, -1e9], np.float32)
    low, high = np.iinfo(element).min, np.iinfo(element).max
    zero = np.array(3, element)
    expected = np.clip(np.rint(x) + 3, low, high).astype(element)
    assert_node("QuantizeLinear", expected, x=x, scale=np.array(1, np.float32), zero=zero)


def test_a_quotient_is_rounded_before_it_becomes_an_integer():
    """In single precision 0.35 / 0.1 is a tie, which is not the quotient of those numbers."""
    x, scale = np.array([0.05, 0.15, 0.25, 0.35, 0.45], np.float32), np.array(0.1, np.float32)
    expected = np.rint(x / scale).astype(np.uint8)
    assert_node("QuantizeLinear", expected, x=x, scale=scale)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_blocks_have_scales_and_zero_points(axis: int):
    q = GENERATOR.integers(-128, 128, (4, 6, 5)).astype(np.int8)
    shape = [-(-n // 2) if k == axis % 3 else n for k, n in enumerate(q.shape)]
    scale, zero = 2.0 ** GENERATOR.integers(-2, 3, shape), GENERATOR.integers(-9, 9, shape)
    scale, zero = scale.astype(np.float32), zero.astype(np.int8)
    scales, zeros = (
        np.repeat(a, 2, axis).take(range(q.shape[axis]), axis).astype(np.float64)
        for a in (scale, zero)
    )
    x = ((q - zeros) * scales).astype(np.float32)
    attributes = f"axis = {axis} : i64, block_size = 2 : i64"
    assert_node("DequantizeLinear", x, attributes, q=q, scale=scale, zero=zero)
    assert_node("QuantizeLinear", q, attributes, x=x, scale=scale, zero=zero)


def test_the_range_of_zeros_is_quantized():
    x, outputs = np.zeros((2, 3), np.float32), {"q": "ui8", "scale": "f32", "zero": "ui8"}
    types = {"q": "tensor<2x3xui8>", "scale": "tensor<f32>", "zero": "tensor<ui8>"}
    signature = f"({type_of(x)}) -> ({', '.join(types.values())})"
    names = ", ".join(f"%{name}" for name in outputs)
    found = computed(f"{names} = {node('DynamicQuantizeLinear', '%x', signature)}", types, x=x)
    assert not found["q"].any()
    assert found["scale"] == 1


def test_products_of_quantized_rows_and_columns():
    a, b = (GENERATOR.integers(0, 256, shape).astype(np.uint8) for shape in ((3, 4), (4, 5)))
    a_scale, a_zero = np.array([0.5, 1.0, 2.0], np.float32), np.array([7, 120, 200], np.uint8)
    b_scale, b_zero = (
        np.float32(2.0) ** np.arange(-2, 3).astype(np.float32),
        np.arange(5).astype(np.uint8),
    )
    y_scale, y_zero = np.array([512.0], np.float32), np.array([128], np.uint8)
    product = ((a - a_zero[:, None].astype(float)) * a_scale[:, None]) @ (
        (b - b_zero.astype(float)) * b_scale
    )
    expected = np.clip(np.rint(product / y_scale) + 128, 0, 255).astype(np.uint8)
    left, right = {"a": a, "r": a_scale, "s": a_zero}, {"b": b, "t": b_scale, "u": b_zero}
    assert_node("QLinearMatMul", expected, **left, **right, v=y_scale, w=y_zero)


def test_a_convolution_of_integers_pads_with_the_zero_point():
    x, w = (
        GENERATOR.integers(-128, 128, shape).astype(np.int8)
        for shape in ((1, 4, 5, 5), (6, 2, 3, 3))
    )
    w_scale, w_zero = (
        np.float32(2.0) ** np.arange(-3, 3).astype(np.float32),
        np.arange(6).astype(np.int8),
    )
    b = GENERATOR.integers(-999, 999, 6).astype(np.int32)
    sums = convolution(x - 5.0, w - w_zero[:, None, None, None].astype(float), 1, 1, (1, 1), 2)
    scaled = (sums + b[:, None, None]) * (0.5 * w_scale[:, None, None] / 128)
    expected = np.clip(np.rint(scaled) - 3, -128, 127).astype(np.int8)
    half, step = np.array(0.5, np.float32), np.array(128, np.float32)
    operands = {"x": x, "r": half, "s": np.array(5, np.int8), "w": w, "t": w_scale, "u": w_zero}
    attributes = "group = 2 : i64, pads = [1 : i64, 1 : i64, 1 : i64, 1 : i64]"
    result = {"v": step, "z": np.array(-3, np.int8), "b": b}
    assert_node("QLinearConv", expected, attributes, **operands, **result)


def known(**arrays: Array) -> str:
    """Operands on whose values a shape may depend."""
    return "\n".join(
        f"%{name} = onnx.constant dense<{array.tolist()}> : {type_of(array)} : {type_of(array)}"
        for name, array in arrays.items()
    )


@pytest.mark.parametrize("is_sorted", [0, 1])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_unique(is_sorted: int, axis: int | None):
    x = GENERATOR.integers(-2, 2, (9, 2) if axis == 0 else (2, 9)).astype(float)
    y, first, inverse, counts = np.unique(x, True, True, True, axis)
    inverse = inverse.reshape(-1)
    if not is_sorted:
        order = np.argsort(first)
        y, first, counts = y.take(order, axis), first[order], counts[order]
        inverse = np.argsort(order)[inverse]
    expected = {"y": y, "f": first, "i": inverse, "c": counts}
    types = {name: type_of(array) for name, array in expected.items()}
    attributes = f"sorted = {is_sorted} : i64" + (
        f", axis = {axis} : i64" if axis is not None else ""
    )
    signature = f"({type_of(x)}) -> ({', '.join(types.values())})"
    text = f"{known(x=x)}\n%y, %f, %i, %c = {node('Unique', '%x', signature, attributes)}"
    found = computed(text, types)
    for name, array in expected.items():
        assert_equal(found[name], array)


def test_unique_of_nothing():
    types = {"y": "tensor<0xf64>", "f": "tensor<0xi64>"}
    signature = f"(tensor<0x2xf64>) -> ({', '.join(types.values())})"
    found = computed(f"%y, %f = {node('Unique', '%x', signature)}", types, x=np.zeros((0, 2)))
    assert found["y"].shape == found["f"].shape == (0,)


def test_a_box_that_is_suppressed_suppresses_none():
    """Each of a row of boxes overlaps its neighbours."""
    left = np.arange(6.0)
    boxes = np.stack([0 * left, left, 0 * left + 1, left + 2], axis=1)[None]
    scores = np.array([[[0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0.4, 0.9, 0.9, 0.4, 0.3, 0.4]]])
    most, limit, lowest = np.array([3]), np.array([0.25]), np.array([0.35])
    operands = known(b=boxes, s=scores, m=most, t=limit, l=lowest)
    types = ", ".join(map(type_of, (boxes, scores, most, limit, lowest)))
    text = node("NonMaxSuppression", "%b, %s, %m, %t, %l", f"({types}) -> none")
    expected = [(0, 0, 0), (0, 0, 2), (0, 0, 4), (0, 1, 1), (0, 1, 3), (0, 1, 5)]
    assert_equal(computed(f"{operands}\n%y = {text}", {"y": "none"})["y"], expected)


@pytest.mark.parametrize(
    ("real", "whole"), [(np.float32, np.int32), (np.float64, np.int64), (np.float32, np.uint32)]
)
def test_bits_of_floats(real: type[np.floating[Any]], whole: type[np.integer[Any]]):
    """Of zeros, subnormal numbers, and what is not finite, too."""
    to = {np.float32: 1, np.float64: 11, np.int32: 6, np.int64: 7, np.uint32: 12}
    limits = np.finfo(real)
    special = [0.0, -0.0, limits.tiny, limits.smallest_subnormal, limits.max, np.inf, np.nan]
    x = np.concatenate([np.array(special, real), X.reshape(-1).astype(real)])
    x = np.concatenate([x, -x[np.isfinite(x)]])
    bits = x.view(whole)
    assert_node("BitCast", bits, f"to = {to[whole]} : i64", 26, x=x)
    assert_node("BitCast", x, f"to = {to[real]} : i64", 26, x=bits)


def test_a_fourier_transform_of_any_length():
    z = GENERATOR.standard_normal((3, 6, 2))
    x = z[..., 0] + 1j * z[..., 1]

    def parts(y: Array) -> Array:
        return np.stack([y.real, y.imag], -1)

    axis = known(axis=np.array(-2))
    for length in (4, 6, 9):
        operands = f"{axis}\n{known(length=np.array(length))}"
        types = f"({type_of(z)}, tensor<i64>, tensor<i64>) -> none"
        for inverse, half, expected in (
            (0, 0, parts(np.fft.fft(x, length))),
            (1, 0, parts(np.fft.ifft(x, length))),
            (1, 1, np.fft.irfft(x, length)[..., None]),
        ):
            attributes = f"inverse = {inverse} : i64, onesided = {half} : i64"
            text = node("DFT", "%z, %length, %axis", types, attributes, 20)
            found = computed(f"{operands}\n%y = {text}", {"y": "none"}, z=z)["y"]
            assert_equal(found, expected)


@pytest.mark.parametrize(
    ("mode", "expected"), [("TF", [2, 3, 1]), ("IDF", [0.5, 2, 4]), ("TFIDF", [1, 6, 4])]
)
def test_frequencies_of_tokens_and_pairs(mode: str, expected: list[float]):
    """Of 1, of 1 2 and 2 1 with at most one token between them, and of 3."""
    attributes = (
        f'mode = "{mode}", min_gram_length = 1 : i64, max_gram_length = 2 : i64, max_skip_count = 1 : i64, '
        "ngram_counts = [0 : i64, 2 : i64], ngram_indexes = [0 : i64, 2 : i64, 1 : i64, 1 : i64], "
        "pool_int64s = [1 : i64, 3 : i64, 1 : i64, 2 : i64, 2 : i64, 1 : i64], weights = [0.5, 2.0, 4.0]"
    )
    assert_node(
        "TfIdfVectorizer",
        [np.array(expected)] * 2,
        attributes,
        9,
        x=np.array([[1, 3, 2, 1, 2]]).repeat(2, 0),
    )


def test_a_tensor_is_no_empty_option():
    text = f"""
        %a = onnx.absent
        %p = {node("OptionalHasElement", "%x", "(tensor<3x4xf64>) -> tensor<i1>")}
        %q = {node("OptionalHasElement", "%a", "(none) -> tensor<i1>")}
        %y = {node("OptionalGetElement", "%x", "(tensor<3x4xf64>) -> tensor<3x4xf64>")}"""
    found = computed(text, {"p": "tensor<i1>", "q": "tensor<i1>", "y": "tensor<3x4xf64>"}, x=A)
    assert found["p"]
    assert not found["q"]
    assert_equal(found["y"], A)


@pytest.mark.parametrize(("size", "step"), [(6, 6), (6, 4), (6, 9), (20, 1)])
def test_frames_of_a_signal(size: int, step: int):
    x, w = GENERATOR.standard_normal((2, 30, 1)), GENERATOR.standard_normal(size)
    starts = range(0, 30 - size + 1, step)
    y = np.stack([np.fft.rfft(x[:, k : k + size, 0] * w) for k in starts], 1)
    text = node("STFT", "%x, %step, %w", f"({type_of(x)}, tensor<i64>, {type_of(w)}) -> none")
    found = computed(f"{known(step=np.array(step))}\n%y = {text}", {"y": "none"}, x=x, w=w)["y"]
    assert_equal(found, np.stack([y.real, y.imag], -1))


def test_where_broadcasts():
    condition, y = np.array([[True], [False], [True]]), C[:4]
    type = type_of(A)
    text = (
        f"%r = {node('Where', '%c, %x, %y', f'(tensor<3x1xi1>, {type}, tensor<4xf64>) -> {type}')}"
    )
    found = computed(text, {"r": type}, c=condition, x=A, y=y)["r"]
    assert_equal(found, np.where(condition, A, y))


def test_scalars_go_in_and_come_out():
    x, y = np.array(3.0), np.array(-0.5)
    assert_node("Mul", x * y, x=x, y=y)
    assert_node("Where", y, c=np.array(False), x=x, y=y)


def test_booleans_go_in_and_come_out():
    x, y = np.array([[True], [False]]), np.array([True, False, True])
    assert_node("And", x & y, x=x, y=y)
    assert_node("Xor", x ^ y, x=x, y=y)
    assert_node("Not", ~x, x=x)


def test_weights_are_read_by_their_names():
    """Elements of any width are kept in those that tables have."""
    type = "tensor<3x5xf32>"
    text = f"""
        %w = onnx.initializer "layer.0/w" : tensor<4x5xf16>
        %b = onnx.initializer "b" : tensor<5xf32>
        %z = {node("MatMul", "%x, %w", f"(tensor<3x4xf64>, tensor<4x5xf16>) -> {type}")}
        %y = {node("Add", "%z, %b", f"({type}, tensor<5xf32>) -> {type}")}"""
    found = computed(text, {"y": type}, weights={"layer.0/w": B, "b": C}, x=A)["y"]
    assert_equal(found, A @ B + C)


def test_a_weight_that_is_an_output():
    text = '%w = onnx.initializer "w" : tensor<5xf32>'
    assert_equal(computed(text, {"w": "tensor<5xf32>"}, weights={"w": C})["w"], C)


W = np.array([[3.0, -1.0, 3.0, 2.0], [0.5, 0.0, -1.0, 0.0], [5.0, 1.0, 7.0, -2.0]])
"""A weight whose elements f32 holds exactly."""


OF_WEIGHTS: dict[str, tuple[str, list[int] | None, Array]] = {
    "Relu": ("", None, np.maximum(W, 0)),
    "Transpose": ("", None, W.T),
    "Reshape": ("", [2, -1], W.reshape(2, 6)),
    "Unsqueeze": ("", [0], W[None]),
    "Expand": ("", [2, 1, 1], np.stack([W, W])),
    "Tile": ("", [2, 1], np.tile(W, (2, 1))),
    "Gather": ("axis = 1 : i64", [-1, 0], W[:, [-1, 0]]),
    "ReduceSum": ("keepdims = 0 : i64", [1], W.sum(axis=1)),
    "ReduceMax": ("keepdims = 0 : i64", [0], W.max(axis=0)),
    "CumSum": ("", [1], np.cumsum(W, axis=1)),
    "Split": ("axis = 1 : i64", [4], W),
    "Pad": ("", [0, 1, 0, 0], np.pad(W, [(0, 0), (1, 0)])),
}
"""Attributes, the second operand, and the result."""


@pytest.mark.parametrize("op_type", OF_WEIGHTS)
def test_weights_are_as_good_as_inputs(op_type: str):
    """Though their elements are f32 where all others are f64."""
    attributes, operand, expected = OF_WEIGHTS[op_type]
    type = f"tensor<{'x'.join(map(str, expected.shape))}xf32>"
    operands, types = "%w", "tensor<3x4xf32>"
    text = '%w = onnx.initializer "w" : tensor<3x4xf32>\n'
    if operand is not None:
        text += f"%k = {constant(*operand)}\n"
        operands, types = "%w, %k", f"{types}, tensor<{len(operand)}xi64>"
    text += f"%y = {node(op_type, operands, f'({types}) -> {type}', attributes)}"
    assert_equal(computed(text, {"y": type}, weights={"w": W})["y"], expected)


def test_a_convolution_with_a_weight():
    x, w = GENERATOR.standard_normal((1, 2, 5, 5)), GENERATOR.standard_normal((3, 2, 3, 3))
    types = "(tensor<1x2x5x5xf64>, tensor<3x2x3x3xf32>) -> tensor<1x3x3x3xf32>"
    text = f"""
        %w = onnx.initializer "w" : tensor<3x2x3x3xf32>
        %y = {node("Conv", "%x, %w", types)}"""
    found = computed(text, {"y": "tensor<1x3x3x3xf32>"}, weights={"w": w}, x=x)["y"]
    assert_equal(found, convolution(x, w, 1, 1, (0, 0), 1))


def test_an_operand_that_is_left_out():
    text = f"""
        %a = onnx.absent
        %low = onnx.constant dense<-0.5> : tensor<f64> : tensor<f64>
        %high = onnx.constant dense<0.5> : tensor<f64> : tensor<f64>
        %y = {node("Clip", "%x, %low, %a", "(tensor<3x4xf64>, tensor<f64>, none) -> tensor<3x4xf64>")}
        %z = {node("Clip", "%x, %a, %high", "(tensor<3x4xf64>, none, tensor<f64>) -> tensor<3x4xf64>")}"""
    found = computed(text, {"y": "tensor<3x4xf64>", "z": "tensor<3x4xf64>"}, x=A)
    assert_equal(found["y"], np.maximum(A, -0.5))
    assert_equal(found["z"], np.minimum(A, 0.5))


def test_shapes_are_computed_when_compiling():
    """A reshape to what a part of the graph computes from shapes and constants."""
    text = f"""
        %s = {node("Shape", "%x", "(tensor<2x3x4xf64>) -> tensor<3xi64>")}
        %zero = {constant(0)}
        %first = {node("Gather", "%s, %zero", "(tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>")}
        %rest = {constant(-1)}
        %t = {node("Concat", "%first, %rest", "(tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>", "axis = 0 : i64")}
        %y = {node("Reshape", "%x, %t", "(tensor<2x3x4xf64>, tensor<2xi64>) -> none")}"""
    assert_equal(computed(text, {"y": "none"}, x=X)["y"], X.reshape(2, 12))


def test_a_graph_of_several_nodes():
    type = "tensor<3x5xf64>"
    text = f"""
        %p = {node("Gemm", "%x, %b, %c", f"(tensor<3x4xf64>, tensor<4x5xf64>, tensor<5xf64>) -> {type}")}
        %q = {node("Relu", "%p", f"({type}) -> {type}")}
        %y = {node("Softmax", "%q", f"({type}) -> {type}", "axis = -1 : i64")}"""
    powers = np.exp(np.maximum(A @ B + C, 0))
    found = computed(text, {"y": type, "q": type}, x=A, b=B, c=C)
    assert_equal(found["y"], powers / powers.sum(axis=1, keepdims=True))
    assert_equal(found["q"], np.maximum(A @ B + C, 0))


def refusal(text: str, **inputs: Array) -> TensorjoinError:
    with pytest.raises(TensorjoinError) as refused:
        computed(text, {"y": "none"}, **inputs)
    assert "\n" not in str(refused.value)
    return refused.value


def test_what_has_no_decomposition_is_refused_by_name():
    error = refusal(f"%y = {node('Telepathy', '%x', '(tensor<3x4xf64>) -> none')}", x=A)
    assert isinstance(error, UnsupportedError)
    assert str(error) == "the operator Telepathy has no decomposition"
    text = '%y = onnx.node "Relu"(%x) version 1 : i64 of "my.domain" : (tensor<3x4xf64>) -> none'
    assert "my.domain.Relu" in str(refusal(text, x=A))


def test_a_shape_that_depends_on_an_input_is_refused_by_its_name():
    shape = np.array([4, 3])
    types = "(tensor<3x4xf64>, tensor<2xi64>) -> none"
    error = refusal(f"%y = {node('Reshape', '%x, %s', types)}", x=A, s=shape)
    assert "depends on the values of s" in str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (node("Concat", "%x, %x", "(tensor<3x4xf64>, tensor<3x4xf64>) -> none", "axis = 2 : i64"), "no axis 2"),
        (node("Add", "%x", "(tensor<3x4xf64>) -> none"), "Add does not fit"),
        (node("Cast", "%x", "(tensor<3x4xf64>) -> none"), "Cast lacks its attribute to"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(text: str, message: str):
    assert message in str(refusal(f"%y = {text}", x=A))
