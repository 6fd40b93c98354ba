"""Boxes around what is seen in an image."""

from collections.abc import Sequence

from xdsl.dialects.builtin import i1, i64

from tensorjoin.passes.onnx.array import (
    Array,
    along,
    constant,
    contract,
    full,
    iota,
    stack,
)
from tensorjoin.passes.onnx.node import Node, decomposes
from tensorjoin.passes.onnx.operators.elementwise import maximum, minimum
from tensorjoin.passes.onnx.operators.rounds import check_rounds
from tensorjoin.passes.onnx.operators.sorting import by_rank, compacted, true_elements


@decomposes("NonMaxSuppression")
def non_max_suppression(
    node: Node,
    boxes: Array,
    scores: Array,
    most: Array | None = None,
    threshold: Array | None = None,
    lowest_score: Array | None = None,
) -> Array:
    """How many boxes are kept is a shape, and known when compiling; which, is computed."""
    batches, classes, count = scores.shape
    if most is None or 0 in scores.shape:
        return full([0, 3], 0, i64)
    limit = constant(0.0, boxes.element) if threshold is None else threshold.reshape([])
    is_candidate = constant(True, i1).broadcast_to(scores.shape)
    if lowest_score is not None:
        is_candidate = scores > lowest_score.reshape([])
    overlap = intersection_over_union(boxes, bool(node.integer("center_point_box", 0))) > limit
    rank = scores.rank_along(2, descending=True)
    kept = undisturbed(node, is_candidate, overlap, rank)
    ordered = by_rank(kept.cast(i64), rank, 2, count)
    numbers = along(iota(count), 2, 3).broadcast_to(scores.shape)
    is_chosen = ordered.differs(0) & (ordered.running_sum(2) <= most.reshape([]))
    places, total = true_elements(node, is_chosen.reshape([is_chosen.size]))
    columns = [
        along(iota(batches), 0, 3).broadcast_to(scores.shape),
        along(iota(classes), 1, 3).broadcast_to(scores.shape),
        by_rank(numbers, rank, 2, count),
    ]
    flat = [column.reshape([column.size]) for column in columns]
    return stack([compacted(column, places, 0, total) for column in flat], 1)


def corners(boxes: Array, is_centered: bool) -> Sequence[tuple[Array, Array]]:
    """[batch, box]: where boxes begin and end on each of two axes."""
    a, b, c, d = (boxes.slice(2, k, 1).squeeze([2]) for k in range(4))
    if is_centered:
        return [(p - n / 2.0, p + n / 2.0) for p, n in ((a, c), (b, d))]
    return [(minimum(p, q), maximum(p, q)) for p, q in ((a, c), (b, d))]


def intersection_over_union(boxes: Array, is_centered: bool) -> Array:
    """[batch, box, box]; not a number where there is no area at all."""
    shared = area = constant(1.0, boxes.element)
    for start, end in corners(boxes, is_centered):
        first = maximum(start.unsqueeze([2]), start.unsqueeze([1]))
        last = minimum(end.unsqueeze([2]), end.unsqueeze([1]))
        shared = shared * maximum(last - first, constant(0.0, boxes.element))
        area = area * (end - start)
    return shared / (area.unsqueeze([2]) + area.unsqueeze([1]) - shared)


def undisturbed(node: Node, is_candidate: Array, overlap: Array, rank: Array) -> Array:
    """
    [batch, class, box]: the candidates that overlap none of a better rank that is kept itself.

    What does not depend on others is right after one round, what depends on that after two; the
    chains of such dependencies are short.
    """
    is_better = rank.unsqueeze([2]) < rank.unsqueeze([3])
    disturbs = (overlap.unsqueeze([1]) & is_better).cast(i64)
    kept, rounds = is_candidate, 0
    while True:
        rounds += 1
        check_rounds(node, rounds)
        disturbing = contract("bcij,bcj->bci", disturbs, kept.cast(i64))
        remaining = is_candidate & disturbing.equals(0)
        if not node.value(remaining.differs(kept)).any():
            return kept
        kept = remaining
