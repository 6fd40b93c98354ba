"""
The guard of a token's speed that needs no clock: no weight is read more than once for a token.

A filter on the layer that an engine does not push into its scans makes each round, or each
statement, read the weights of all layers.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from models.configurations import CONFIGURATIONS
from models.llama import write_model
from scanned_rows import ScanningExecutor, handed_on, nodes
from sqlglot import exp

from tensorjoin.backends.database import Database
from tensorjoin.forms import FORMS, FORWARD
from tensorjoin.interface import Procedure
from tensorjoin.program import Statement, Step
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream

LAYERS = 8
SIZES = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": LAYERS,
    "vocab_size": 3000,
}
VECTOR = 2048
"""The rows that a thread of DuckDB looks at before it sees that nothing is joined to them: in the
round after the last layer, which ends the recursion."""
EMBEDDING = "tj.m.embed_tokens"
PROBE_GROUPS = 4


@pytest.fixture
def stream(database: Database, tmp_path: Path) -> Stream:
    """A stream of three tokens over a model of several layers."""
    small = CONFIGURATIONS["small"]
    directory = write_model(tmp_path / "model", replace(small, config={**small.config, **SIZES}))
    session = Session(database, load_model(database, directory, "m"), ScanningExecutor)
    stream = Stream(session)
    with session.step():
        stream.forward([3, 4, 5])
    return stream


def scans_of(stream: Stream) -> ScanningExecutor:
    assert isinstance(executor := stream.session.executor, ScanningExecutor)
    return executor


def decode(stream: Stream, token: int, form: Procedure) -> None:
    """Count what a decode step in one of the forms reads."""
    with stream.session.step():
        scans_of(stream).is_counting = True
        stream.forward([token], form=form)
        scans_of(stream).is_counting = False


def recursions_have_filters(database: Database) -> bool:
    """
    Whether the engine filters a scan in a recursion by what it is joined to, asked of a query that
    has nothing to do with ours. DuckDB 2.0.1 does not, whatever the join.
    """
    rows = f"SELECT i // {VECTOR} AS layer, i AS v FROM RANGE(0, {PROBE_GROUPS * VECTOR}) AS t(i)"
    database.execute(Statement(f"CREATE TABLE probe AS {rows}"))
    query = (
        "EXPLAIN (ANALYZE, FORMAT JSON) WITH RECURSIVE r AS (SELECT 0 AS layer, 0.0e0 AS v"
        " UNION ALL SELECT r.layer + 1, SUM(p.v) FROM probe AS p JOIN r ON p.layer = r.layer"
        " GROUP BY r.layer) SELECT COUNT(*) FROM r"
    )
    ((_, text),) = database.query(Statement(query))
    database.execute(Statement("DROP TABLE probe"))
    read = sum(
        handed_on(node)
        for node in nodes(json.loads(text), "operator", "children")
        if "probe" in node.get("extra_info", {}).get("Table", "")
    )
    return read < 2 * PROBE_GROUPS * VECTOR


def weights(stream: Stream) -> Iterator[str]:
    others = {"tj.m.program", "tj.m.tokens"}
    return (name for name in stream.session.model.manifest.tables if name not in others)


def is_layered(stream: Stream, name: str) -> bool:
    query = sqlglot.select("*").from_(exp.to_identifier(name, quoted=True)).limit(1)
    return "layer" in stream.session.database.columns(
        Statement(query.sql(stream.session.database.dialect))
    )


def threads(database: Database) -> int:
    """The threads of a recursion; none where the engine has no such."""
    if not database.target.profile.recurses:
        return 0
    ((count,),) = database.query(Statement("SELECT current_setting('threads')"))
    return count


def excess(stream: Stream, form: Procedure) -> dict[str, float]:
    """By weight: how often a token in a form reads its rows, beyond the once that is its due."""
    scans = scans_of(stream)
    scans.scanned.clear()
    scans.looked_at.clear()
    decode(stream, 6, form)
    ending = VECTOR * threads(stream.session.database) if form == FORWARD else 0
    found: dict[str, float] = {}
    for name in weights(stream):
        layers = range(LAYERS) if is_layered(stream, name) else [None]
        rows = sum(scans.rows(name, layer) for layer in layers)
        assert scans.scanned[name] >= rows, f"{name} is not counted"
        times = max(
            (scans.scanned[name] - ending) / rows,
            (scans.looked_at[name] - ending) / scans.rows(name),
        )
        # An embedding that is the head as well is looked up and read.
        found[name] = times - (2 if name == EMBEDDING else 1)
    return {name: times for name, times in found.items() if times > 0}


def forms(stream: Stream) -> list[Procedure]:
    """The forms that the program has on its engine."""
    return [form for form in FORMS if form in stream.session.procedures]


def test_a_token_reads_each_weight_once(stream: Stream):
    database = stream.session.database
    filtered = database.target.profile.recurses and recursions_have_filters(database)
    for form in forms(stream):
        found = excess(stream, form)
        if form == FORWARD and database.target.profile.recurses and not filtered:
            # The engine's doing: each round reads the weights of all layers.
            assert found.keys() == {name for name in weights(stream) if is_layered(stream, name)}
        else:
            assert not found


def without_layer(step: Step, dialect: str) -> Step:
    """A statement whose conditions on the layer no scan can be filtered by; its result is equal."""

    def hide(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.EQ) or node.this.name != "layer":
            return node
        if isinstance(node.expression, exp.Column):
            zero = exp.Literal.number(0)
            return exp.EQ(this=exp.Add(this=node.this, expression=zero), expression=node.expression)
        # No scan takes a condition whose value might differ each time.
        never = exp.Is(this=exp.Anonymous(this="RANDOM"), expression=exp.Null())
        return exp.Paren(this=exp.Or(this=node.copy(), expression=never))

    tree = sqlglot.parse_one(step.statement.sql, dialect=dialect)
    return replace(step, statement=replace(step.statement, sql=tree.transform(hide).sql(dialect)))


def test_the_guard_sees_a_lost_filter(stream: Stream):
    """The join with the round's number, or the condition on the layer, taken out by hand."""
    for form in forms(stream):
        dialect = stream.session.database.dialect
        executor = stream.session.executor
        steps = tuple(without_layer(step, dialect) for step in executor.procedures[form])
        executor.procedures = {**executor.procedures, form: steps}
        layered = {name for name in weights(stream) if is_layered(stream, name)}
        assert excess(stream, form).keys() >= layered
