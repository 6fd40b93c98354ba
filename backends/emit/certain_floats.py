"""
Which columns of a program's tables hold floats, whatever their type would make of integers.

See docs/notes/tokens.md#columns-without-a-type.
"""

from collections import defaultdict
from collections.abc import Mapping

from xdsl.dialects.builtin import FloatData, ModuleOp, f32, f64
from xdsl.ir import Attribute, SSAValue

from tensorjoin.dialects import sql
from tensorjoin.dialects.expression import CallAttr, ColumnRefAttr, LiteralAttr
from tensorjoin.dialects.rel import TableKind, schema

FLOATS = (f32, f64)
OF_ANY = frozenset({"add", "sub", "mul", "div"})
"""Functions of numbers that give a float where any of these is one."""
OF_ALL = frozenset({"neg", "sum", "max", "min"})
"""Functions that give a float where all their arguments are floats."""
ALWAYS = frozenset({"to_float", "exp", "sqrt", "sin", "cos"})
"""Functions that give a float of anything."""


def certain_floats(module: ModuleOp) -> Mapping[str, frozenset[str]]:
    """
    By table, the columns into which nothing but floats and nulls are put: of weights in chunks, as
    they are loaded so, and of tables that statements alone fill.
    """
    written: dict[str, list[SSAValue]] = defaultdict(list)
    for op in module.walk():
        if isinstance(op, sql.InsertOp):
            written[op.table.string_value()].append(op.query)
    floats: dict[str, frozenset[str]] = {}
    for op in module.ops:
        if not isinstance(op, sql.CreateTableOp):
            continue
        name, kind = op.sym_name.data, op.kind.data
        columns = [column for column, type in op.schema.values.items() if type in FLOATS]
        if kind is TableKind.WEIGHT:
            is_chunked = op.layout is not None and op.layout.is_chunked
            floats[name] = frozenset(columns if is_chunked else ())
        elif kind in (TableKind.SCRATCH, TableKind.STATE) and (queries := written[name]):
            floats[name] = frozenset(
                column
                for column in columns
                if all(gives_floats(query, column) for query in queries)
            )
    return floats


def gives_floats(query: SSAValue, column: str) -> bool:
    """Whether a column of a query is a float, or null, in each of its rows."""
    match query.owner:
        case sql.TableOp():
            # What is stored there either was one, or its type makes it one.
            return schema(query).types[column] in FLOATS
        case sql.SelectOp() as op:
            return is_float(op.outputs[column], op.source_map)
        case sql.UnionOp() as op:
            names = list(schema(query).types)
            place = names.index(column)
            return all(gives_floats(each, list(schema(each).types)[place]) for each in op.sources)
        case sql.ValuesOp() as op:
            names = list(schema(query).types)
            literals = list(op.rows)[names.index(column) :: len(names)]
            return all(is_float(literal, {}) for literal in literals)
        case _:
            return False


def is_float(expression: Attribute, sources: Mapping[str, SSAValue]) -> bool:
    """Whether an expression over the columns of `sources` is a float or null."""
    match expression:
        case LiteralAttr():
            return isinstance(expression.value, FloatData)
        case ColumnRefAttr():
            alias, name = expression.column.data.split(".", 1)
            return gives_floats(sources[alias], name)
        case CallAttr():
            function, arguments = expression.function.data, expression.arguments.data
            if function == "if":
                return all(is_float(each, sources) for each in arguments[1:])
            if function in OF_ANY:
                return any(is_float(each, sources) for each in arguments)
            if function in OF_ALL:
                return all(is_float(each, sources) for each in arguments)
            return function in ALWAYS
        case _:
            return False
