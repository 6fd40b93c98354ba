"""What a database knows of its models: one row for each, and the statements of its program."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

import numpy as np
from sqlglot import exp

from tensorjoin.backends.database import Database
from tensorjoin.backends.spelling import ColumnDefinition, TableDefinition, identifier
from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import Procedure
from tensorjoin.names import PREFIX, table_name
from tensorjoin.program import Loop, Program, Statement, Step

MODELS = f"{PREFIX}.models"
MODEL_COLUMNS = ("name", "manifest", "tokenizer")
PROGRAM = "program"
PROGRAM_COLUMNS = ("step", "procedure", "loop", "counter", "rounds", "parameters", "statement")


FORMAT = 2
"""The format of manifests and programs, which the code that runs them must know."""


@dataclass(frozen=True)
class Manifest:
    """What a model is: enough to run it without its checkpoint."""

    format: int
    version: str
    architecture: str
    target: str
    vocab_size: int
    max_positions: int
    layers: int
    parameters: int
    layer_parameters: int
    rows: int
    """The rows of the largest table."""
    bos_token_id: int | None
    eos_token_ids: tuple[int, ...]
    digest: str
    """Identifies the checkpoint; see `Checkpoint.digest`."""
    tables: tuple[str, ...]
    """Every table of the model that outlives a connection."""


@dataclass(frozen=True)
class StoredModel:
    """A model as it lies in a database."""

    name: str
    manifest: Manifest
    tokenizer: str | None
    """The text of tokenizer.json."""

    @property
    def shown(self) -> str:
        """The name on one line."""
        return self.name if self.name.isprintable() else repr(self.name)

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table of the model that outlives a connection."""
        return self.manifest.tables


@dataclass(frozen=True)
class UnreadableModel:
    """A model that this version cannot run."""

    name: str
    reason: str
    tables: tuple[str, ...]
    """Its tables, as far as its row names them."""


def table(name: str) -> exp.Table:
    return exp.Table(this=identifier(name))


def column(name: str) -> exp.Column:
    return exp.Column(this=identifier(name))


def create_table(database: Database, name: str, columns: Mapping[str, str]) -> None:
    """Create a table with columns of the given SQL types."""
    types = {column: ColumnDefinition(exp.DataType.build(t)) for column, t in columns.items()}
    definition = TableDefinition(name, "catalog", types)
    database.execute(database.statement(database.target.spelling.create_table(definition)))


def read_table(
    database: Database, name: str, columns: Sequence[str], order: str = ""
) -> list[tuple[object, ...]]:
    # Unqualified, an engine may read the name of a column that is missing as a string.
    qualified = [exp.Column(this=identifier(c), table=identifier(name)) for c in columns]
    select = exp.select(*qualified).from_(table(name))
    if order:
        select = select.order_by(column(order))
    return database.query(database.statement(select))


def models(database: Database) -> dict[str, StoredModel]:
    """The models of a database that can be run, by their names."""
    known = all_models(database)
    return {name: model for name, model in known.items() if isinstance(model, StoredModel)}


def all_models(database: Database) -> dict[str, StoredModel | UnreadableModel]:
    """The models of a database by their names; a row that is not understood hides no other."""
    if MODELS not in database.tables():
        return {}
    strange = f"the table {MODELS} was not made by this version of tensorjoin: rename or drop it"
    try:
        rows = read_table(database, MODELS, MODEL_COLUMNS, "name")
    except TensorjoinError as error:
        raise TensorjoinError(f"{strange} ({error})") from error
    return {str(name): _model(str(name), manifest, text) for name, manifest, text in rows}


def _model(name: str, manifest: object, tokenizer: object) -> StoredModel | UnreadableModel:
    """Fields of the manifest that are not known are left to the versions which wrote them."""
    try:
        written = cast(object, json.loads(str(manifest)))
    except ValueError:
        written = None
    found = cast(dict[str, Any], written) if isinstance(written, dict) else {}
    listed = found.get("tables")
    tables = tuple(map(str, cast(list[object], listed))) if isinstance(listed, list) else ()
    if isinstance(format := found.get("format"), int) and format > FORMAT:
        newer = f"the model {name!r} was stored by a newer tensorjoin: upgrade, or use --replace"
        return UnreadableModel(name, newer, tables)
    other = UnreadableModel(
        name,
        f"the model {name!r} was not stored by this version of tensorjoin: use --replace",
        tables,
    )
    if format != FORMAT:
        return other
    try:
        values = {field.name: found[field.name] for field in fields(Manifest)}
        values |= {key: tuple(found[key]) for key in ("eos_token_ids", "tables")}
    except (KeyError, TypeError):
        return other
    return StoredModel(name, Manifest(**values), None if tokenizer is None else str(tokenizer))


