"""docs/engines.md, from what was found."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from conftest import ENGINES
from engine_versions.environments import ENVIRONMENTS

from tensorjoin.backends.duckdb.versions import SLOW, STORAGE_VERSION

NAMES = {"sqlite": "SQLite", "duckdb": "DuckDB", "postgres": "PostgreSQL"}
MODELS = ("demo", "15M")
FORMS = {"forward": "", "layerwise": ", by layers"}


def page(results: dict[str, Any]) -> str:
    """The tables, and what is to be known of them."""
    found, files = results["engines"], results["files"]
    listed = {e.name: e for e in ENVIRONMENTS if e.name in found}
    heads = [f"{model}{how}" for model in MODELS for how in FORMS.values()]
    engines = [
        [
            f"{NAMES[environment.engine]} {found[name]['version']}",
            found[name]["python"],
            found[name]["measured"],
            mark(found[name]["tokens"]),
            mark(found[name]["guard"]),
            *(
                spread(found[name]["milliseconds"][model].get(form, ()))
                for model in MODELS
                for form in FORMS
            ),
        ]
        for name, environment in listed.items()
    ]
    versions = {name: found[name]["version"] for name in listed if name in files}
    opened = [
        [version, *(mark(files[name].get(reader)) for reader in versions)]
        for name, version in versions.items()
    ]
    pythons = [
        [python["version"], python["measured"], *(mark(python[engine]) for engine in ENGINES)]
        for python in results["pythons"].values()
    ]
    machine = results["machine"]
    lines = [
        "# Versions of engines and of Python",
        "",
        "Written by `make engines`, each version in an environment of its own"
        " (`tests/engine_versions`); DuckDB's oldest and newest are those that pyproject.toml"
        ' admits. A part of it: `make engines ENGINES_OPTIONS="--only duckdb-oldest python"`.',
        "",
        "*Tokens*: the demo model gives the tokens that transformers gives. *Guard*: in the"
        " engine's own profile of a step, no row of weights is read more than once a token, but in"
        " recursions where the engine itself puts no filter into scans, as DuckDB 2.0.1 (see"
        " [the notes](notes/forms.md)): there each round reads all layers; an empty cell was not tried.",
        "",
        f"Then milliseconds a token, measured on {machine['cores']} cores ({machine['processor']}):"
        " the median of rounds that go in turns, and the least and the largest. The model of 15M"
        " parameters has random weights. DuckDB has two forms of the program, of which a session"
        " takes the one that measures as the faster: a recursion whose round is a layer, and statements for each layer.",
        "",
        *table(
            ["engine", "Python", "measured", "tokens", "guard"],
            [f"{h} (ms)" for h in heads],
            engines,
        ),
        "",
        "SQLite's builds differ in more than their version: the newest comes from the package"
        " pysqlite3, the other with Python.",
        "",
        "## DuckDB files",
        "",
        f"A new file is written for DuckDB {STORAGE_VERSION.lstrip('v')}, by whichever version; a"
        " file that is there keeps its own storage. Whether a file that one loads gives the demo's"
        " tokens in another:",
        "",
        *table(["loaded by", *(f"in {version}" for version in versions.values())], [], opened),
        "",
        "## Known to be slow",
        "",
        "`sql-llm load` names these in one line (`backends/duckdb/versions.py`):",
        "",
        *[f"- DuckDB from {slow.since} on, before {slow.before}: {slow.reason}" for slow in SLOW],
        "",
        "## Python",
        "",
        "Whether the demo's tokens are right with each Python that was on the path:",
        "",
        *table(["Python", "measured", *(NAMES[engine] for engine in ENGINES)], [], pythons),
    ]
    return "\n".join(lines) + "\n"


def table(heads: Sequence[str], numbers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; the columns of `numbers` are to the right."""
    return [
        f"| {' | '.join([*heads, *numbers])} |",
        f"|{'---|' * len(heads)}{'---:|' * len(numbers)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def mark(is_right: bool | None) -> str:
    """A cell: right, wrong, or not tried."""
    return {True: "✓", False: "**no**", None: ""}[is_right]


def spread(medians: Sequence[float]) -> str:
    """'80.5 [78.4-96.5]'"""
    if not medians:
        return ""
    return f"{median(medians):.1f} [{min(medians):.1f}-{max(medians):.1f}]"
