"""
Language models side by side: our SQL on each engine, the published forms, numpy and llama.cpp.

Writes docs/benchmark.json, and from it docs/benchmark.md and the plots. A run measures what that
file lacks; it may be stopped at any time and go on later.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from llm import results
from llm.checkpoints import SHAPES, checkpoint
from llm.contenders import CONTENDERS
from llm.phases import PHASES, run_phases
from llm.plots import write_plots
from llm.report import write_report
from rich.console import Console

DOCS = Path(__file__).parents[1] / "docs"
CACHE = Path(tempfile.gettempdir()) / "tensorjoin-benchmarks"
LIMIT = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    engines = sorted({contender.engine for contender in CONTENDERS.values()})
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--engines", nargs="+", choices=engines, default=engines)
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=PHASES)
    parser.add_argument("--again", action="store_true", help="measure what is there already too")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for a phase")
    parser.add_argument("--cache", type=Path, default=CACHE, help="for checkpoints and databases")
    parser.add_argument("--output", type=Path, default=DOCS)
    arguments = parser.parse_args()
    cache: Path = arguments.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    os.chmod(cache, 0o755)
    arguments.output.mkdir(parents=True, exist_ok=True)
    file = arguments.output / "benchmark.json"
    console = Console()
    known = results.read(file)
    for shape in arguments.shapes:
        folder = checkpoint(SHAPES[shape], cache)
        for name in arguments.contenders:
            contender = CONTENDERS[name]
            there = {} if arguments.again else results.found(known, shape, name)
            missing = [phase for phase in arguments.phases if phase not in there]
            if contender.engine not in arguments.engines or not missing or is_too_slow(there):
                continue
            for phase, figures in run_phases(contender, missing, folder, cache, arguments.limit):
                results.merge(known, shape, contender, phase, figures)
                results.write(known, file)
                console.print(shape, name, phase, figures.get("stopped", "done"))
    # As written, contenders have the order of their list.
    known = results.read(file)
    write_report(known, arguments.output / "benchmark.md")
    write_plots(known, arguments.output)


def is_too_slow(phases: dict[str, Any]) -> bool:
    """Whether loading did not end, or no token came, within the limit."""
    has_no_token = "warm" in phases and "decode" not in phases["warm"]
    return has_no_token or "stopped" in phases.get("load", {})


if __name__ == "__main__":
    main()
