"""Which indices a relation leaves out."""

from xdsl.ir import Block, SSAValue

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import ColumnRefAttr, columns_of
from tensorjoin.dialects.rel import schema


def has_gaps(relation: SSAValue, key: str) -> bool:
    """
    Whether, for some values of the other keys, a relation has rows for some values of `key` but not
    for all; True where that cannot be told.
    """
    match op := relation.owner:
        case rel.ScanOp() | rel.ForOp() | Block():
            return schema(relation).is_sparse
        case rel.RangeOp() | rel.ValuesOp():
            return False
        case rel.ProjectOp():
            source = rel.expressions(op.keys)[key]
            return not isinstance(source, ColumnRefAttr) or has_gaps(op.input, source.column.data)
        case rel.SelectOp():
            # A value tells rows apart by all keys.
            names, keys = set(columns_of(op.condition)), schema(op.input).extents.keys()
            return key in names or not names <= keys or has_gaps(op.input, key)
        case rel.AggregateOp():
            return not op.total and has_gaps(op.input, key)
        case rel.JoinOp():
            return any(has_gaps(i, key) for i in op.inputs if key in schema(i).extents)
        case _:
            return True
