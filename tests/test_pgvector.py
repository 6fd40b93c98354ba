"""PostgreSQL with pgvector: weights as vectors, against transformers."""

from pathlib import Path

import numpy as np
import pytest
from models.llama import CONFIGURATIONS, write_checkpoint
from models.references import reference

from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.backends.postgres import PGVECTOR
from tensorjoin.pipelines import Layout
from tensorjoin.program import Statement
from tensorjoin.runtime.catalog import find_model
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.sampling import Sampling
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream
from tensorjoin.testing.modules import applied

DEMO = Path(__file__).parents[1] / "examples" / "demo"


def assert_conforms(database: Database, name: str) -> None:
    """Logits and tokens of the one model in a database are those of transformers."""
    expected = reference(name)
    session = Session(database, find_model(database, None))
    prompt, greedy = ([int(t) for t in tokens] for tokens in (expected.prompt, expected.greedy))
    Stream(session).forward(prompt, emit_all=True)
    np.testing.assert_allclose(session.logits(), expected.logits, rtol=0, atol=1e-4)
    assert list(Stream(session).generate(prompt, 8, Sampling())) == greedy[:8]


@pytest.mark.parametrize(
    ("name", "layout"), [*((name, "auto") for name in CONFIGURATIONS), ("odd", "pivoted")]
)
def test_logits_and_greedy_tokens(name: str, layout: Layout, pgvector_url: str, tmp_path: Path):
    database = connect(pgvector_url, create=False)
    try:
        model = load_model(database, write_checkpoint(tmp_path / name, name), layout=layout)
        assert model.manifest.target == "pgvector"
        types = database.query(
            Statement("SELECT count(*) FROM pg_attribute WHERE atttypid = 'vector'::regtype")
        )
        assert types[0][0] > 0
        assert_conforms(database, name)
    finally:
        database.close()


def test_demo_model_in_columns_of_vectors(pgvector_url: str):
    database = connect(pgvector_url, create=False)
    try:
        load_model(database, DEMO, name="demo", layout="pivoted")
        assert_conforms(database, "demo")
    finally:
        database.close()


def test_a_model_from_before_the_extension_still_runs(postgres_database_url: str, tmp_path: Path):
    expected = reference("one-layer")
    prompt = [int(token) for token in expected.prompt]
    database = connect(postgres_database_url, create=False)
    try:
        load_model(database, write_checkpoint(tmp_path / "one-layer", "one-layer"))
        database.execute(Statement("CREATE EXTENSION vector"))
        session = Session(database, find_model(database, None))
        Stream(session).forward(prompt, emit_all=True)
        np.testing.assert_allclose(session.logits(), expected.logits, rtol=0, atol=1e-4)
    finally:
        database.close()


def test_a_page_keeps_its_vector(pgvector_url: str):
    """Vectors up to what a page holds lie in their rows, not in a table beside."""
    size = 2000
    text = f"""
    sql.create_table weight @w : <[o: 3], v: vector<{size}xf32>> from ["w"]
    func.func @f() {{
      func.return
    }}"""
    values = np.random.default_rng(0).standard_normal((3, size), dtype=np.float32)
    database = connect(pgvector_url, create=False)
    try:
        (table,) = emit_program(applied(text), PGVECTOR).tables
        database.execute(table.create)
        database.insert("w", {"o": np.arange(3), "v": values})
        ((pages, beside),) = database.query(
            Statement(
                "SELECT pg_relation_size(oid) / 8192, pg_relation_size(reltoastrelid)"
                " FROM pg_class WHERE relname = 'w'"
            )
        )
        assert (pages, beside) == (3, 0)
    finally:
        database.close()


def test_what_single_precision_rounds_to_zero(pgvector: Database):
    """PostgreSQL's own cast to it is an error there; a SiLU of -110 is such a number."""
    text = """
    sql.create_table input @x : <[p: ?, i: 3], v: f64>
    sql.create_table scratch @y : <[p: ?], v: vector<3xf32>>
    func.func @f() {
      %x = sql.table @x : !rel.relation<[p: ?, i: 3], v: f64>
      %y = sql.select {p = a.p, v = pack(a.v, a.i, 3)} from %x as a group [a.p]
        : !rel.relation<[p: ?], v: vector<3xf32>>
      sql.insert %y into @y
      func.return
    }"""
    values = np.array([1e-46, -1.5, -1e-300])
    program = emit_program(applied(text), PGVECTOR)
    for table in program.tables:
        pgvector.execute(table.create)
    pgvector.insert("x", {"p": np.zeros(3, np.int64), "i": np.arange(3), "v": values})
    for step in program.procedures["f"]:
        pgvector.execute(step.statement)
    ((packed,),) = pgvector.query(Statement("SELECT v::real[] FROM y"))
    assert packed == values.astype(np.float32).tolist()
