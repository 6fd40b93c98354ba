"""The driver: its stages, who watches them, what it verifies, and which orders it refuses."""

import re
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from xdsl.context import Context
from xdsl.dialects.builtin import FunctionType, ModuleOp, f32
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

import tensorjoin
from tensorjoin.backends.connect import connect
from tensorjoin.backends.duckdb import DUCKDB
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.backends.sqlite import SQLITE
from tensorjoin.context import TargetContext, target_of
from tensorjoin.contracts import require_order
from tensorjoin.driver import VERIFY_EACH, compile_module, verify_module
from tensorjoin.errors import TensorjoinError
from tensorjoin.pipelines import to_language_model, to_sql
from tensorjoin.runtime.catalog import load_procedures
from tensorjoin.runtime.load import load_model
from tensorjoin.stages import Pipeline, Stage, passes_of
from tensorjoin.testing.modules import function_of, parse

DEMO = Path(__file__).parents[1] / "examples" / "demo"
SQL_OPT = Path(sys.executable).with_name("sql-opt")
SMALL = """
func.func @forward() {
  %x = ten.input @numbers ["p", "i"] "x" : tensor<?x4xf32>
  %y = ten.map "pi->pi"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32):
    %b = math.exp %a : f32
    ten.yield %b : f32
  }
  ten.output %y to @results ["p", "i"] : tensor<?x4xf32>
  func.return
}
"""


@dataclass(frozen=True)
class DeclarePass(ModulePass):
    """Have a function without arguments say that it has so many."""

    name = "declare"

    arguments: int

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        function_of(op).function_type = FunctionType.from_lists([f32] * self.arguments, [])


def test_observers_see_each_pass_with_its_stage():
    seen: list[tuple[str | None, str | None]] = []
    pipeline = to_sql(DUCKDB.profile)
    compile_module(
        parse(SMALL),
        DUCKDB,
        pipeline,
        lambda stage, done, _: seen.append((stage and stage.name, done and done.name)),
    )
    named = [(stage.name, each.name) for stage in pipeline for each in stage.passes]
    assert seen == [(None, None), *named]


def test_passes_take_the_target_of_their_context():
    """And not one of its name, so that what a connection found out counts."""
    texts = set[str]()
    for target in (SQLITE, replace(SQLITE, profile=replace(SQLITE.profile, functions=frozenset()))):
        module = parse(SMALL)
        compile_module(module, target, to_sql(target.profile))
        texts.add(emit_program(module, target).sql())
    first, second = sorted(texts, key=len)
    assert "EXP(" in first
    assert "EXP(" not in second


def test_a_context_keeps_its_target_when_it_is_cloned():
    target = replace(SQLITE, profile=replace(SQLITE.profile, chunk=16))
    ctx = TargetContext(target=target)
    ctx.allow_unregistered = True
    copy = ctx.clone()
    assert target_of(copy) is target
    assert copy.allow_unregistered


def test_a_name_goes_before_the_context():
    assert target_of(TargetContext(target=SQLITE), "duckdb") is DUCKDB
    assert target_of(Context()) is DUCKDB
    with pytest.raises(TensorjoinError, match="unknown target 'oracle'"):
        target_of(Context(), "oracle")


BROKEN_BETWEEN = (Stage("types", "ten", (DeclarePass(1), DeclarePass(0))),)
BROKEN_AFTER = (Stage("types", "ten", (DeclarePass(1),)),)


def test_modules_are_verified_after_each_stage(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VERIFY_EACH)
    compile_module(parse(SMALL), DUCKDB, BROKEN_BETWEEN)
    with pytest.raises(VerifyException) as caught:
        compile_module(parse(SMALL), DUCKDB, BROKEN_AFTER)
    assert caught.value.__notes__[-1] == "after types"


def test_modules_are_verified_after_each_pass_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
):
    """Which the tests do by the environment."""
    with pytest.raises(VerifyException) as caught:
        compile_module(parse(SMALL), DUCKDB, BROKEN_BETWEEN)
    assert caught.value.__notes__[-1] == "after declare"
    monkeypatch.delenv(VERIFY_EACH)
    with pytest.raises(VerifyException) as caught:
        compile_module(parse(SMALL), DUCKDB, BROKEN_BETWEEN, verify_module)
    assert caught.value.__notes__[-1] == "after declare"


def facts(name: str, requires: str = "", establishes: str = "", ends: str = "") -> ModulePass:
    """A pass that says what it has to do with, and does nothing."""
    said = {
        "requires": frozenset(requires.split()),
        "establishes": frozenset(establishes.split()),
        "ends": frozenset(ends.split()),
    }
    return type(name, (ModulePass,), {"name": name, "apply": lambda *_: None, **said})()


