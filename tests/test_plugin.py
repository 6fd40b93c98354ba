"""A third party's pass, found by its entry point; and that the project's own are registered."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from models.references import reference

from tensorjoin.universe import DIALECTS, PASSES, PASSES_BY_FOLDER, TENSORJOIN_UNIVERSE

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[1]
PASS = '''
"""Counts the operators of relational algebra."""

from collections import Counter
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass
from xdsl.universe import Universe


@dataclass(frozen=True)
class CountRelationsPass(ModulePass):
    """Note on the module how many operators of relational algebra it has."""

    name = "count-relations"

    least: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        found = Counter(inner.name for inner in op.walk() if inner.dialect_name() == "rel")
        for name, count in sorted(found.items()):
            if count >= self.least:
                op.attributes[name] = IntegerAttr(count, i64)


UNIVERSE = Universe(all_passes={"count-relations": lambda: CountRelationsPass})
'''
ENTRY_POINTS = "[xdsl.universe]\ncounting = counting:UNIVERSE\n"
METADATA = "Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n"
MODULES = {
    "nn": """
        func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
          %w = nn.weight @w : tensor<3x4xf32>
          %y = nn.linear %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
          func.return %y : tensor<?x3xf32>
        }""",
    "ten": """
        func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
          %w = ten.weight @w from ["w"] : tensor<3x4xf32>
          %y = ten.contract "pi,oi->po"(%x, %w)
              : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
          func.return %y : tensor<?x3xf32>
        }""",
    "rel": """
        func.func @forward() {
          %r = rel.range k to 4
          rel.insert %r into @out
          func.return
        }""",
    "sql": """
        func.func @forward() {
          %r = sql.values [1] : !rel.relation<[k: 2]>
          sql.insert %r into @out
          func.return
        }""",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a package as pip would install it: a module, and its metadata."""
    site = tmp_path / "site"
    metadata = site / "counting-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "counting.py").write_text(PASS)
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    (metadata / "METADATA").write_text(METADATA)
    return site


def run(*command: str | Path, text: str | None = None, site: Path | None = None) -> str:
    environment = {**os.environ, "COLUMNS": "200"}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, check=False,
        env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("driver", ["sql-opt", "xdsl-opt"])
def test_a_third_partys_pass(site: Path, driver: str):
    spec = ["-p", "lower-to-relational,count-relations"]
    text = run(BIN / driver, *spec, text=MODULES["nn"], site=site)
    counts = dict(re.findall(r'"?(rel\.\w+)"? = (\d+) : i64', text))
    assert counts["rel.join"] == "1"
    assert counts["rel.scan"] == "2"


def test_a_third_partys_flag_and_options(site: Path, tmp_path: Path):
    file = tmp_path / "model.mlir"
    file.write_text(MODULES["nn"])
    flags = ["--lower-to-relational", "--count-relations"]
    assert "rel.join" in run(BIN / "sql-opt", *flags, file, site=site).partition("{\n")[0]
    options = ["--lower-to-relational", "--pass", "count-relations{least=2}"]
    assert "rel.join" not in run(BIN / "sql-opt", *options, file, site=site).partition("{\n")[0]
    help = run(BIN / "sql-opt", "--help", site=site)
    assert re.search(r"--count-relations +Note on the module how many", help)


def test_every_pass_is_named_after_its_file():
    files = {
        file.stem.replace("_", "-")
        for file in (ROOT / "passes").rglob("*.py")
        if re.search(r"^class \w+\((Module|Pipeline)Pass\)", file.read_text(), re.MULTILINE)
    }
    assert files == set(PASSES)
    for folder, names in PASSES_BY_FOLDER.items():
        assert list(names) == sorted(names)
        for name in names:
            found = TENSORJOIN_UNIVERSE.all_passes[name]()
            assert found.name == name
            assert found.__module__ == f"tensorjoin.passes.{folder}.{name.replace('-', '_')}"
            assert found.__doc__


def test_every_dialect_and_target_loads():
    for name in DIALECTS:
        assert TENSORJOIN_UNIVERSE.all_dialects[name]().name == name
    for name, load in TENSORJOIN_UNIVERSE.all_targets.items():
        assert getattr(load(), "name") == name  # noqa: B009


def test_help_lists_every_pass():
    help = run(BIN / "sql-opt", "--help")
    for name in (*PASSES, "canonicalize", "cse", "dce"):
        assert re.search(rf"^  --{name}\b", help, re.MULTILINE)
    assert "--convert-linalg-to-loops" not in help


@pytest.mark.parametrize("level", MODULES)
def test_a_file_of_each_level_is_lowered(level: str, tmp_path: Path):
    file = tmp_path / "model.mlir"
    file.write_text(MODULES[level])
    left = run(BIN / "sql-opt", "--lower-to-relational", file)
    dialect = "sql" if level == "sql" else "rel"
    assert set(re.findall(r"\b(nn|ten|rel|sql)\.(?!relation)\w+", left)) == {dialect}
    left = run(BIN / "sql-opt", "--lower-to-sql", file)
    assert set(re.findall(r"\b(nn|ten|rel|sql)\.(?!relation)\w+", left)) == {"sql"}


