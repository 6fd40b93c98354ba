"""What of a round of a loop has a form in a recursion."""

from xdsl.dialects.builtin import Float32Type, VectorType, f32, f64
from xdsl.ir import Attribute, Operation

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, ParameterAttr, call, col, columns_of
from tensorjoin.dialects.rel import RelationType, schema


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


def is_of_round(op: Operation, counter: str) -> bool:
    """Whether an operator selects the rows whose key `counter` is the number of the round."""
    of_round = call("eq", col(counter), ParameterAttr(counter))
    return isinstance(op, rel.SelectOp) and op.condition == of_round


def reads(op: Operation, counter: str) -> bool:
    """Whether an operator reads the parameter `counter`."""
    return any(bound(e, counter) != e for e in rel.all_expressions(op))


def has_form(op: Operation, counter: str, filled: set[str]) -> bool:
    """Whether a recursion has a form for an operator of a round that fills some tables."""
    match op:
        case rel.MaterializeOp():
            return False
        case rel.InsertOp():
            # The rows of a round carry its number, and are found by it.
            made = op.input.owner
            keys = rel.expressions(made.keys) if isinstance(made, rel.ProjectOp) else {}
            return keys.get(counter) == ParameterAttr(counter) and op.input.has_one_use()
        case rel.ScanOp() if op.table.string_value() in filled:
            return all(
                is_of_round(use.operation, counter) and drops(use.operation, counter)
                for use in op.result.uses
            )
        case rel.ProjectOp():
            return counter not in schema(op.input).types or not reads(op, counter)
        case _:
            return not op.regions and (is_of_round(op, counter) or not reads(op, counter))


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
