"""docs/adding_a_backend.md does what it says, and its backend serves every command."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from documents import DOCS, Document, shell
from models.references import reference
from onnx import TensorProto, helper

DEMO = DOCS.parent / "examples" / "demo"
DOCUMENT = Document(DOCS / "adding_a_backend.md")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document's package as pip would install it, with the demo model beside it."""
    folder = tmp_path_factory.mktemp("narrow")
    DOCUMENT.install(folder)
    (folder / "demo").symlink_to(DEMO)
    return folder


def test_what_the_document_shows(package: Path):
    for command, output in DOCUMENT.sessions:
        # grep -c 0 is no match, and its status says so.
        status = "; true" if output == "0\n" else ""
        assert shell(command + status, package).strip() == output.strip()


def within_its_limits(sql: str) -> bool:
    """
    Whether no table has more than 100 columns, none is temporary, and no function of mathematics is
    called.
    """
    tables = re.findall(r"^CREATE .*TABLE [^(]*\((.*)\)", sql, re.MULTILINE)
    widths = [table.count(" NOT NULL") + table.count(" REAL") for table in tables]
    assert widths
    return max(widths) <= 100 and not re.search(r"\b(TEMPORARY|TEMP|(EXP|SQRT|COS|SIN)\()", sql)


def test_a_language_model(package: Path):
    expected = reference("demo")
    shell("sql-llm load demo --db narrow:///reference.db", package)
    prompt = ",".join(str(token) for token in expected.prompt)
    options = f"--token-ids {prompt} --max-tokens {len(expected.greedy)} --format json"
    printed = shell(f"sql-llm generate --db narrow:///reference.db {options}", package)
    assert json.loads(printed)["token_ids"] == [int(token) for token in expected.greedy]


TWO_AT_ONCE = """
import json, sqlite3, sys
from tensorjoin import LanguageModel

prompts = json.loads(sys.argv[1])
models = [LanguageModel.open("narrow:///reference.db") for _ in prompts]
streams = [model.token_ids(p, 5) for model, p in zip(models, prompts)]
print(json.dumps(list(zip(*zip(*streams)))))
temporary = "SELECT count(*) FROM sqlite_temp_schema"
print(json.dumps([m.database._connection.execute(temporary).fetchone()[0] for m in models]))
for model in models:
    model.close()
"""


def test_two_connections_at_once(package: Path):
    """Each has the tokens of the reference, one of them two tokens ahead, and no temporary table."""
    expected = reference("demo")
    tokens = [int(token) for token in (*expected.prompt, *expected.greedy)]
    length = len(expected.prompt)
    shell("sql-llm load demo --db narrow:///reference.db --replace", package)
    (package / "two.py").write_text(TWO_AT_ONCE)
    prompts = [tokens[:length], tokens[: length + 2]]
    printed = shell(f"python two.py '{json.dumps(prompts)}'", package).splitlines()
    found, temporary = map(json.loads, printed)
    assert found == [tokens[length : length + 5], tokens[length + 2 : length + 7]]
    assert temporary == [0, 0]


def test_the_compiler(package: Path):
    shell("sql-translate --import-hf demo -o narrow.mlir", package)
    emitted = shell("sql-translate --emit-sql --target narrow narrow.mlir", package)
    assert within_its_limits(emitted)
    options = "--pass 'lower-to-sql{target=narrow}' -t 'sql{target=narrow}'"
    assert shell(f"sql-opt {options} narrow.mlir", package).strip() == emitted.strip()


def test_an_onnx_model(package: Path):
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 3]) for n in "XY")
    graph = helper.make_graph([helper.make_node("Exp", ["X"], ["Y"])], "exponential", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    onnx.save(model, package / "exp.onnx")
    given = np.linspace(-3, 3, 6, dtype=np.float32).reshape(2, 3)
    np.save(package / "x.npy", given)
    shell("sql-run exp.onnx --target narrow --input X=x.npy --output-dir out", package)
    found = np.load(package / "out" / "Y.npy")
    np.testing.assert_allclose(found, np.exp(given), rtol=1e-6)


def test_commands_name_it(package: Path):
    assert "narrow:///path" in shell("sql-llm load --help", package)
    assert "narrow" in shell("sql-run --help", package)
    assert "narrow" in shell("sql-translate --help", package)


def test_its_url_is_one_of_its_schemes(package: Path):
    """Calibration opens files of its own by the scheme of the target's backend."""
    text = "from tensorjoin.backend import *; print(*backend_of(find_target('narrow')).schemes)"
    assert shell(f'python -c "{text}"', package) == "narrow\n"


def test_its_class_for_onnx(package: Path):
    text = "from tensorjoin.onnx_backend import NarrowBackend; print(NarrowBackend.__doc__)"
    assert shell(f"python -c '{text}'", package) == "Models in Narrow.\n"