EXTENSION = '''
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from tensorjoin.extensions import Extension


@dataclass(frozen=True)
class SignPass(ModulePass):
    """Add an empty table, if there are tables."""

    name = "sign"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for each in list(op.ops):
            if each.name == "sql.create_table" and each.kind.data.value == "input":
                added = each.clone()
                added.properties["sym_name"] = StringAttr("signed")
                op.body.block.add_op(added)
                return


EXTENSION = Extension((SignPass(),), POINT)
'''


@pytest.fixture
def extended_site(tmp_path: Path) -> Callable[[str], Path]:
    def make(point: str) -> Path:
        site = tmp_path / "extended"
        metadata = site / "signing-1.0.dist-info"
        metadata.mkdir(parents=True)
        (site / "signing.py").write_text(EXTENSION.replace("POINT", point))
        (metadata / "entry_points.txt").write_text(
            "[tensorjoin.passes]\nsign = signing:EXTENSION\n"
        )
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: signing\nVersion: 1.0\n")
        return site

    return make


@pytest.mark.parametrize(
    ("point", "between"),
    [
        ('after="convert-rel-to-sql"', ("convert-rel-to-sql", "merge-ctes")),
        ('before="legalize-limits"', ("split-sums", "legalize-limits")),
        ('after="relational"', ("canonicalize", "loops-to-recursion")),
        ('before="tensor-algebra"', ("decompose-onnx", "roll-layers")),
    ],
)
def test_a_pass_at_a_point_of_every_pipeline(
    extended_site: Callable[[str], Path], point: str, between: tuple[str, str]
):
    options = ("--lower-to-sql", "--print-between-passes")
    printed = run(BIN / "sql-opt", *options, text=MODULES["nn"], site=extended_site(point))
    names = re.findall("^IR after (.*):$", printed, re.MULTILINE)
    place = names.index("sign")
    assert names.count("sign") == 1
    assert (names[place - 1], names[place + 1]) == between


def test_such_a_pass_reaches_load(extended_site: Callable[[str], Path], tmp_path: Path):
    site = extended_site('after="convert-rel-to-sql"')
    url = f"sqlite:///{tmp_path}/demo.db"
    run(BIN / "sql-llm", "load", ROOT / "examples" / "demo", "--db", url, site=site)
    with closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
        rows = connection.execute('SELECT * FROM "tj.demo.program"').fetchall()
    assert [row for row in rows if '"tj.demo.signed"' in str(row)]


def test_a_point_that_does_not_exist(extended_site: Callable[[str], Path]):
    done = subprocess.run(
        [BIN / "sql-opt", "--lower-to-sql"],
        input=MODULES["nn"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(extended_site('after="fold-constant"'))},
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "sql-opt: the extension 'sign' names no stage and no pass: 'fold-constant'"
    ]


ARCHITECTURE = '''
from dataclasses import replace

from tensorjoin.frontends.llama import import_llama
from tensorjoin.frontends.llama_config import read_llama_config
from tensorjoin.frontends.model import Architecture, ModelOnDisk


def read(directory):
    """A Llama under another name, whose every second layer is left out."""
    config = read_llama_config(directory / "llama")
    return ModelOnDisk(
        directory / "llama",
        "ShortForCausalLM",
        lambda: import_llama(replace(config, layers=config.layers // 2)),
        config.vocab_size,
        config.max_positions,
        config.layers // 2,
        config.bos_token_id,
        config.eos_token_ids,
    )


ARCHITECTURE = Architecture("ShortForCausalLM", "short", read)
'''