def order(*passes: ModulePass) -> Pipeline:
    return (Stage("all", "ten", passes),)


def test_an_order_that_no_pass_objects_to():
    lay, read = facts("lay", establishes="layouts"), facts("read", requires="layouts")
    require_order(order(lay, read))
    # A module may come in as a pass needs it.
    require_order(order(read))
    require_order(order(read, facts("other", ends="layouts")))
    require_order(order(facts("other", ends="layouts"), lay, read))


def test_an_order_that_a_pass_objects_to():
    lay, read = facts("lay", establishes="layouts"), facts("read", requires="layouts")
    end = facts("end", ends="layouts")
    with pytest.raises(
        TensorjoinError, match="^read requires layouts, which lay establishes later"
    ):
        require_order(order(read, lay))
    with pytest.raises(TensorjoinError, match="^read requires layouts, which end ends$"):
        require_order(order(lay, end, read))
    with pytest.raises(TensorjoinError, match="^read requires layouts, which end ends$"):
        require_order(order(end, read, lay))


def test_the_driver_refuses_a_wrong_order_before_it_begins():
    module = parse(SMALL)
    before = str(module)
    wrong = (
        Stage("first", "ten", (DeclarePass(0), facts("read", requires="layouts"))),
        Stage("second", "ten", (facts("lay", establishes="layouts"),)),
    )
    with pytest.raises(TensorjoinError, match="read requires layouts"):
        compile_module(module, DUCKDB, wrong)
    assert str(module) == before


def test_what_is_shown_of_a_folder_is_what_load_stores(tmp_path: Path):
    with closing(connect(f"duckdb:///{tmp_path}/demo.db", create=True)) as database:
        stored = load_procedures(database, load_model(database, DEMO).name)
    del stored["setup"]
    assert stored == {n: s for n, s in tensorjoin.compile(DEMO).program.procedures.items() if s}


def test_snapshots_of_each_pass():
    shown = tensorjoin.compile(DEMO, "sqlite")
    names = [each.name for each in shown.snapshots]
    assert names == [
        "source",
        *(each.name for each in passes_of(to_language_model(SQLITE.profile))),
    ]
    assert list(shown.modules) == ["source", "ten", "rel", "sql"]
    for level, module in shown.modules.items():
        assert f"{'nn' if level == 'source' else level}." in str(module)


def test_an_onnx_file_and_a_module_as_text(tmp_path: Path):
    file = tmp_path / "small.mlir"
    file.write_text(SMALL)
    shown = tensorjoin.compile(file, "postgres", verify_each=True)
    assert shown.sql == tensorjoin.compile(parse(SMALL), "postgres").sql
    x, y = (make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in "XY")
    graph = make_graph([make_node("Exp", ["X"], ["Y"])], "exponential", [x], [y])
    onnx.save(make_model(graph, opset_imports=[make_opsetid("", 21)]), tmp_path / "exp.onnx")
    shown = tensorjoin.compile(tmp_path / "exp.onnx", "sqlite")
    assert "EXP(" in shown.sql
    assert "onnx.node" in str(shown.modules["source"])


def sql_opt(*arguments: str) -> str:
    done = subprocess.run(
        [SQL_OPT, *arguments], input=SMALL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_passes_of_a_whole_stage_are_printed():
    printed = sql_opt("--lower-to-sql", "--print-between-passes")
    names = [each.name for each in passes_of(to_sql(DUCKDB.profile))]
    assert re.findall("^IR after (.*):$", printed, re.MULTILINE) == names[:-1]


def test_one_pass_of_a_whole_stage_is_printed():
    printed = sql_opt("--pass", "lower-to-sql{target=sqlite}", "--print-after", "fold-constants")
    assert printed.count("IR after") == 1
    assert "ten.map" in printed.partition("IR after fold-constants")[2]
    assert "sql.insert" in printed


def test_the_parts_of_a_whole_stage_have_its_target():
    for target in ("sqlite", "postgres"):
        lowered = sql_opt(
            "--pass", f"lower-to-sql{{target={target}}}", "-t", f"sql{{target={target}}}"
        )
        shown = tensorjoin.compile(parse(SMALL), target)
        assert lowered.strip() == shown.sql.strip()


def test_a_file_that_is_no_text(tmp_path: Path):
    (tmp_path / "a.mlir").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TensorjoinError, match="a.mlir is not MLIR: it is no UTF-8 text"):
        tensorjoin.compile(tmp_path / "a.mlir")
