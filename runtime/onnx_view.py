"""An ONNX model over the rows of a query: one statement, which may become a view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import sqlglot
from onnx import ModelProto
from sqlglot import exp
from sqlglot.errors import SqlglotError
from xdsl.dialects.builtin import BFloat16Type, Float16Type, ModuleOp, VectorType, f32, f64
from xdsl.utils.exceptions import VerifyException

from tensorjoin.backend import Target
from tensorjoin.backends.database import Database, quoted_name
from tensorjoin.backends.emit.program import emit_query, emit_tables
from tensorjoin.backends.spelling import Spelling, identifier
from tensorjoin.dialects import sql, ten
from tensorjoin.dialects.onnx.elements import numpy_type
from tensorjoin.driver import compile_module
from tensorjoin.errors import TensorjoinError, one_line
from tensorjoin.frontends.onnx.model import ImportedModel, Port, import_onnx
from tensorjoin.frontends.onnx.tensors import TensorFile
from tensorjoin.names import table_name
from tensorjoin.passes.onnx.decompose_onnx import INPUT, OUTPUT
from tensorjoin.passes.onnx.operators import OPERATORS
from tensorjoin.passes.rel.pivot_outputs import RESULT
from tensorjoin.passes.rel.vectorize_rows import ROW
from tensorjoin.pipelines import import_graph, to_query
from tensorjoin.program import Statement, Table
from tensorjoin.runtime.weights import load_weight

SOURCE = "source."
WEIGHT = "weight"
FLOATS = (f32, f64, Float16Type(), BFloat16Type())
PROBE = 3
"""Another number of examples, for which a model is decomposed to see that it treats each alike."""


@dataclass(frozen=True)
class Source:
    """A query with one row for each example, its columns in the order of an input's elements."""

    port: Port
    query: exp.Query
    columns: Sequence[str]
    key: str | None
    """The column that tells rows apart; None to number them in the order of the query."""


def parse_source(database: Database, port: Port, text: str, key: str | None) -> Source:
    """Raises TensorjoinError where the text is no query, or its columns do not fill the input."""
    try:
        trees = sqlglot.parse(text, dialect=database.target.spelling.dialect)
    except SqlglotError as error:
        line = str(error).splitlines()[0]
        raise TensorjoinError(f"the query for {port.name!r} is not understood: {line}") from error
    if len(trees) != 1 or not isinstance(query := trees[0], exp.Query):
        raise TensorjoinError(f"the query for {port.name!r} must be one SELECT")
    probe = exp.select("*").from_(query.copy().subquery("q")).limit(0)
    names = database.columns(database.statement(probe))
    if key is not None and key not in names:
        raise TensorjoinError(f"the query for {port.name!r} has no column {key!r} for --key")
    features = [name for name in names if name != key]
    wanted = example_size(port)
    if len(features) != wanted:
        raise TensorjoinError(
            f"the query for {port.name!r} has {len(features)} columns of features, not {wanted}"
        )
    return Source(port, query, features, key)


def example_size(port: Port) -> int:
    """How many elements one example has: the first axis numbers the examples."""
    if not port.shape or port.shape[0] not in (None, 1):
        raise TensorjoinError(f"the first axis of {port.name!r} does not number examples")
    if any(n is None for n in port.shape[1:]):
        raise TensorjoinError(f"the shape of {port.name!r} is not known but for its first axis")
    return prod(n for n in port.shape[1:] if n is not None)


@dataclass(frozen=True)
class ModelQuery:
    """A model over its sources: a query, and the tables of weights that it reads."""

    tree: exp.Select
    tables: Sequence[Table]
    tensors: TensorFile
    outputs: Mapping[str, tuple[int, ...]]
    """The shape of each output for one example."""


