"""What README and docs/ show of examples/layer.mlir is what sql-opt prints, line breaks apart."""

import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest
from documents import DOCS, Document, shell

from tensorjoin.universe import TENSORJOIN_UNIVERSE

ROOT = DOCS.parent
IN_ROWS = "--decompose --convert-ten-to-rel --push-projections --canonicalize"
IN_BLOCKS = f"{IN_ROWS} --convert-rel-to-sql --merge-ctes --canonicalize"


def words(text: str) -> str:
    return " ".join(text.split())


def shown(page: Path) -> list[str]:
    """The blocks of MLIR on a page, cut where something is left out."""
    blocks = re.findall(r"^```mlir\n(.*?)```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [words(part) for block in blocks for part in block.split("...") if part.strip(" }\n")]


@pytest.mark.parametrize(
    ("page", "passes"),
    [("nn", ""), ("ten", "--decompose"), ("rel", IN_ROWS), ("sql", IN_BLOCKS)],
)
def test_a_page_shows_its_level(page: str, passes: str):
    printed = words(shell(f"sql-opt examples/layer.mlir {passes}", ROOT))
    parts = shown(DOCS / "architecture" / f"{page}.md")
    assert parts
    for part in parts:
        assert part.lstrip("} ") in printed


def test_the_picture_of_the_readme():
    text = (ROOT / "README.md").read_text()
    (picture,) = re.findall(r"^```\n(nn .*?)```$", text, re.MULTILINE | re.DOTALL)
    levels = re.split(
        r"^(?: \|\n)+ \|    (.*)\n v\n", f" |\n |    \n v\n{picture}", flags=re.MULTILINE
    )
    commands, shown = levels[1::2], levels[2::2]
    assert len(shown) == 4
    for command, level in zip(commands, shown, strict=True):
        printed = words(shell(f"sql-opt examples/layer.mlir {command}", ROOT))
        for part in re.sub(r"^(nn|ten|rel|SQL) ", "", level).split("..."):
            lines = [words(part)] if level.startswith("SQL") else map(words, part.splitlines())
            assert all(line.rstrip("} ") in printed for line in lines)


def test_the_pass_of_the_readme():
    (code,) = re.findall(
        r'^```python\n("""Two selections.*?)```$',
        (ROOT / "README.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert code == Document(DOCS / "writing_a_pass.md").files["merge_selects.py"]


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def test_files_that_the_architecture_names_are_there():
    named = {
        path
        for page in (DOCS / "architecture").glob("*.md")
        for path in re.findall(r"\b(?:\w+/)+\w+\.(?:py|mlir)\b", page.read_text())
    }
    missing = {path for path in named if "NAME" not in path and not (ROOT / path).exists()}
    assert len(named) > 40
    assert not missing


def test_what_the_code_cites_is_there():
    cited = [
        citation
        for folder in (
            "backends",
            "compiler",
            "dialects",
            "frontends",
            "measure",
            "passes",
            "runtime",
        )
        for file in (ROOT / folder).rglob("*.py")
        for citation in re.findall(r"docs/([\w/-]+\.md)(?:#([\w-]+))?", file.read_text())
    ]
    assert len(cited) > 30
    for page, anchor in cited:
        headings = re.findall(r"^#+ (.*)$", (DOCS / page).read_text(), re.MULTILINE)
        assert not anchor or anchor in map(slug, headings), f"docs/{page}#{anchor}"


def drawings(text: str) -> list[tuple[list[str], list[str]]]:
    """In a docstring, the lines before and after each pass, indented around `becomes`."""
    found: list[tuple[list[str], list[str]]] = []
    parts = re.split(r"^becomes$", inspect.cleandoc(text), flags=re.MULTILINE)
    for before, after in pairwise(parts):
        last = before.rstrip().split("\n\n")[-1]
        first = after.lstrip("\n").split("\n\n")[0]
        found.append((last.splitlines(), first.splitlines()))
    return found


@pytest.mark.parametrize(
    "name",
    ["expand-vectors", "loops-to-recursion", "merge-ctes", "interleave-rope-pairs", "fuse-scans"],
)
def test_a_drawing_is_what_the_pass_does(name: str):
    file = f"tests/filecheck/passes/{name.replace('-', '_')}.mlir"
    printed = [
        words(shell(f"sql-opt {file} --split-input-file {passes}", ROOT))
        for passes in ("", f"--{name}")
    ]
    drawn = drawings(TENSORJOIN_UNIVERSE.all_passes[name]().__doc__ or "")
    assert drawn
    for before_and_after in drawn:
        for text, lines in zip(printed, before_and_after, strict=True):
            for part in (words(part) for line in lines for part in line.split("...")):
                assert part.removesuffix(" where") in text
