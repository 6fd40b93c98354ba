"""What is said in SQL for a planner's sake: the meaning is the same without it."""

from xdsl.dialects.builtin import IntAttr
from xdsl.ir import Attribute

from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, LiteralAttr, lit
from tensorjoin.dialects.rel import schema


def is_range(op: sql.ValuesOp, shortest: int) -> bool:
    """Whether the rows are the numbers 0, 1, 2, ..., and at least so many."""
    numbers = [lit(number) for number in range(len(op.rows))]
    is_index = len(schema(op.result).extents) == len(schema(op.result).types) == 1
    return len(numbers) >= shortest and is_index and list(op.rows) == numbers


def mirrored_offset(condition: Attribute) -> Attribute | None:
    """a.x + 1 = b.y -> a.x = b.y - 1; see docs/notes/joins.md#the-product-of-gate-and-up."""
    inverses = {"add": "sub", "sub": "add"}
    if not isinstance(condition, CallAttr) or condition.function.data != "eq":
        return None
    for side, other in (condition.arguments, reversed(condition.arguments.data)):
        if isinstance(side, CallAttr) and side.function.data in inverses:
            column, offset = side.arguments
            columns = isinstance(column, ColumnRefAttr) and isinstance(other, ColumnRefAttr)
            if columns and isinstance(offset, LiteralAttr) and isinstance(offset.value, IntAttr):
                inverse = inverses[side.function.data]
                return CallAttr("eq", column, CallAttr(inverse, other, offset))
    return None
