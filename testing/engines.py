"""Modules of `sql`, executed by a real engine, and what the interpreter says of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlglot import exp
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from tensorjoin.backends.database import Database
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.backends.spelling import identifier
from tensorjoin.dialects import sql
from tensorjoin.program import Program
from tensorjoin.runtime.executor import Executor
from tensorjoin.testing.modules import applied, run

Rows = dict[str, npt.NDArray[Any]]


def create(database: Database, program: Program) -> None:
    for table in program.tables:
        database.execute(table.create)


def fill(database: Database, tables: Mapping[str, Mapping[str, npt.ArrayLike]]) -> None:
    for name, columns in tables.items():
        database.insert(name, {c: np.asarray(values) for c, values in columns.items()})


def read(database: Database, table: str, columns: list[str]) -> Rows:
    """The rows of a table, in the order of its columns."""
    names = [exp.Column(this=identifier(name)) for name in columns]
    query = exp.select(*names).from_(exp.Table(this=identifier(table)))
    rows = sorted(database.query(database.statement(query)))
    return {name: np.array([row[k] for row in rows]) for k, name in enumerate(columns)}


def execute(
    database: Database,
    module: ModuleOp,
    tables: Mapping[str, Mapping[str, npt.ArrayLike]] | None = None,
    parameters: Mapping[str, int | float] | None = None,
) -> dict[str, Rows]:
    """
    Create the tables of a module, fill those given, run its first function, and read the others.

    Afterwards the tables are gone, so that another module may have tables of the same names.
    """
    program = emit_program(module, database.target)
    create(database, program)
    fill(database, tables or {})
    Executor(database, program.procedures).run(next(iter(program.procedures)), **(parameters or {}))
    columns = {
        op.sym_name.data: list(op.schema.types)
        for op in module.ops
        if isinstance(op, sql.CreateTableOp)
    }
    results = {n: read(database, n, c) for n, c in columns.items() if n not in (tables or {})}
    for name in columns:
        drop = exp.Drop(tables=[exp.Table(this=identifier(name))], kind="TABLE")
        database.execute(database.statement(drop))
    return results


def sorted_rows(relation: Mapping[str, npt.ArrayLike]) -> Rows:
    columns = {name: np.asarray(values) for name, values in relation.items()}
    order = np.lexsort(list(columns.values())[::-1])
    return {name: values[order] for name, values in columns.items()}


def assert_rows(actual: Mapping[str, npt.ArrayLike], expected: Mapping[str, npt.ArrayLike]) -> None:
    """Two relations have the same columns and rows, floats to the last but a few bits."""
    assert list(actual) == list(expected)
    left, right = sorted_rows(actual), sorted_rows(expected)
    for name in left:
        np.testing.assert_allclose(
            left[name].astype(float), right[name].astype(float), rtol=1e-6, atol=1e-12, err_msg=name
        )


def assert_same_on(
    database: Database,
    text: str,
    *passes: ModulePass,
    tables: Mapping[str, Mapping[str, npt.ArrayLike]] | None = None,
    parameters: Mapping[str, int | float] | None = None,
) -> dict[str, Rows]:
    """What `rel` gives in the interpreter, the passes' SQL gives on the engine."""
    expected = run(text, inputs=tables, parameters=parameters).outputs
    results = execute(database, applied(text, *passes), tables, parameters)
    for name, relation in expected.items():
        assert_rows(results[name], relation)
    return results


def assert_same_before_and_after(
    database: Database,
    text: str,
    *passes: ModulePass,
    tables: Mapping[str, Mapping[str, npt.ArrayLike]],
    parameters: Mapping[str, int | float] | None = None,
) -> tuple[dict[str, Rows], ModuleOp]:
    """
    A module of `sql` gives the same rows before and after the passes.

    Returns the rows, and the module after the passes.
    """
    after = applied(text, *passes)
    first, second = (
        execute(database, module, tables, parameters) for module in (applied(text), after)
    )
    assert list(first) == list(second)
    for name, relation in first.items():
        assert_rows(second[name], relation)
    return second, after