def test_a_third_partys_architecture(tmp_path: Path):
    site = tmp_path / "site"
    metadata = site / "short-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "short.py").write_text(ARCHITECTURE)
    (metadata / "entry_points.txt").write_text(
        "[tensorjoin.architectures]\nshort = short:ARCHITECTURE\n"
    )
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: short\nVersion: 1.0\n")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "llama").symlink_to(ROOT / "examples" / "demo")
    (folder / "config.json").write_text('{"architectures": ["ShortForCausalLM"]}')
    layers = run(BIN / "sql-translate", "--import-hf", folder, site=site).count("nn.attention")
    whole = run(BIN / "sql-translate", "--import-hf", folder / "llama").count("nn.attention")
    assert layers == whole // 2
    message = subprocess.run(
        [BIN / "sql-translate", "--import-hf", folder],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stderr
    assert "unknown architecture ['ShortForCausalLM']" in message


TOY = '''
"""A dialect of one op: it negates a tensor."""

from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.interpreter import InterpreterFunctions, impl, register_impls
from xdsl.ir import Block, Dialect, Region
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import Pure
from xdsl.universe import Universe

from tensorjoin.dialects import ten
from tensorjoin.extensions import Extension


@irdl_op_definition
class NegateOp(IRDLOperation):
    name = "toy.negate"
    input = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$input attr-dict `:` type($input) `->` type($result)"


@register_impls
class ToyFunctions(InterpreterFunctions):
    @impl(NegateOp)
    def negate(self, interpreter, op, args):
        return (-args[0],)


@dataclass(frozen=True)
class NegateTwicePass(ModulePass):
    """Negate the first product twice."""

    name = "negate-twice"

    def apply(self, ctx, op):
        first = next((each for each in op.walk() if isinstance(each, ten.ContractOp)), None)
        if first is None:
            return
        one = NegateOp.create(operands=[first.result], result_types=[first.result.type])
        two = NegateOp.create(operands=[one.result], result_types=[first.result.type])
        Rewriter.insert_op([one, two], InsertPoint.after(first))
        first.result.replace_uses_with_if(two.result, lambda use: use.operation is not one)


@dataclass(frozen=True)
class LowerToyPass(ModulePass):
    """toy.negate -> ten.map"""

    name = "lower-toy"

    def apply(self, ctx, op):
        for each in list(op.walk()):
            if isinstance(each, NegateOp):
                element = each.input.type.get_element_type()
                block = Block(arg_types=[element])
                negated = arith.NegfOp(block.args[0])
                block.add_ops([negated, ten.YieldOp(negated.result)])
                axes = "abcdef"[: len(each.input.type.get_shape())]
                mapped = ten.MapOp(
                    f"{axes}->{axes}", [each.input], each.result.type, Region(block)
                )
                Rewriter.replace_op(each, mapped)


TOY = Dialect("toy", [NegateOp], [])
UNIVERSE = Universe(
    all_dialects={"toy": lambda: TOY},
    all_passes={"lower-toy": lambda: LowerToyPass},
)
TWICE = Extension((NegateTwicePass(),), after="decompose")
LOWER = Extension((LowerToyPass(),), before="fuse-contractions")
'''
TOY_ENTRY_POINTS = """
[xdsl.universe]
toy = toy:UNIVERSE
[tensorjoin.interpreter]
toy = toy:ToyFunctions
[tensorjoin.passes]
1-twice = toy:TWICE
2-lower = toy:LOWER
"""
TOY_MODULE = """
func.func @forward(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %c = ten.constant dense<[1.0, -2.5]> : tensor<2xf32> : tensor<2xf32>
  %n = toy.negate %c : tensor<2xf32> -> tensor<2xf32>
  %y = toy.negate %x : tensor<2xf32> -> tensor<2xf32>
  func.return %n, %y : tensor<2xf32>, tensor<2xf32>
}
"""


@pytest.fixture
def toy_site(tmp_path: Path) -> Path:
    site = tmp_path / "toys"
    metadata = site / "toy-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "toy.py").write_text(TOY)
    (metadata / "entry_points.txt").write_text(TOY_ENTRY_POINTS)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    return site


def test_a_foreign_op_is_folded_and_lowered(toy_site: Path):
    folded = run(BIN / "sql-opt", "--fold-constants", text=TOY_MODULE, site=toy_site)
    assert folded.count("toy.negate") == 1
    assert "dense<[-1.000000e+00, 2.500000e+00]>" in folded
    lowered = run(BIN / "sql-opt", "--lower-to-sql", text=TOY_MODULE, site=toy_site)
    assert "toy" not in lowered
    assert "neg(" in lowered


def test_a_foreign_op_is_executed(toy_site: Path):
    (toy_site / "execute.py").write_text(
        "import sys\n"
        "import numpy as np\n"
        "from tensorjoin.api import read_mlir\n"
        "from tensorjoin.interpreter.machine import Machine\n"
        "from pathlib import Path\n"
        "module = read_mlir(Path(sys.argv[1]))\n"
        "print(*np.concatenate(Machine().run(module, arguments=[[3.0, 4.0]]).returned))\n"
    )
    (toy_site / "toy.mlir").write_text(TOY_MODULE)
    printed = run(sys.executable, toy_site / "execute.py", toy_site / "toy.mlir", site=toy_site)
    assert printed.split() == ["-1.0", "2.5", "-3.0", "-4.0"]


def test_a_foreign_op_reaches_load(toy_site: Path, tmp_path: Path):
    """The model with a product negated twice has the tokens of PyTorch."""
    expected = reference("demo")
    url = f"sqlite:///{tmp_path}/demo.db"
    run(BIN / "sql-llm", "load", ROOT / "examples" / "demo", "--db", url, site=toy_site)
    prompt = ",".join(str(token) for token in expected.prompt)
    options = ["--token-ids", prompt, "--max-tokens", "5", "--format", "json"]
    printed = run(BIN / "sql-llm", "generate", "--db", url, *options, site=toy_site)
    assert json.loads(printed)["token_ids"] == expected.greedy[:5].tolist()
    order = ("--lower-to-relational", "--print-between-passes")
    names = run(BIN / "sql-opt", *order, text=MODULES["nn"], site=toy_site)
    assert "toy.negate" in names
