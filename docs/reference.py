"""The reference of ops and passes, made from the code: pages in Markdown for the site."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from xdsl.ir import Operation
from xdsl.passes import ModulePass

from tensorjoin.contracts import contract_of
from tensorjoin.universe import DIALECTS, PASSES_BY_FOLDER, TENSORJOIN_UNIVERSE


def write_reference(folder: Path) -> None:
    """Write a page for the passes and one for each dialect."""
    folder.mkdir(exist_ok=True)
    for name in DIALECTS:
        (folder / f"{name}.md").write_text("\n".join(dialect_lines(name)), encoding="utf-8")
    (folder / "passes.md").write_text("\n".join(passes_lines()), encoding="utf-8")


def dialect_lines(name: str) -> Iterator[str]:
    """The ops, types and attributes of a dialect."""
    dialect = TENSORJOIN_UNIVERSE.all_dialects[name]()
    yield from (f"# {name}", "", "Made from the definitions in `dialects/`.", "", "## Ops", "")
    for op in sorted(dialect.operations, key=lambda op: op.name):
        yield from op_lines(op)
    if attributes := sorted(dialect.attributes, key=lambda attribute: attribute.name):
        yield from ("## Types and attributes", "")
        for attribute in attributes:
            yield from (f"### {attribute.name}", "", docstring(attribute), "")


def op_lines(op: type[Operation]) -> Iterator[str]:
    """An op: its docstring, its text form and its parts."""
    yield from (f"### {op.name}", "", docstring(op), "")
    definition: Any = op.get_irdl_definition()  # pyright: ignore[reportAttributeAccessIssue]
    if definition.assembly_format is not None:
        yield from ("```", f"{op.name} {definition.assembly_format}", "```", "")
    parts = {
        "operands": definition.operands,
        "properties": definition.properties.items(),
        "regions": definition.regions,
        "results": definition.results,
    }
    for kind, named in parts.items():
        if names := [f"`{name}`" for name, _ in named]:
            yield f"- {kind}: {', '.join(names)}"
    yield ""


def passes_lines() -> Iterator[str]:
    """All passes by the level that they work on."""
    yield from ("# Passes", "", "Made from the classes in `passes/`, as `sql-opt --help` is.", "")
    for folder, names in PASSES_BY_FOLDER.items():
        yield from (f"## {folder}", "")
        for name in sorted(names):
            yield from pass_lines(TENSORJOIN_UNIVERSE.all_passes[name]())


def pass_lines(each: type[ModulePass]) -> Iterator[str]:
    """A pass: its docstring, its options and its contract."""
    yield from (f"### {each.name}", "", docstring(each), "")
    described = field_docstrings(each)
    options = [field for field in fields(each) if field.name != "name"]
    if options:
        yield from ("| option | default | |", "|---|---|---|")
        for option in options:
            default = "required" if option.default is MISSING else f"`{option.default!r}`"
            yield f"| `{option.name}` | {default} | {described.get(option.name, '')} |"
        yield ""
    try:
        contract = contract_of(each())
    except TypeError:  # an option without a default
        return
    for kind in ("requires", "establishes", "ends"):
        if facts := sorted(getattr(contract, kind)):
            yield f"- {kind}: {', '.join(facts)}"
    yield ""


def docstring(defined: type) -> str:
    """The docstring of a class, not that of a base; drawings stay as they are."""
    text = defined.__doc__
    return "" if text is None else inspect.cleandoc(text)


def field_docstrings(defined: type) -> Mapping[str, str]:
    """The strings that stand after the fields of a class."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(defined))).body
    assert isinstance(node, ast.ClassDef)
    found: dict[str, str] = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
            match field.target, after.value:
                case ast.Name(id=name), ast.Constant(value=str(text)):
                    found[name] = " ".join(text.split())
                case _:
                    pass
    return found
