"""
Run the demo's tokens, the guard and a few tokens against the clock with each version of each engine,
and with each Python on PATH, and write docs/engines.md.

What was found lies in docs/engines.json. A run replaces there what it measures, and leaves what it
does not: where an engine cannot be had, the page keeps what it said of it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

import psycopg  # noqa: E402
from conftest import ENGINES, with_database  # noqa: E402
from engine_versions import environments  # noqa: E402
from engine_versions.environments import ENVIRONMENTS, Environment, Unavailable  # noqa: E402
from engine_versions.page import page  # noqa: E402
from engine_versions.servers import server  # noqa: E402
from engine_versions.suites import GUARD, TOKENS, passes  # noqa: E402
from llm.checkpoints import SHAPES, checkpoint  # noqa: E402

MEASURE = ROOT / "tests" / "engine_versions" / "measure.py"
RESULTS = ROOT / "docs" / "engines.json"
PAGE = ROOT / "docs" / "engines.md"
CACHE = Path(tempfile.gettempdir()) / "tensorjoin-benchmarks"
PYTHON = "python"
"""The part of a run that has no engine of its own."""
ROUNDS = 3
"""Times that each figure is measured, in turns, as the machine has quicker and slower minutes."""
COUNTS = {"demo": 30, "15M": 10}
"""Models, and the tokens of a round."""


@dataclass(frozen=True)
class Trial:
    """An environment that is there, with its server, and a folder for its files."""

    environment: Environment
    python: Path
    server: str | None
    folder: Path

    def url(self, model: str) -> str:
        if self.server is not None:
            return with_database(self.server, model)
        return f"{self.environment.engine}:///{self.folder / f'{model}.db'}"

    @property
    def forms(self) -> Sequence[str]:
        """The procedures that are a forward pass, of which only DuckDB has two."""
        return ("forward", "layerwise") if self.environment.engine == "duckdb" else ("forward",)


def measured(python: Path, *arguments: object) -> Any:
    """What measure.py says in an environment."""
    command = [python, MEASURE, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def prepare(environment: Environment, folder: Path, stack: ExitStack) -> Trial | None:
    """Make an environment; where that cannot be, say why in one line."""
    folder.mkdir()
    try:
        python = environments.make(environment)
        url = stack.enter_context(server(environment))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return None
    if url is not None:
        with psycopg.connect(url, autocommit=True) as connection:
            for model in COUNTS:
                connection.execute(f'CREATE DATABASE "{model}"')
    return Trial(environment, python, url, folder)


def try_out(trial: Trial, checkpoints: Mapping[str, Path]) -> dict[str, Any]:
    """What is found of an environment, but for the times."""
    engine = trial.environment.engine
    versions = {
        model: measured(trial.python, "load", trial.url(model), folder)
        for model, folder in checkpoints.items()
    }
    return {
        "version": versions["demo"],
        "python": environments.answer(trial.python, environments.VERSION),
        "measured": date.today().isoformat(),
        "tokens": passes(trial.python, TOKENS, engine=engine, url=trial.server),
        "guard": passes(trial.python, GUARD, engine=engine, url=trial.server),
        "milliseconds": {model: {form: [] for form in trial.forms} for model in COUNTS},
    }


def time_in_turns(trials: Sequence[Trial], engines: dict[str, Any]) -> None:
    """Add the median of each round to what was found."""
    for _, trial, (model, count) in product(range(ROUNDS), trials, COUNTS.items()):
        for form in trial.forms:
            times = measured(trial.python, "decode", trial.url(model), form, count)
            found = engines[trial.environment.name]["milliseconds"][model][form]
            found.append(round(median(times), 1))


def read_by_others(trials: Sequence[Trial]) -> dict[str, dict[str, bool]]:
    """Whether a file of one DuckDB gives the demo's tokens in another: by writer, by reader."""
    written = [trial for trial in trials if trial.environment.engine == "duckdb"]
    return {
        writer.environment.name: {
            reader.environment.name: measured(reader.python, "tokens", writer.url("demo"))
            for reader in written
        }
        for writer in written
    }


def try_pythons() -> dict[str, Any]:
    """Whether the demo's tokens are right with each Python on PATH, on each engine."""
    found: dict[str, Any] = {}
    for program, version in environments.pythons().items():
        try:
            python = environments.make_whole(program, program)
        except Unavailable as error:
            print(error, file=sys.stderr)
            continue
        tokens = {engine: passes(python, TOKENS, engine=engine) for engine in ENGINES}
        found[program] = {"version": version, "measured": date.today().isoformat(), **tokens}
        print(program, version, tokens)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [environment.name for environment in ENVIRONMENTS]
    parser.add_argument(
        "--only",
        nargs="*",
        choices=[*names, PYTHON],
        default=[*names, PYTHON],
        help="what to try; nothing to write the page from what was found before",
    )
    arguments = parser.parse_args()
    start = time.monotonic()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    checkpoints = {"demo": ROOT / "examples" / "demo", "15M": checkpoint(SHAPES["15M"], CACHE)}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        chosen = [e for e in ENVIRONMENTS if e.name in arguments.only]
        prepared = [prepare(e, folder / e.name, stack) for e in chosen]
        trials = [trial for trial in prepared if trial is not None]
        engines: dict[str, Any] = {}
        for trial in trials:
            engines[trial.environment.name] = found = try_out(trial, checkpoints)
            print(trial.environment.name, found["version"], found["tokens"], found["guard"])
        time_in_turns(trials, engines)
        files = read_by_others(trials)
    pythons = try_pythons() if PYTHON in arguments.only else {}
    known = results.get("files", {})
    results = {
        "machine": machine(),
        "engines": results.get("engines", {}) | engines,
        "files": known | {writer: known.get(writer, {}) | files[writer] for writer in files},
        "pythons": results.get("pythons", {}) | pythons,
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page(results))
    print(f"{PAGE.relative_to(ROOT)} is written; {(time.monotonic() - start) / 60:.1f} minutes")
    return 0 if all(map(is_right, (engines, files, pythons))) else 1


def machine() -> dict[str, Any]:
    """What the times depend on, besides the software."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processors = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"processor": processors[0], "cores": os.cpu_count()}


def is_right(found: object) -> bool:
    """Whether nothing in what was found is false."""
    if isinstance(found, dict):
        return all(map(is_right, found.values()))
    return found is not False


if __name__ == "__main__":
    sys.exit(main())
