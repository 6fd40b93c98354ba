"""
Run ONNX's backend tests on every target and write docs/conformance.md.

With --check, compare with that page instead, and fail where it says otherwise. PostgreSQL is the server that TENSORJOIN_POSTGRES_URL names, or one of its own.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "conformance")]

import onnx  # noqa: E402
from cases import BACKENDS, KINDS, TOO_SLOW, Outcome, cases, model_of, outcome, scope  # noqa: E402
from postgres_server import postgres_server  # noqa: E402

PAGE = ROOT / "docs" / "conformance.md"
POSTGRES = "TENSORJOIN_POSTGRES_URL"
SUMMARY = tuple(f"| {kind} " for kind in KINDS)

Outcomes = Mapping[str, Outcome]
"""What became of a case, by target."""


def run_part(target: str, part: int, parts: int) -> list[tuple[str, str, Outcome]]:
    """Every `parts`-th case on one target: its kind, its name, and what became of it."""
    return [
        (kind, case.name, outcome(case, target))
        for number, (kind, case) in enumerate(cases())
        if number % parts == part and scope(model_of(case)) is None
    ]


@contextmanager
def postgres() -> Iterator[None]:
    if os.environ.get(POSTGRES):
        yield
        return
    with postgres_server() as url:
        os.environ[POSTGRES] = url
        yield
        del os.environ[POSTGRES]


def run_all(targets: Sequence[str], workers: int) -> dict[tuple[str, str], dict[str, Outcome]]:
    found: dict[tuple[str, str], dict[str, Outcome]] = {
        (kind, case.name): {} for kind, case in cases() if scope(model_of(case)) is None
    }
    parts = workers
    with postgres(), ProcessPoolExecutor(workers, max_tasks_per_child=1) as pool:
        tasks = [
            (target, pool.submit(run_part, target, part, parts))
            for target in targets
            for part in range(parts)
        ]
        for target, task in tasks:
            for kind, name, result in task.result():
                found[kind, name][target] = result
    return found


def page(found: Mapping[tuple[str, str], Outcomes], targets: Sequence[str]) -> str:
    """The table, for people, and line by line for --check."""
    excluded = [(kind, case.name, scope(model_of(case))) for kind, case in cases()]
    outside = [(kind, name, reason) for kind, name, reason in excluded if reason is not None]
    lines = [
        "# Conformance to ONNX",
        "",
        f"The backend tests of onnx {onnx.__version__}, run by `make conformance`.",
        "",
        f"| kind | cases | {' | '.join(targets)} |",
        f"|---|---:|{'---:|' * len(targets)}",
    ]
    for kind in dict.fromkeys(kind for kind, _ in found):
        rows = [outcomes for (k, _), outcomes in found.items() if k == kind]
        shares = [passing_share(rows, target) for target in targets]
        lines.append(f"| {kind} | {len(rows)} | {' | '.join(shares)} |")
    lines += [
        "",
        "A case passes (✓) with the suite's own tolerances, or is refused with the reason below.",
        "What is neither stands in bold, and [the notes](notes/onnx.md) say why.",
        "",
        "## Refused",
        "",
    ]
    reasons = Counter(
        result.reason
        for outcomes in found.values()
        for result in {o.reason: o for o in outcomes.values() if o.kind == "refused"}.values()
    )
    numbers = {reason: number for number, (reason, _) in enumerate(reasons.most_common(), 1)}
    lines += [f"{number}. {reason} ({reasons[reason]})" for reason, number in numbers.items()]
    lines += ["", "## Out of scope", "", "Not numbers, or not inference:", ""]
    for reason in sorted({reason for _, _, reason in outside}):
        names = [name for _, name, other in outside if other == reason]
        lines.append(f"- **{reason}** ({len(names)}): {', '.join(names)}")
    lines += [
        "",
        "## Cases",
        "",
        f"| case | {' | '.join(targets)} |",
        f"|---|{'---|' * len(targets)}",
    ]
    for (_, name), outcomes in sorted(found.items(), key=lambda item: item[0][1]):
        marks = [mark(outcomes[target], numbers) for target in targets]
        lines.append(f"| {name} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def passing_share(rows: Sequence[Outcomes], target: str) -> str:
    passing = sum(row[target].kind == "passes" for row in rows)
    return f"{passing} ({100 * passing / len(rows):.1f} %)"


def mark(result: Outcome, numbers: Mapping[str, int]) -> str:
    match result.kind:
        case "passes":
            return "✓"
        case "refused":
            return f"refused {numbers[result.reason]}"
        case _:
            return f"**{result.kind}**: {result.reason.replace('|', '/')}"


def differences(text: str, page: str) -> list[str]:
    """Lines that the page does not have; a machine too slow for a case says nothing of it."""
    known = {line.partition(" | ")[0]: cells(line) for line in page.splitlines()}
    return [
        line
        for line in text.splitlines()
        if not line.startswith(SUMMARY)
        and any(
            new != old and TOO_SLOW not in new and TOO_SLOW not in old
            for new, old in zip_longest(
                cells(line), known.get(line.partition(" | ")[0], []), fillvalue=""
            )
        )
    ]


def cells(line: str) -> list[str]:
    return line.split(" | ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with docs/conformance.md")
    parser.add_argument("--targets", nargs="+", default=list(BACKENDS), choices=BACKENDS)
    arguments = parser.parse_args()
    found = run_all(arguments.targets, workers=os.cpu_count() or 1)
    text = page(found, arguments.targets)
    if not arguments.check:
        PAGE.write_text(text)
        print(text.partition("A case passes")[0])
        return 0
    other = differences(text, PAGE.read_text())
    print("\n".join(other) or "as in docs/conformance.md")
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main())
