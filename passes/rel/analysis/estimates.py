"""How large relations are by their extents; `dynamic` stands for an extent that is unknown."""

from math import prod

from xdsl.dialects.builtin import DYNAMIC_INDEX, VectorType
from xdsl.ir import SSAValue

from tensorjoin.dialects import rel
from tensorjoin.dialects.rel import schema

DYNAMIC = 16
"""The extent assumed where none is known: rows of a batch, and of a context."""


def estimated_extents(value: SSAValue, dynamic: int) -> dict[str, int]:
    return {
        name: dynamic if extent == DYNAMIC_INDEX else extent
        for name, extent in schema(value).extents.items()
    }


def estimated_rows(value: SSAValue, dynamic: int) -> int:
    """The rows of a relation: what a key is looked up by adds none."""
    rows = prod(estimated_extents(value, dynamic).values())
    match op := value.owner:
        case rel.ProjectOp() | rel.SelectOp():
            return min(rows, estimated_rows(op.input, dynamic))
        case _:
            return rows


def width(value: SSAValue) -> int:
    """The elements of a row."""
    types = schema(value).values.values()
    return max(1, sum(prod(t.get_shape()) if isinstance(t, VectorType) else 1 for t in types))


def elements_behind(value: SSAValue, dynamic: int) -> int:
    """The elements of the inputs of the join that a relation is a projection of."""
    match op := value.owner:
        case rel.ProjectOp() | rel.SelectOp():
            return elements_behind(op.input, dynamic)
        case rel.JoinOp():
            return sum(estimated_rows(i, dynamic) * width(i) for i in op.inputs)
        case _:
            return 0
