"""Weights and state as tiled -> the storage that suits the target."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.backend import Target
from tensorjoin.calibration import chosen
from tensorjoin.context import target_of
from tensorjoin.cost import Coefficients, MatrixLayout, Product
from tensorjoin.dialects import ten
from tensorjoin.dialects.layout import PACKED, LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError
from tensorjoin.layouts import cheapest
from tensorjoin.passes.ten.row_to_column import pivoted
from tensorjoin.targets import TargetProfile
from tensorjoin.tiling import chunk_size

KEPT = (*PACKED, Storage.HALVES, Storage.PIVOTED)
"""The storages that were chosen before."""


@dataclass(frozen=True)
class ByCost:
    """The cheapest layouts of weights for products with so many rows."""

    layouts: Mapping[Product, MatrixLayout]
    rows: int

    @classmethod
    def of(
        cls, module: ModuleOp, profile: TargetProfile, coefficients: Coefficients, rows: int
    ) -> "ByCost":
        """The choice for the weights of a module: vectors of one size are in equal columns."""
        groups: dict[object, list[Product]] = defaultdict(list)
        for op in weights_of(module):
            if op.layout is not None and op.layout.is_chunked:
                shape = ten.tensor(op.result).get_shape()
                product = product_of(op.layout.axis.data, shape, rows)
                groups[product.inputs if profile.vectors else product].append(product)
        layouts: dict[Product, MatrixLayout] = {}
        columns: dict[int, int] = {}
        for products in groups.values():
            layout = cheapest(profile, products, coefficients)
            if layout.storage == Storage.PIVOTED:
                layout = replace(layout, columns=columns.setdefault(layout.size, layout.columns))
            layouts |= dict.fromkeys(products, layout)
        return cls(layouts, rows)

    def layout(self, axis: int, shape: tuple[int, ...]) -> LayoutAttr:
        """The layout of a weight that is summed over an axis."""
        chosen = self.layouts[product_of(axis, shape, self.rows)]
        if chosen.storage == Storage.ROWS:
            return LayoutAttr(Storage.ROWS)
        return LayoutAttr(Storage(chosen.storage), axis, chosen.size, columns=chosen.columns)


def weights_of(module: ModuleOp) -> Iterator[ten.WeightOp]:
    return (op for op in module.walk() if isinstance(op, ten.WeightOp))


def product_of(axis: int, shape: tuple[int, ...], rows: int) -> Product:
    """The product that sums over an axis of a weight."""
    return Product(prod(shape) // shape[axis], shape[axis], rows)


@dataclass
class AssignLayout(RewritePattern):
    """ten.weight @w layout #rel.layout<arrays 1 by 64> -> the same chunks in another storage"""

    storage: Storage
    max_columns: int
    by_cost: ByCost | None = None
    """What chooses the storage of weights; `storage` is that of state then."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: ten.WeightOp | ten.AppendOp | ten.ReadOp, rewriter: PatternRewriter, /
    ):
        if (layout := self.layout(op)) != op.layout:
            op.layout = layout
            rewriter.notify_op_modified(op)

    def layout(self, op: ten.WeightOp | ten.AppendOp | ten.ReadOp) -> LayoutAttr:
        tensor = op.input if isinstance(op, ten.AppendOp) else op.result
        tiled, shape = op.layout, ten.tensor(tensor).get_shape()
        if tiled is not None and tiled.storage.data in KEPT:
            return tiled
        if self.storage is Storage.ROWS or tiled is None or not tiled.is_chunked:
            return LayoutAttr(Storage.ROWS)
        axis, size = tiled.axis.data, tiled.size.data
        if self.by_cost is not None and isinstance(op, ten.WeightOp):
            return self.by_cost.layout(axis, shape)
        keys = len(shape) + (op.layers is not None)
        if self.storage is Storage.PIVOTED:
            is_weight = isinstance(op, ten.WeightOp)
            return pivoted(tiled, shape, self.max_columns - keys) if is_weight else tiled
        if self.storage is Storage.COLUMNS and size + keys > self.max_columns:
            size = chunk_size(shape[axis], self.max_columns - keys)
        return LayoutAttr(self.storage, axis, size)


@dataclass(frozen=True)
class AssignLayoutsPass(ModulePass):
    """
    Choose how weights and state are stored: chunks in arrays or in columns, all else in rows;
    where weights are pivoted, state is in arrays.

    With layout=auto, the size of a weight's chunks and whether it has any are what is estimated to
    be cheapest for batches of `rows` rows, by the coefficients in the file `costs`, or those that
    come with the package.
    """

    name = "assign-layouts"
    requires = frozenset({"chunks of state", "chunks of weights"})
    establishes = frozenset({"layouts"})

    target: str = ""
    layout: Literal["auto", "rows", "arrays", "columns", "pivoted"] = "auto"
    rows: int = 1
    costs: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = target_of(ctx, self.target)
        profile = target.profile
        pivoted = Storage.PIVOTED in {w.layout.storage.data for w in weights_of(op) if w.layout}
        if pivoted and not profile.vectors:
            raise TensorjoinError(f"{profile.name} has no vectors for pivoted weights")
        if self.rows < 1:
            raise TensorjoinError(f"assign-layouts: a batch of {self.rows} rows: choose 1 or more")
        pattern = AssignLayout(self.storage(profile), profile.max_columns, self.by_cost(target, op))
        PatternRewriteWalker(pattern).rewrite_module(op)

    def by_cost(self, target: Target, module: ModuleOp) -> ByCost | None:
        if self.layout != "auto":
            return None
        measured = chosen(target, self.costs)
        return ByCost.of(module, target.profile, measured.seconds, self.rows)

    def storage(self, profile: TargetProfile) -> Storage:
        if self.layout == "auto":
            return Storage.ARRAYS if profile.vectors else Storage.COLUMNS
        storage = Storage(self.layout)
        if storage in (Storage.ARRAYS, Storage.PIVOTED) and not profile.vectors:
            raise TensorjoinError(
                f"{profile.name} has no vectors for layout={storage}: choose columns or rows"
            )
        return storage
