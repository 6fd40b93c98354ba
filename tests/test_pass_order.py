"""Neighbours of the default pipelines in each other's place: the same SQL, or a refusal."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from execution import TARGETS
from models.llama import write_checkpoint

from tensorjoin import onnx_program
from tensorjoin.backend import Target
from tensorjoin.backends.connect import connect
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.contracts import require_order
from tensorjoin.driver import VERIFY_EACH, compile_module
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.model import read_model
from tensorjoin.frontends.onnx.model import inputs_of, read_onnx
from tensorjoin.pipelines import to_language_model, to_query, to_temporary_tables
from tensorjoin.program import Statement
from tensorjoin.runtime import onnx_view
from tensorjoin.runtime.onnx_view import compile_query, example_size, parse_source
from tensorjoin.stages import Pipeline, passes_of

MODELS = Path(__file__).parent / "references" / "onnx"


@pytest.fixture(autouse=True)
def unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verifying after each pass would take as long as compiling, for hundreds of pipelines."""
    monkeypatch.delenv(VERIFY_EACH)


Lowered = Callable[[Pipeline], str]


def swapped(pipeline: Pipeline, place: int) -> Pipeline:
    """A pipeline whose pass number `place` stands after the one that follows it."""
    passes = list(passes_of(pipeline))
    passes[place : place + 2] = passes[place : place + 2][::-1]
    rest = iter(passes)
    return tuple(
        replace(stage, passes=tuple(next(rest) for _ in stage.passes)) for stage in pipeline
    )


def others(pipeline: Pipeline) -> Iterator[tuple[str, Pipeline]]:
    """Each pipeline with two neighbours swapped, and which they are."""
    names = [each.name for each in passes_of(pipeline)]
    for place, (first, second) in enumerate(zip(names, names[1:], strict=False)):
        if first != second:
            yield f"{first} and {second}", swapped(pipeline, place)


def is_refused(pipeline: Pipeline) -> bool:
    try:
        require_order(pipeline)
    except TensorjoinError:
        return True
    return False


def check(pipeline: Pipeline, lowered: Lowered) -> None:
    """Each pair of neighbours is refused in the other order, or makes no difference."""
    expected = lowered(pipeline)
    refused = 0
    for pair, other in others(pipeline):
        if is_refused(other):
            refused += 1
        else:
            assert lowered(other) == expected, pair
    assert refused > 5


@pytest.mark.parametrize(
    ("name", "bits"), [("duckdb", None), ("sqlite_64k", 8), ("pgvector", None)]
)
def test_a_language_model(name: str, bits: int | None, tmp_path: Path):
    target = TARGETS[name]
    module = read_model(write_checkpoint(tmp_path, "small")).module

    def lowered(pipeline: Pipeline) -> str:
        copy = module.clone()
        compile_module(copy, target, pipeline)
        return emit_program(copy, target).sql()

    check(to_language_model(target.profile, bits=bits), lowered)


@pytest.mark.parametrize(
    ("name", "model"),
    [("duckdb", "boosting"), ("sqlite_64k", "contrib-gelu"), ("postgres", "logistic")],
)
def test_an_onnx_model(name: str, model: str, monkeypatch: pytest.MonkeyPatch):
    target, graph = TARGETS[name], read_onnx(MODELS / f"{model}.onnx")
    shapes = {port.name: [n or 3 for n in port.shape or ()] for port in inputs_of(graph)}

    def lowered(pipeline: Pipeline) -> str:
        monkeypatch.setattr(onnx_program, "to_temporary_tables", lambda *_: pipeline)
        return onnx_program.compile_onnx(graph, target, shapes, {}).program.sql()

    check(to_temporary_tables(plain(target).profile), lowered)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("duckdb", "boosting"),
        ("duckdb", "logistic"),
        ("sqlite_64k", "logistic"),
        ("sqlite_64k", "perceptron"),
        ("postgres", "perceptron"),
    ],
)
def test_a_view(name: str, model: str, monkeypatch: pytest.MonkeyPatch):
    target, graph = TARGETS[name], read_onnx(MODELS / f"{model}.onnx")
    (port,) = inputs_of(graph)
    columns = ", ".join(f"f{k} REAL" for k in range(example_size(port)))
    with closing(connect("sqlite:///:memory:", create=True)) as database:
        database.execute(Statement(f"CREATE TABLE t (id INT, {columns})"))
        source = parse_source(database, port, "SELECT * FROM t", "id")
    wide: list[tuple[str, ...]] = []

    def lowered(pipeline: Pipeline | None) -> str:
        def chosen(profile: object, inputs: tuple[str, ...], is_temporary: bool) -> Pipeline:
            wide.append(inputs)
            return pipeline or to_query(plain(target).profile, inputs, is_temporary)

        monkeypatch.setattr(onnx_view, "to_query", chosen)
        query = compile_query(graph, target, [source], "v")
        tables = "\n".join(table.create.sql for table in query.tables)
        return f"{target.spelling.sql(query.tree)}\n{tables}"

    lowered(None)
    check(to_query(plain(target).profile, wide[0]), lowered)


def plain(target: Target) -> Target:
    """What models are compiled for that compute with infinities and NaN."""
    return target.for_any_float or target
