"""The operators of a profile as a picture: what they reach, below what the engine could."""

# matplotlib's annotations leave most arguments open.
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from pathlib import Path

from tensorjoin.cost import Coefficients
from tensorjoin.errors import TensorjoinError
from tensorjoin.measure.profile import Operator

KERNELS = {"products": "products of columns", "dot_products": "dot products"}


def draw(operators: Sequence[Operator], coefficients: Coefficients, file: Path) -> None:
    """
    Write a roofline: products for each byte read against products in a second, both logarithmic,
    with a line for what the engine's arithmetic and its reading allow.

    Raises TensorjoinError where matplotlib is not installed, or the file's ending is none of its
    formats.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TensorjoinError(
            "a picture needs matplotlib: install tensorjoin[plot], or leave out --output"
        ) from error
    points = [each for each in operators if each.products and each.work.bytes and each.measured]
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log")
    axes.set_xlabel("products for each byte read")
    axes.set_ylabel("products in a second")
    for each in points:
        x, y = each.products / each.work.bytes, each.products / each.measured
        axes.scatter([x], [y], s=[20 + 400 * each.measured / sum(o.measured for o in operators)])
        label = ", ".join((each.makes, *each.weights[:1]))
        axes.annotate(label, (x, y), textcoords="offset points", xytext=(4, 4), fontsize=7)
    for (kernel, name), style in zip(KERNELS.items(), ("--", ":"), strict=True):
        if coefficients[kernel] and any(each.work.terms[kernel] for each in points):
            ceiling = 1 / coefficients[kernel]
            axes.axhline(ceiling, color="black", linestyle=style, label=f"ceiling: {name}")
    if points and (per_byte := seconds_per_byte(points, coefficients)):
        intensities = [each.products / each.work.bytes for each in points]
        ends = [min(intensities) / 2, max(intensities) * 2]
        axes.plot(ends, [x / per_byte for x in ends], color="black", label="ceiling: reading")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    try:
        figure.savefig(file)
    except ValueError as error:
        raise TensorjoinError(f"cannot draw {file}: {str(error).splitlines()[0]}") from error


def seconds_per_byte(operators: Sequence[Operator], coefficients: Coefficients) -> float:
    """What reading costs, in rows as long as these operators' are."""
    time = sum(
        each.work.read * coefficients["read"] + each.work.bytes * coefficients["bytes"]
        for each in operators
    )
    return time / sum(each.work.bytes for each in operators)
