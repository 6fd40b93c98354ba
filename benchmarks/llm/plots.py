"""The results as plots."""

from pathlib import Path
from statistics import median
from typing import Any

from matplotlib import rcParams
from matplotlib.figure import Figure

from llm.measure import BATCHES

# The same results make the same file.
rcParams["svg.hashsalt"] = "tensorjoin"


def write_plots(results: dict[str, Any], folder: Path) -> None:
    for shape, contenders in results["shapes"].items():
        save(decode(shape, contenders), folder / f"benchmark-decode-{shape}.svg")
        save(growth(shape, contenders), folder / f"benchmark-rows-{shape}.svg")


def save(figure: Figure, file: Path) -> None:
    figure.savefig(file, bbox_inches="tight", metadata={"Date": None})


def decode(shape: str, contenders: dict[str, Any]) -> Figure:
    """Milliseconds a token, a bar for each contender, its range as a whisker."""
    taken = {
        name: [seconds * 1000 for seconds in phases["warm"]["decode"]]
        for name, phases in contenders.items()
        if "decode" in phases.get("warm", {})
    }
    figure = Figure(figsize=(7, 1 + 0.3 * len(taken)))
    axes = figure.subplots()
    medians = [median(values) for values in taken.values()]
    below = [m - min(values) for m, values in zip(medians, taken.values(), strict=True)]
    above = [max(values) - m for m, values in zip(medians, taken.values(), strict=True)]
    names = list(taken)
    axes.errorbar(medians, names, xerr=[below, above], fmt="o", color="steelblue", ecolor="grey")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x", color="lightgrey")
    axes.invert_yaxis()
    axes.set_xlabel("ms/token")
    axes.set_title(f"{shape}: decode, median and range")
    return figure


def growth(shape: str, contenders: dict[str, Any]) -> Figure:
    """c(M): the time of a pass with M rows over that of one with one row."""
    figure = Figure(figsize=(7, 5))
    axes = figure.subplots()
    for name, phases in contenders.items():
        warm = phases.get("warm", {})
        known = [rows for rows in BATCHES if f"rows_{rows}" in warm]
        if len(known) > 1:
            one = median(warm["rows_1"])
            axes.plot(known, [median(warm[f"rows_{n}"]) / one for n in known], "o-", label=name)
    axes.plot(BATCHES, BATCHES, ":", color="grey", label="as many passes of one row")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("rows in a pass")
    axes.set_ylabel("time, to one row")
    axes.set_title(f"{shape}: what more rows cost")
    axes.legend(fontsize="small")
    return figure