def compile_query(
    model: ModelProto,
    target: Target,
    sources: Sequence[Source],
    name: str,
    is_temporary: bool = False,
    folder: Path | None = None,
) -> ModelQuery:
    """
    Compile a model for every row of its sources; `name` stands in the names of its tables, and
    these may be temporary.

    Raises TensorjoinError where the model does not treat examples alike, one by one.
    """
    target = target.for_any_float or target
    one, many = (decomposed(model, target, sources, rows, folder) for rows in (1, PROBE))
    outputs = output_shapes(one.module)
    for output, shape in output_shapes(many.module).items():
        if (shape[:1], outputs[output]) != ((PROBE,), (1, *shape[1:])):
            raise TensorjoinError(
                f"the output {output!r} has no row for each example: run the model without a query"
            )
    module = one.module
    wide = tuple(f"{INPUT}{s.port.name}" for s in sources if s.port.element == f32)
    compile_module(module, target, to_query(target.profile, wide, is_temporary))

    def names(symbol: str) -> str:
        return symbol if symbol.startswith(INPUT) else table_name(name, symbol)

    declared = {op.sym_name.data: op for op in module.ops if isinstance(op, sql.CreateTableOp)}
    ctes = [
        cte
        for source in sources
        if (table := declared.get(f"{INPUT}{source.port.name}")) is not None
        for cte in source_ctes(source, table, target.spelling)
    ]
    tree = emit_query(module, target, names, ctes)
    return ModelQuery(
        renamed(tree, sources[0].key or ROW, list(declared[RESULT].schema.values)),
        emit_tables(module, target, names),
        one.tensors,
        outputs,
    )


def decomposed(
    model: ModelProto,
    target: Target,
    sources: Sequence[Source],
    rows: int,
    folder: Path | None,
) -> ImportedModel:
    """The module of a model in `ten`, for so many examples."""
    shapes = {s.port.name: [rows, *(n or 0 for n in (s.port.shape or ())[1:])] for s in sources}
    imported = import_onnx(model, OPERATORS, shapes, {}, folder)
    try:
        compile_module(imported.module, target, (import_graph(),))
    except VerifyException as error:
        raise TensorjoinError(f"the model is not valid: {one_line(error)}") from error
    return imported


def output_shapes(module: ModuleOp) -> dict[str, tuple[int, ...]]:
    return {
        op.table.string_value().removeprefix(OUTPUT): tuple(ten.tensor(op.input).get_shape())
        for op in module.walk()
        if isinstance(op, ten.OutputOp)
    }


def renamed(tree: exp.Select, key: str, columns: Sequence[str]) -> exp.Select:
    """The query with the key under the name that it has in the source."""
    with_ = tree.args.pop("with_")
    result = exp.CTE(this=tree, alias=exp.TableAlias(this=identifier(RESULT)))
    row = exp.Column(this=identifier(ROW), table=identifier(RESULT))
    chosen = [exp.Column(this=identifier(c), table=identifier(RESULT)) for c in columns]
    whole = exp.select(exp.alias_(row, key, quoted=True), *chosen)
    whole = whole.from_(exp.Table(this=identifier(RESULT)))
    whole.set("with_", exp.With(expressions=[*with_.expressions, result]))
    return whole


def source_ctes(source: Source, table: sql.CreateTableOp, spelling: Spelling) -> list[exp.CTE]:
    """The query, and its wide rows as those of the input's table: a union of chunks."""
    name, layout = f"{SOURCE}{source.port.name}", table.layout
    columns: list[exp.Expr] = [exp.Column(this=identifier(c)) for c in source.columns]
    if source.key is None:
        numbers = exp.Window(this=exp.RowNumber())
        row: exp.Expr = exp.Sub(this=numbers, expression=exp.Literal.number(1))
    else:
        row = exp.Column(this=identifier(source.key))
    selected = [exp.alias_(row, ROW, quoted=True)]
    selected += [exp.alias_(c, f"c{k}", quoted=True) for k, c in enumerate(columns)]
    inner = exp.select(*selected).from_(source.query.copy().subquery("q"))
    # Rows are numbered once: every chunk must see the same numbers.
    rows = exp.CTE(
        this=inner,
        alias=exp.TableAlias(this=identifier(name)),
        materialized=True if source.key is None else None,
    )
    chunked = layout is not None and layout.is_chunked
    extents = [extent for key, extent in table.schema.extents.items() if key != ROW]
    size = layout.size.data if chunked and layout is not None else 1
    parts = [
        chunk_query(name, index, number * size, size, source, table, spelling)
        for number, index in enumerate(np.ndindex(*extents))
    ]
    union: exp.Expr = parts[0]
    for part in parts[1:]:
        union = exp.Union(this=union, expression=part, distinct=False)
    alias = exp.TableAlias(this=identifier(f"{INPUT}{source.port.name}"))
    return [rows, exp.CTE(this=union, alias=alias)]