def find_model(database: Database, name: str | None) -> StoredModel:
    """The model called `name`, or the only one there is; raises where it cannot be run."""
    found = find_row(database, name)
    if isinstance(found, UnreadableModel):
        raise TensorjoinError(found.reason)
    return found


def find_row(database: Database, name: str | None) -> StoredModel | UnreadableModel:
    """The model called `name`, or the only one there is, whether it can be run or not."""
    every = all_models(database)
    if not every:
        raise TensorjoinError("no model in this database: run `sql-llm load DIR --db URL` first")
    if name is None:
        known = models(database) or every
        if len(known) > 1:
            raise TensorjoinError(f"several models here, choose one by --name: {', '.join(known)}")
        return next(iter(known.values()))
    if name not in every:
        raise TensorjoinError(f"no model {name!r} here: there is {', '.join(every)}")
    return every[name]


def register(database: Database, model: StoredModel) -> None:
    """Add a model's row."""
    if MODELS not in database.tables():
        create_table(database, MODELS, dict.fromkeys(MODEL_COLUMNS, "TEXT"))
    manifest = json.dumps(asdict(model.manifest))
    row = (model.name, manifest, model.tokenizer)
    database.insert(
        MODELS,
        {c: np.array([v], dtype=object) for c, v in zip(MODEL_COLUMNS, row, strict=True)},
    )


def drop_model(database: Database, model: StoredModel | UnreadableModel) -> None:
    """Remove a model, its row and its tables; to be called in a transaction."""
    present = database.tables()
    for name in model.tables:
        if name in present:
            database.drop_table(name)
    if set(all_models(database)) == {model.name}:
        # As it is: what both changes a table and drops it, an engine may not commit.
        database.drop_table(MODELS)
        return
    spelling, text = database.target.spelling, exp.DataType.build("TEXT")
    row = exp.EQ(this=column("name"), expression=spelling.parameter("name", 1, text))
    delete = exp.Delete(this=table(MODELS), where=exp.Where(this=row))
    database.execute(database.statement(delete, "name"), {"name": model.name})


def store_program(database: Database, model: str, program: Program) -> str:
    """Write a program's statements to a table of their own; returns its name."""
    name = table_name(model, PROGRAM)
    types: dict[str, str] = {}
    types |= dict.fromkeys(PROGRAM_COLUMNS, "TEXT")
    types |= dict.fromkeys(("step", "loop", "rounds"), "INT")
    create_table(database, name, types)
    rows = list(_program_rows(program))
    columns = {
        c: np.array(values, dtype=object if types[c] == "TEXT" else np.int64)
        for c, values in zip(PROGRAM_COLUMNS, zip(*rows, strict=True), strict=True)
    }
    database.insert(name, columns)
    return name


NO_LOOP = -1


def _program_rows(program: Program) -> Iterable[tuple[object, ...]]:
    procedures = {
        Procedure.SETUP: tuple(Step(t.create) for t in program.tables if t.is_temporary),
        **program.procedures,
    }
    number = 0
    for procedure, steps in procedures.items():
        for step in steps:
            loop = step.loop or Loop(NO_LOOP, "", 1)
            parameters = json.dumps(step.statement.parameters)
            yield (
                number,
                str(procedure),
                loop.number,
                loop.counter,
                loop.count,
                parameters,
                step.statement.sql,
            )
            number += 1


def load_procedures(database: Database, model: str) -> dict[str, tuple[Step, ...]]:
    """The procedures of a stored program, and `setup`, which creates its temporary tables."""
    procedures: dict[str, list[Step]] = {}
    rows = read_table(database, table_name(model, PROGRAM), PROGRAM_COLUMNS, "step")
    for _, procedure, loop, counter, rounds, parameters, sql in rows:
        number, count = int(str(loop)), int(str(rounds))
        step = Step(
            Statement(str(sql), tuple(json.loads(str(parameters)))),
            None if number == NO_LOOP else Loop(number, str(counter), count),
        )
        procedures.setdefault(str(procedure), []).append(step)
    return {name: tuple(steps) for name, steps in procedures.items()}
