"""Which indices a sparse relation leaves out."""

from xdsl.ir import SSAValue

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import ColumnRefAttr, columns_of
from tensorjoin.dialects.rel import schema


def has_gaps(relation: SSAValue, key: str) -> bool:
    """
    Whether, for some values of the other keys, a relation has rows for some values of `key` but not
    for all; True where that cannot be told.
    """
    if not schema(relation).is_sparse:
        return False
    match op := relation.owner:
        case rel.ProjectOp():
            source = rel.expressions(op.keys)[key]
            return not isinstance(source, ColumnRefAttr) or has_gaps(op.input, source.column.data)
        case rel.SelectOp():
            return key in columns_of(op.condition) or has_gaps(op.input, key)
        case rel.AggregateOp():
            return has_gaps(op.input, key)
        case rel.JoinOp():
            return any(has_gaps(i, key) for i in op.inputs if key in schema(i).extents)
        case _:
            return True