def chunk_query(
    source: str,
    index: Sequence[int],
    start: int,
    size: int,
    wide: Source,
    table: sql.CreateTableOp,
    spelling: Spelling,
) -> exp.Select:
    """One chunk of every row; the last one is filled up with zeros."""
    last = len(wide.columns)
    elements: list[exp.Expr] = [
        exp.Cast(this=exp.Column(this=identifier(f"c{start + k}")), to=exp.DataType.build("DOUBLE"))
        if start + k < last
        else exp.Literal.number(0)
        for k in range(size)
    ]
    (first, *_), values = table.schema.extents, table.schema.values
    keys = [name for name in table.schema.extents if name != ROW]
    selected = [exp.alias_(exp.Column(this=identifier(first)), ROW, quoted=True)]
    selected += [
        exp.alias_(exp.Literal.number(int(n)), key, quoted=True)
        for key, n in zip(keys, index, strict=True)
    ]
    if any(isinstance(type, VectorType) for type in values.values()):
        assert spelling.vector is not None
        elements = [spelling.vector(elements)]
    selected += [exp.alias_(e, name, quoted=True) for e, name in zip(elements, values, strict=True)]
    return exp.select(*selected).from_(exp.Table(this=identifier(source)))


def create_view(database: Database, query: ModelQuery, view: str, replace: bool) -> None:
    """Load the weights and create the view, in one transaction or not at all."""
    present = database.tables()
    # Before the transaction, where Ctrl-C waits for a statement.
    text = database.statement(query.tree).sql
    with database.transaction():
        if view in present:
            if not replace:
                raise TensorjoinError(f"a table or view {view!r} is here already: use --replace")
            for step in database.drop_statements(view, table_name(view, "")):
                database.execute(step)
        for name in sorted(present):
            # The weights of an earlier view of this name, whose number may differ.
            if name.startswith(table_name(view, WEIGHT)) and replace:
                database.drop_table(name)
        load(database, query)
        is_large = any(cte.args.get("materialized") for cte in query.tree.find_all(exp.CTE))
        for step in database.view_statements(view, table_name(view, ""), text, is_large):
            database.execute(step)
        # An engine may find only here that it cannot plan it.
        database.query(Statement(f"SELECT * FROM {quoted_name(view)} LIMIT 0"))


def run_query(database: Database, query: ModelQuery, ports: Sequence[Port]) -> dict[str, Any]:
    """The outputs for all rows of the query, in the order of their keys."""
    select = database.statement(query.tree.copy().order_by(exp.Literal.number(1)))
    with database.transaction(writes=False):
        load(database, query)
        rows = database.query(select)
    outputs: dict[str, Any] = {}
    position = 1
    for port in ports:
        _, *rest = query.outputs[port.name]
        width = prod(rest)
        values = [
            [np.nan if v is None else v for v in row[position : position + width]] for row in rows
        ]
        wide = np.array(values, dtype=np.float64 if port.element in FLOATS else np.int64)
        outputs[port.name] = wide.reshape([len(rows), *rest]).astype(numpy_type(port.element))
        position += width
    return outputs


def load(database: Database, query: ModelQuery) -> None:
    for weight in query.tables:
        database.execute(weight.create)
        load_weight(database, query.tensors, weight, lambda _: None, allows_nan=True)


def table(name: str) -> exp.Table:
    return exp.Table(this=identifier(name))
