"""
Weights whose products meet element by element (gate|up) -> one row for all of them.

See docs/notes/layouts.md#gate-and-up-in-one-row.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from tensorjoin.context import profile_of
from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.dialects.ten import parse_indices
from tensorjoin.layouts import HALF_BYTES, KEYS
from tensorjoin.passes.ten_to_rel.parts import PartedProduct
from tensorjoin.targets import TargetProfile

IN_PARTS = (Storage.ARRAYS, Storage.PIVOTED, Storage.COLUMNS, Storage.HALVES)


def readers_of_weights(module: ModuleOp) -> Iterable[list[ten.WeightOp]]:
    """What reads each table of weights."""
    readers: dict[str, list[ten.WeightOp]] = {}
    for op in module.walk():
        if isinstance(op, ten.WeightOp):
            readers.setdefault(op.symbol.string_value(), []).append(op)
    return readers.values()


def product_with(weight: ten.WeightOp) -> PartedProduct | None:
    """The one product with a weight that sums over its chunks; its first axis is the weight's."""
    layout = weight.layout
    if layout is None or layout.storage.data not in IN_PARTS or layout.axis.data == 0:
        return None
    if layout.parts.data != 1:
        return None
    if not weight.result.has_one_use():
        return None
    use = next(iter(weight.result.uses))
    if not isinstance(op := use.operation, ten.ContractOp) or len(op.inputs) != 2 or use.index != 1:
        return None
    (others, letters), result = parse_indices(op.indices.data)
    summed = letters[layout.axis.data]
    is_sum = summed in others and summed not in result
    is_free = letters[0] in result and letters[0] not in others
    return PartedProduct(op) if is_sum and is_free else None


def meet(parts: list[ten.SliceOp]) -> bool:
    """Whether one map reads all parts."""
    readers = [{use.operation for use in part.result.uses} for part in parts]
    together = readers[0].intersection(*readers[1:])
    return any(isinstance(reader, ten.MapOp) for reader in together)


def fits(layout: LayoutAttr, parts: int, profile: TargetProfile) -> bool:
    """Whether a table may have rows with so many parts, and the engine keeps them together."""
    format, size = profile.row_format, layout.size.data
    # A join has the columns of the other operand as well.
    if not layout.vector and (parts + 1) * size + KEYS > profile.max_columns:
        return False
    if format.columnar or format.inline_bytes is None:
        return True
    is_half = layout.storage.data == Storage.HALVES
    element_bytes = HALF_BYTES if is_half else format.element_bytes
    return parts * size * element_bytes + format.row_bytes <= format.inline_bytes


def can_interleave(weight: ten.WeightOp, profile: TargetProfile) -> bool:
    """Whether the sources of a weight are the parts in which its product is read, together."""
    count, layout = len(weight.sources), weight.layout
    if count < 2 or layout is None or (product := product_with(weight)) is None:
        return False
    parts = product.parts(count)
    offsets = [part.offset.value.data for part in parts]
    every = [number * (product.extent // count) for number in range(count)]
    return offsets == every and meet(parts) and fits(layout, count, profile)


@dataclass(frozen=True)
class InterleaveWeightsPass(ModulePass):
    """
    Store the sources of a weight beside each other, row by row, where the parts of its product meet
    in a map (gate and up), and a row holds them: what the map reads is one row, and no relation is
    joined to itself.
    """

    name = "interleave-weights"
    requires = frozenset({"layouts"})

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        profile = profile_of(ctx, self.target)
        for readers in readers_of_weights(op):
            # All that read a table read it as it is stored.
            if all(can_interleave(weight, profile) for weight in readers):
                for weight in readers:
                    if (layout := weight.layout) is not None:
                        weight.layout = layout.in_parts(len(weight.sources))
