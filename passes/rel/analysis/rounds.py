"""What of a round of a loop has a form in a recursion."""

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.dialects.builtin import Float32Type, VectorType, f32, f64
from xdsl.ir import Attribute, Operation

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    CallAttr,
    LiteralAttr,
    ParameterAttr,
    call,
    col,
    columns_of,
    lit,
)
from tensorjoin.dialects.rel import RelationType, schema


@dataclass(frozen=True)
class Numbering:
    """What a round calls its rows: round * stride + offset, a number that no other round has."""

    stride: int
    offset: int

    @staticmethod
    def of(expression: Attribute | None, counter: str) -> "Numbering | None":
        """The numbering by `?counter`, `?counter * 4` or `?counter * 4 + 1`; None by another."""
        match expression:
            case ParameterAttr() if expression.parameter.data == counter:
                return Numbering(1, 0)
            case CallAttr():
                first, *others = expression.arguments
                found = Numbering.of(first, counter)
                match expression.function.data, found, others:
                    case "mul", Numbering(stride=1, offset=0), [LiteralAttr() as stride]:
                        return Numbering.within(int(stride.value.data), 0)
                    case "add", Numbering(), [LiteralAttr() as offset]:
                        return Numbering.within(found.stride, found.offset + int(offset.value.data))
                    case _:
                        return None
            case _:
                return None

    @staticmethod
    def within(stride: int, offset: int) -> "Numbering | None":
        return Numbering(stride, offset) if 0 <= offset < stride else None

    def number(self, round: Attribute) -> Attribute:
        """The number in a round."""
        scaled = round if self.stride == 1 else call("mul", round, lit(self.stride))
        return scaled if self.offset == 0 else call("add", scaled, lit(self.offset))


def bound(expression: Attribute, counter: str) -> Attribute:
    """The expression with the column `counter` in place of the parameter."""
    match expression:
        case ParameterAttr() if expression.parameter.data == counter:
            return col(counter)
        case CallAttr():
            arguments = (bound(argument, counter) for argument in expression.arguments)
            return CallAttr(expression.function.data, *arguments)
        case _:
            return expression


def selected(op: Operation, counter: str) -> Numbering | None:
    """What the key `counter` is in the rows that an operator selects, by the round; if it is so."""
    if not isinstance(op, rel.SelectOp) or not isinstance(op.condition, CallAttr):
        return None
    equal = op.condition.function.data == "eq"
    key, number = (*op.condition.arguments, None, None)[:2]
    return Numbering.of(number, counter) if equal and key == col(counter) else None


def inserted(op: Operation, counter: str) -> Numbering | None:
    """What the key `counter` is in the rows that an operator inserts, by the round; if it is so."""
    made = op.input.owner if isinstance(op, rel.InsertOp) else None
    keys = rel.expressions(made.keys) if isinstance(made, rel.ProjectOp) else {}
    return Numbering.of(keys.get(counter), counter)


def are_apart(numberings: Iterable[Numbering | None]) -> bool:
    """Whether two of the numberings share no number, if they differ: they have one stride."""
    return len({None if each is None else each.stride for each in numberings}) == 1


def reads(op: Operation, counter: str) -> bool:
    """Whether an operator reads the parameter `counter`."""
    return any(bound(e, counter) != e for e in rel.all_expressions(op))


def has_form(op: Operation, counter: str, filled: set[str]) -> bool:
    """Whether a recursion has a form for an operator of a round that fills some tables."""
    match op:
        case rel.MaterializeOp():
            return False
        case rel.InsertOp():
            # The rows of a round carry a number of its own, and are found by it.
            return inserted(op, counter) is not None and op.input.has_one_use()
        case rel.ScanOp() if op.table.string_value() in filled:
            return all(
                selected(use.operation, counter) and drops(use.operation, counter)
                for use in op.result.uses
            )
        case rel.ProjectOp():
            return counter not in schema(op.input).types or not reads(op, counter)
        case _:
            return not op.regions and bool(selected(op, counter) or not reads(op, counter))


def drops(op: Operation, key: str) -> bool:
    """Whether only projections read a relation, and none of them a certain key."""
    readers = [use.operation for use in op.results[0].uses]
    return all(
        isinstance(reader, rel.ProjectOp)
        and all(key not in columns_of(e) for e in rel.all_expressions(reader))
        for reader in readers
    )


def is_of_floats(type: RelationType) -> bool:
    """Whether a relation has one value, a float or a vector of floats."""
    return [is_float(value) for value in type.values.values()] == [True]


def is_float(type: Attribute) -> bool:
    if isinstance(type, VectorType):
        return isinstance(type.get_element_type(), Float32Type)
    return type in (f32, f64)
