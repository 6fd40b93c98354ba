"""How often sequences of tokens occur."""

from functools import reduce

from xdsl.dialects.builtin import TensorType, f32, i64

from tensorjoin.dialects.ten import Reduction
from tensorjoin.passes.onnx.array import Array, concat, full, scatter
from tensorjoin.passes.onnx.node import Node, decomposes


@decomposes("TfIdfVectorizer")
def tf_idf_vectorizer(node: Node, x: Array) -> Array:
    if node.has("pool_strings"):
        raise node.refuse("pool_strings: no relation holds texts")
    rows = Array(x.value, i64).reshape([x.size // x.shape[-1] if x.size else 1, x.shape[-1]])
    size = places(node)
    found = frequencies(node, rows, size).reshape([*x.shape[:-1], size])
    mode = node.text("mode")
    if mode == "IDF":
        found = found.differs(0).cast(i64)
    y = found.cast(f32)
    if mode == "TF" or not node.has("weights"):
        return y
    return y * node.table("weights").slice(0, 0, size)


def places(node: Node) -> int:
    """How many numbers describe a row: where the places of n-grams are a weight, by its type."""
    if "ngram_indexes" in node.op.attributes:
        return max(node.integers("ngram_indexes")) + 1
    type = node.op.outputs[0].type
    if not isinstance(type, TensorType):
        raise node.refuse("the places of its n-grams are not known")
    return type.get_shape()[-1]


def frequencies(node: Node, rows: Array, size: int) -> Array:
    """[row, place]: how often the n-grams of a place occur."""
    pool, targets = node.table("pool_int64s"), node.table("ngram_indexes")
    starts = [*node.integers("ngram_counts"), pool.size]
    shortest, longest = node.integer("min_gram_length"), node.integer("max_gram_length")
    counts: list[Array] = []
    ids: list[Array] = []
    passed = 0
    for n, (start, end) in enumerate(zip(starts, starts[1:], strict=False), 1):
        number = (end - start) // n
        if number and shortest <= n <= longest:
            grams = pool.slice(0, start, number * n).reshape([number, n])
            # Tokens that are skipped make no difference to one that stands alone.
            skips = range(node.integer("max_skip_count") + 1 if n > 1 else 1)
            found = [occurrences(rows, grams, skip + 1) for skip in skips]
            counts.append(reduce(lambda a, b: a + b, found))
            ids.append(targets.slice(0, passed, number))
        passed += number
    if not counts:
        return full([rows.shape[0], size], 0, i64)
    return scatter(Reduction.SUM, "ab,b->ac", concat(counts, 1), concat(ids, 0), size).filled(0)


def occurrences(rows: Array, grams: Array, step: int) -> Array:
    """[row, gram]: how often its tokens occur so many places apart."""
    number, n = grams.shape
    count = max(0, rows.shape[1] - step * (n - 1))
    if count == 0:
        return full([rows.shape[0], number], 0, i64)
    matches = [
        rows.slice(1, k * step, count).unsqueeze([2]).equals(grams.slice(1, k, 1).squeeze([1]))
        for k in range(n)
    ]
    return reduce(lambda a, b: a & b, matches).cast(i64).sum([1])
