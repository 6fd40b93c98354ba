"""Inputs as rows of a wide table: chunks of their last axis."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, f64
from xdsl.passes import ModulePass

from tensorjoin.context import profile_of
from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.tiling import chunk_size


@dataclass(frozen=True)
class TileInputsPass(ModulePass):
    """
    Declare that the inputs named are rows of wide tables, in chunks of their last axis.

    ten.input @x -> ten.input @x layout #rel.layout<columns AXIS by SIZE>, of the tables named: a
    wide table holds such chunks as it is
    """

    name = "tile-inputs"

    tables: tuple[str, ...] = ()
    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        profile = profile_of(ctx, self.target)
        weights = (each for each in op.walk() if isinstance(each, ten.WeightOp))
        # Arrays are of float32, in which a model whose weights are doubles would lose digits.
        doubles = any(ten.tensor(w.result).get_element_type() == f64 for w in weights)
        storage = Storage.ARRAYS if profile.vectors and not doubles else Storage.COLUMNS
        for input in op.walk():
            if not isinstance(input, ten.InputOp) or input.table.string_value() not in self.tables:
                continue
            if shape := ten.tensor(input.result).get_shape():
                size = chunk_size(shape[-1], profile.chunk)
                input.layout = LayoutAttr(storage, len(shape) - 1, size)
