"""Tensor algebra -> relational algebra."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriteWalker
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.transforms.dead_code_elimination import dce

from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.ten_to_rel.abreast import (
    ConvertContractAbreast,
    ConvertProductAbreast,
    ConvertSliceAbreast,
)
from tensorjoin.passes.ten_to_rel.algebra import (
    ConvertContract,
    ConvertGather,
    ConvertMap,
    ConvertReduce,
)
from tensorjoin.passes.ten_to_rel.control import ConvertFor, ConvertFunction, ConvertYield
from tensorjoin.passes.ten_to_rel.halves import ConvertContractOfHalves
from tensorjoin.passes.ten_to_rel.lanes import ConvertContractOfLanes, ConvertGatherOfLanes
from tensorjoin.passes.ten_to_rel.order import ConvertRank, ConvertRunningSum
from tensorjoin.passes.ten_to_rel.parts import ConvertContractOfParts
from tensorjoin.passes.ten_to_rel.sets import (
    ConvertConcat,
    ConvertFill,
    ConvertIota,
    ConvertScatter,
)
from tensorjoin.passes.ten_to_rel.shape import ConvertReshape, ConvertSlice, ConvertSparsify
from tensorjoin.passes.ten_to_rel.storage import (
    ConvertAppend,
    ConvertConstant,
    ConvertInput,
    ConvertOutput,
    ConvertRead,
    ConvertWeight,
    Tables,
)


@dataclass(frozen=True)
class ConvertTenToRelPass(ModulePass):
    """Convert tensor algebra to relational algebra, and declare the tables it needs."""

    name = "convert-ten-to-rel"
    requires = frozenset({"layouts"})
    establishes = frozenset({"operators of rel"})
    ends = frozenset({"operators of ten"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        tables = Tables()
        PatternRewriteWalker(
            GreedyRewritePatternApplier([ConvertFunction(tables)]), apply_recursively=False
        ).rewrite_module(op)
        PatternRewriteWalker(
            GreedyRewritePatternApplier(
                [
                    ConvertInput(tables),
                    ConvertWeight(tables),
                    ConvertConstant(),
                    ConvertMap(),
                    ConvertReduce(),
                    ConvertContractOfLanes(),
                    ConvertContractOfHalves(),
                    ConvertContractOfParts(),
                    ConvertProductAbreast(),
                    ConvertContractAbreast(),
                    ConvertContract(),
                    ConvertGatherOfLanes(),
                    ConvertGather(),
                    ConvertReshape(),
                    ConvertSliceAbreast(),
                    ConvertSlice(),
                    ConvertSparsify(),
                    ConvertIota(),
                    ConvertConcat(),
                    ConvertFill(),
                    ConvertScatter(),
                    ConvertRank(),
                    ConvertRunningSum(),
                    ConvertAppend(tables),
                    ConvertRead(tables),
                    ConvertOutput(tables),
                    ConvertFor(),
                    ConvertYield(),
                ]
            ),
            apply_recursively=True,
        ).rewrite_module(op)
        Rewriter.insert_op(list(tables.declared.values()), InsertPoint.at_start(op.body.block))
        dce(op)
        for left in op.walk():
            if left.dialect_name() in ("nn", "ten"):
                raise TensorjoinError(f"{left.name} has no relational form")
