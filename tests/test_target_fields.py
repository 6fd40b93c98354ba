"""Each field of a target's profile has an effect: on the SQL of a model, or on the connection."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from execution import TARGETS
from onnx import ModelProto, TensorProto, helper, numpy_helper

from tensorjoin.backend import Target
from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.llama import import_llama
from tensorjoin.frontends.llama_config import read_llama_config
from tensorjoin.frontends.model import read_model
from tensorjoin.frontends.onnx.model import inputs_of, read_onnx
from tensorjoin.language_model_program import compile_language_model
from tensorjoin.onnx_program import compile_onnx
from tensorjoin.pipelines import to_sql
from tensorjoin.program import Statement
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.onnx_view import compile_query, parse_source
from tensorjoin.targets import RowFormat, TargetProfile, Thresholds
from tensorjoin.testing.modules import lowered, parse

DEMO = Path(__file__).parents[1] / "examples" / "demo"
REFERENCES = Path(__file__).parent / "references" / "onnx"
FEATURES = 70

Shown = Callable[[Target], str]


def language_model(bits: int | None = None) -> Shown:
    module = read_model(DEMO).module
    return lambda target: compile_language_model(module, target, "m", bits=bits).sql()


def wide_model() -> Shown:
    """A language model of which no two rows of weights are 1032 bytes together."""
    module = import_llama(replace(read_llama_config(DEMO), layers=1, hidden_size=256, head_dim=32))
    return lambda target: compile_language_model(module, target, "m").sql()


def view(target: Target) -> str:
    """A softmax over features of a table, and its largest."""
    generator = np.random.default_rng(0)
    w = numpy_helper.from_array(
        generator.standard_normal((FEATURES, 3)).astype(np.float32), name="W"
    )
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, FEATURES])
    y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 3])
    nodes = [
        helper.make_node("MatMul", ["X", "W"], ["Z"]),
        helper.make_node("Softmax", ["Z"], ["Y"], axis=1),
    ]
    graph = helper.make_graph(nodes, "softmax", [x], [y], [w])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    return scores(model, FEATURES, target)


def forest(target: Target) -> str:
    """Random trees over features of a table, which a step down a tree reads again."""
    return scores(read_onnx(REFERENCES / "forest.onnx"), 10, target)


def scores(model: ModelProto, features: int, target: Target) -> str:
    """The query of a view over a table of so many features."""
    with closing(connect("sqlite:///:memory:", create=True)) as database:
        columns = ", ".join(f"f{k} REAL" for k in range(features))
        database.execute(Statement(f"CREATE TABLE t (id INT, {columns})"))
        source = parse_source(database, inputs_of(model)[0], "SELECT * FROM t", "id")
    query = compile_query(model, target, [source], "scores")
    return "\n".join([target.spelling.sql(query.tree), *(t.create.sql for t in query.tables)])


def rounds(target: Target) -> str:
    """A loop that doubles a number five times."""
    numbers = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "XYab"}
    number, going, still = (
        helper.make_tensor_value_info(name, kind, [])
        for name, kind in (
            ("n", TensorProto.INT64),
            ("going", TensorProto.BOOL),
            ("still", TensorProto.BOOL),
        )
    )
    nodes = [
        helper.make_node("Add", ["a", "a"], ["b"]),
        helper.make_node("Identity", ["going"], ["still"]),
    ]
    body = helper.make_graph(nodes, "body", [number, going, numbers["a"]], [still, numbers["b"]])
    loop = helper.make_node("Loop", ["count", "", "X"], ["Y"], body=body)
    count = numpy_helper.from_array(np.array(5), "count")
    graph = helper.make_graph([loop], "loop", [numbers["X"]], [numbers["Y"]], [count])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    return compile_onnx(model, target, {"X": [2]}, {}).program.sql()


def small(target: Target) -> str:
    """An expression that is deep, of a parameter."""
    deep = "v"
    for _ in range(40):
        deep = f"add(mul({deep}, v), 1.0)"
    text = f"""
    rel.table input @x : <[p: ?], v: f64>
    rel.table output @y : <[p: ?], v: f64>
    func.func @forward() {{
      %x = rel.scan @x : !rel.relation<[p: ?], v: f64>
      %y = rel.project %x [p] {{v = {deep}}}
      %z = rel.select %y where eq(p, ?one)
      rel.insert %z into @y
      func.return
    }}
    """
    module = lowered(parse(text), target, *to_sql(target.profile))
    return emit_program(module, target).sql()


CHANGES: dict[str, tuple[str, Any, Shown]] = {
    "functions": ("duckdb", frozenset(), language_model()),
    "single_functions": ("duckdb", frozenset(), language_model()),
    "vectors": ("duckdb", False, language_model()),
    "half_vectors": ("pgvector", False, language_model(16)),
    "double_vectors": ("duckdb", False, language_model(8)),
    "longest_vector": ("duckdb", 16, language_model()),
    "max_columns": ("sqlite", 20, language_model()),
    "max_depth": ("sqlite", 8, small),
    "max_parameters": ("sqlite", 0, small),
    "max_rounds": ("sqlite", 4, rounds),
    "keeps_join_order": ("sqlite", False, language_model()),
    "sorts_groups": ("sqlite", False, language_model()),
    "statements_are_costly": ("duckdb", False, language_model()),
    "recurses": ("duckdb", False, language_model()),
    "pushes_filters_into_groups": ("postgres", False, view),
    "temporary_tables": ("sqlite", False, language_model()),
    "chunk": ("postgres", 16, view),
    "row_format.element_bytes": ("sqlite_64k", 4000, language_model(8)),
    "row_format.row_bytes": ("sqlite_64k", 16000, language_model(8)),
    "row_format.inline_bytes": ("sqlite_64k", 1002, language_model(8)),
    "row_format.columnar": ("duckdb", False, wide_model()),
    "row_format.materialises_operand": ("duckdb", True, language_model()),
    "thresholds.merged_calls": ("sqlite", 0, language_model()),
    "thresholds.merged_sources": ("sqlite", 1, language_model()),
    "thresholds.row_calls": ("sqlite", 0, forest),
    "thresholds.recomputed_rows": ("sqlite", 1 << 20, language_model()),
    "thresholds.carried_columns": ("sqlite", 1, language_model()),
    "thresholds.fenced_calls": ("sqlite", 1, language_model()),
    "thresholds.inlined_calls": ("sqlite", 10, language_model()),
    "thresholds.shortest_series": ("duckdb", 1, language_model()),
    "thresholds.hash_build": ("duckdb", None, language_model()),
    "thresholds.vector_columns": ("duckdb", 1, wide_model()),
}
"""By the field: a target, another value, and a model whose SQL differs by it."""
ELSEWHERE = {"name", "name_bytes", "row_format", "thresholds"}
"""The name tells targets apart; what a name may have is checked by `load`, below."""


def names() -> list[str]:
    rows = [f"row_format.{field.name}" for field in fields(RowFormat)]
    thresholds = [f"thresholds.{field.name}" for field in fields(Thresholds)]
    return [*(field.name for field in fields(TargetProfile)), *rows, *thresholds]


def changed(target: Target, field: str, value: Any) -> Target:
    outer, _, inner = field.partition(".")
    profile = target.profile
    if inner:
        value = replace(getattr(profile, outer), **{inner: value})
    return replace(target, profile=replace(profile, **{outer: value}))


def test_all_fields_are_here():
    assert sorted(names()) == sorted({*CHANGES, *ELSEWHERE})


@pytest.mark.parametrize("field", CHANGES)
def test_a_field_has_an_effect(field: str):
    name, value, shown = CHANGES[field]
    before = shown(TARGETS[name])
    try:
        after = shown(changed(TARGETS[name], field, value))
    except TensorjoinError as refused:
        after = str(refused)
    assert before != after


def test_how_long_a_name_may_be(database: Database):
    database.target = changed(database.target, "name_bytes", 8)
    with pytest.raises(TensorjoinError, match="bytes too long"):
        load_model(database, DEMO, "a-long-name")
