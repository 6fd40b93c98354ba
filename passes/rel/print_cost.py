"""What each operator of `rel` is estimated to cost, printed above the module as comments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import IntAttr, ModuleOp, VectorType, f16, f32, f64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.utils.hints import isa

from tensorjoin.calibration import chosen
from tensorjoin.context import target_of
from tensorjoin.cost import Work, seconds, total
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    PACKS,
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    expression_type,
    walk,
)
from tensorjoin.errors import TensorjoinError
from tensorjoin.layouts import DOUBLE_BYTES, HALF_BYTES
from tensorjoin.passes.rel.order_joins import fixed_keys
from tensorjoin.targets import RowFormat
from tensorjoin.tiling import comparisons

KEY_BYTES = 4


def calls_in(expression: Attribute) -> Iterator[CallAttr]:
    """An expression's calls, and those in their arguments."""
    return (part for part in walk(expression) if isinstance(part, CallAttr))


def bound_keys(op: rel.ScanOp) -> set[str]:
    """The keys of a scan that a selection fixes, such as the layer."""
    users = [use.operation for use in op.result.uses]
    if len(users) != 1 or not isinstance(select := users[0], rel.SelectOp):
        return set()
    return fixed_keys(select)


@dataclass(frozen=True)
class Estimate:
    """Estimates for relations of which `rows` stands for each unknown extent."""

    format: RowFormat
    rows: int
    vectors: bool
    """Whether vectors are kept, and not columns later on."""

    def rows_of(self, value: SSAValue, without: set[str] | None = None) -> int:
        extents = rel.schema(value).extents.items()
        known = [extent for key, extent in extents if key not in (without or set())]
        return prod(self.rows if extent < 0 else extent for extent in known)

    def row_bytes(self, value: SSAValue) -> int:
        values = sum(map(self.column_bytes, rel.schema(value).values.values()))
        return values + KEY_BYTES * len(rel.schema(value).extents)

    def column_bytes(self, type: Attribute) -> int:
        element = type.get_element_type() if isa(type, VectorType) else f32
        sizes: dict[Attribute, int] = {f16: HALF_BYTES, f64: DOUBLE_BYTES}
        return width(type) * sizes.get(element, self.format.element_bytes)

    def work(self, op: Operation) -> Work:
        """The work of one operator, run once; none for those that cost nothing."""
        match op:
            case rel.ScanOp():
                rows = self.rows_of(op.result, bound_keys(op))
                return Work(read=rows, bytes=rows * self.row_bytes(op.result))
            case rel.JoinOp():
                return Work(joined=self.rows_of(op.result))
            case rel.ProjectOp():
                return self.computed(op, op.input)
            case rel.AggregateOp() | rel.WindowOp():
                return Work(grouped=self.rows_of(op.input)) + self.computed(op, op.input)
            case rel.InsertOp():
                return Work(statements=1, written=self.rows_of(op.input))
            case _:
                return Work()

    def computed(self, op: Operation, source: SSAValue) -> Work:
        """The products and the packing in the expressions of an operator."""
        rows, types = self.rows_of(source), rel.schema(source).values
        work = Work()
        for call in (c for e in rel.all_expressions(op) for c in calls_in(e)):
            if call.function.data == "mul":
                work += Work(products=rows)
            elif call.function.data in PACKS:
                work += Work(packed=rows) if self.vectors else self.choices(call, rows, types)
            elif call.function.data == "dot" and isinstance(
                column := call.arguments.data[0], ColumnRefAttr
            ):
                pairs = rows * width(types[column.column.data])
                work += Work(dot_products=pairs) if self.vectors else Work(products=pairs)
        return work

    def choices(self, pack: CallAttr, rows: int, types: Mapping[str, Attribute]) -> Work:
        """The comparisons of rows with the columns of a vector, into which they are put."""
        value, _, size = pack.arguments
        is_part = isinstance(expression_type(value, types), VectorType)
        columns = literal(size)
        return Work(choices=rows * (columns if is_part else comparisons(columns)))


def literal(expression: Attribute) -> int:
    """The number that an expression is; 0 for another expression."""
    match expression:
        case LiteralAttr(value=IntAttr() as value):
            return value.data
        case _:
            return 0


def width(type: Attribute) -> int:
    """The elements of a column."""
    return type.get_shape()[0] if isinstance(type, VectorType) else 1


def rounds(op: Operation) -> int:
    """How often an operator runs, by the loops around it."""
    count, parent = 1, op.parent_op()
    while parent is not None:
        count *= parent.count.value.data if isinstance(parent, rel.ForOp) else 1
        parent = parent.parent_op()
    return count


@dataclass(frozen=True)
class PrintCostPass(ModulePass):
    """Print what each relational operator is estimated to cost, with `rows` for unknown extents."""

    name = "print-cost"

    target: str = ""
    rows: int = 1
    costs: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = target_of(ctx, self.target)
        profile = target.profile
        if self.rows < 1:
            raise TensorjoinError(f"print-cost: extents of {self.rows} rows: choose 1 or more")
        measured = chosen(target, self.costs)
        estimate = Estimate(profile.row_format, self.rows, profile.vectors)

        def line(op: Operation, work: Work) -> str:
            rows = rounds(op) * estimate.rows_of(op.results[0] if op.results else op.operands[0])
            time = seconds(work, measured.seconds) * 1e3
            return f"//   {op.name}: {rows:,} rows, {work.bytes:,.0f} bytes, {time:,.4f} ms"

        for function in (f for f in op.ops if isinstance(f, FuncOp)):
            print(f"// cost of @{function.sym_name.data} on {profile.name}")
            works: list[Work] = []
            for each in function.walk():
                if (work := estimate.work(each).times(rounds(each))) != Work():
                    works.append(work)
                    print(line(each, work))
            print(f"//   total: {seconds(total(works), measured.seconds) * 1e3:,.4f} ms")
