"""The results as a page of tables."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from llm.checkpoints import SHAPES, Shape, weight_bytes
from llm.contenders import BY_HAND, PUBLISHED
from llm.measure import BATCHES

Phases = dict[str, Any]

HEADS = (
    "contender",
    "engine",
    "load MB/s",
    "file MB",
    "decode ms/token",
    "tokens/s",
    *PUBLISHED,
    "best by hand",
    "prefill 25, s",
    "prefill 200, s",
    "no rows, ms",
    "cold first token, s",
    "capped ms/token",
    "capped read MB/token",
    "capped read MB/s",
    "logits differ by",
    "same tokens",
)
INTRODUCTION = """\
# Language models: what was measured

`make bench` writes this page; the figures are in benchmark.json. Random weights in float32, the \
same for all; each phase in a process of its own. Times are medians [least-most]. "> 300 s" stands \
where a phase (loading, all warm figures, ...) did not get within the time it may take.

- **load**: megabytes of float32 weights a second, from the checkpoint into the engine's file.
- **decode**: a pass over one row and the choice of the most likely token, for the first tokens.
- **to row chunks**, **to ROW2COL**: how many times faster decode is than the published forms, \
`{row_chunks}` and `{row_to_column}`: whole models with a statement for each layer, in chunks of \
64; **to ROW2COL products**: than the matrix products alone, `{products}`, of the latter.
- **best by hand**: of the contender whose layout is chosen by cost: how long the fastest layout \
takes among those that are the same for all weights, to what it takes itself.
- **no rows**: a pass over an empty batch, which is what planning and dispatch take at least.
- **products**: the matrix products of a decode step alone, in the published forms; see \
benchmarks/llm/published.py. A whole model takes longer.
- **cold**: from opening a file that is not in the page cache to the first token; importing the \
driver and, for PostgreSQL, starting the server are part of it.
- **capped**: decode where the process, its cache of files included, may have half the bytes of \
the weights; **read**: what it fetches from storage meanwhile.
- **logits differ by**: the largest difference to numpy in float32, for a prompt of 8 and four \
tokens after it; **same tokens**: how many of the five most likely tokens are numpy's.

{machine}
"""


def write_report(results: dict[str, Any], file: Path) -> None:
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    row_chunks, row_to_column, products = PUBLISHED.values()
    introduction = INTRODUCTION.format(
        machine=f"Machine: {machine}.",
        row_chunks=row_chunks,
        row_to_column=row_to_column,
        products=products,
    )
    sections = [introduction]
    for name, contenders in results["shapes"].items():
        sections += [section(SHAPES[name], contenders)]
    file.write_text("\n".join(sections))


def section(shape: Shape, contenders: dict[str, Phases]) -> str:
    title = (
        f"## {shape.name}\n\nhidden {shape.hidden}, intermediate {shape.intermediate},"
        f" {shape.layers} layers, {shape.heads} heads, {shape.kv_heads} KV heads,"
        f" vocabulary {shape.vocabulary}: {weight_bytes(shape) / 1e6:.0f} MB\n"
    )
    decodes = {n: phases.get("warm", {}).get("decode") for n, phases in contenders.items()}
    published = [decodes.get(name) for name in PUBLISHED.values()]
    rows: list[list[str]] = []
    for name, phases in contenders.items():
        by_hand = [taken for other in BY_HAND.get(name, ()) if (taken := decodes.get(other))]
        best = min(by_hand, key=median, default=None)
        rows.append(cells(shape, name, phases, [*published, best]))
    growth = [growth_cells(name, phases.get("warm", {})) for name, phases in contenders.items()]
    batch_heads = ("contender", *(f"M = {rows}" for rows in BATCHES))
    return "\n".join(
        [
            title,
            table(HEADS, rows),
            "\nA pass with so many rows over an empty context, to one with one row:\n",
            table(batch_heads, [row for row in growth if row]),
            f"\n![decode](benchmark-decode-{shape.name}.svg)",
            f"![rows in a pass](benchmark-rows-{shape.name}.svg)",
            "\nThe machine's load average before a phase: at most"
            f" {highest_load(contenders):.1f}.\n",
        ]
    )


def highest_load(contenders: dict[str, Phases]) -> float:
    """What other work there was; a contender's own last phase is in it too."""
    phases = [p for phases in contenders.values() for p in phases.values() if isinstance(p, dict)]
    return max((phase["load_average"] for phase in phases if "load_average" in phase), default=0)


def table(heads: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells(shape: Shape, name: str, phases: Phases, others: list[list[float] | None]) -> list[str]:
    load, warm = phases.get("load", {}), phases.get("warm", {})
    if "stopped" in load:
        return [name, phases["engine"], load["stopped"], *[""] * (len(HEADS) - 3)]
    decode = warm.get("decode")
    rate = weight_bytes(shape) / 1e6 / load["load_seconds"]
    equal = warm.get("equal_tokens")
    return [
        name,
        phases["engine"],
        f"{rate:.0f}" if load["load_seconds"] > 1e-3 else "",
        f"{load['file_bytes'] / 1e6:.0f}",
        spread(warm, "decode", milliseconds),
        f"{1 / median(decode):.1f}" if decode else "",
        *(f"{median(other) / median(decode):.2f}" if other and decode else "" for other in others),
        spread(warm, "prefill_25", in_seconds),
        spread(warm, "prefill_200", in_seconds),
        spread(warm, "empty_pass", milliseconds) if "empty_pass" in warm else "",
        spread(phases.get("cold", {}), "first_token", in_seconds),
        spread(phases.get("capped", {}), "decode", milliseconds),
        *reading(phases.get("capped", {})),
        f"{warm['logits_difference']:.0e}" if "logits_difference" in warm else "",
        f"{equal[0]} of {equal[1]}" if equal else "",
    ]


def reading(capped: dict[str, Any]) -> list[str]:
    """Megabytes read for each token, and in each second."""
    if "decode_bytes_read" not in capped:
        return ["", ""]
    megabytes, taken = capped["decode_bytes_read"] / 1e6, capped["decode"]
    return [f"{megabytes:.0f}", f"{megabytes * len(taken) / sum(taken):.0f}"]


def growth_cells(name: str, warm: dict[str, Any]) -> list[str]:
    if "rows_1" not in warm:
        return []
    one = median(warm["rows_1"])
    ratios = [warm.get(f"rows_{rows}") for rows in BATCHES]
    return [name, *(f"{median(taken) / one:.2f}" if taken else "" for taken in ratios)]


def milliseconds(value: float) -> str:
    return in_seconds(value * 1000)


def in_seconds(value: float) -> str:
    """Three significant digits, in plain notation."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def spread(figures: dict[str, Any], name: str, shown: Callable[[float], str]) -> str:
    """The median and the range, or why there are none."""
    if not (taken := figures.get(name)):
        return figures.get("stopped", "")
    return f"{shown(median(taken))} [{shown(min(taken))}-{shown(max(taken))}]"
