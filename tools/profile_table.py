"""The table that `sql-llm profile` prints."""

from collections.abc import Sequence

from rich.table import Table

from tensorjoin.measure.profile import Operator

NUMBERS = (
    "calls",
    "rows read",
    "rows written",
    "kB read",
    "products",
    "predicted ms",
    "measured ms",
    "share",
)


def profile_table(operators: Sequence[Operator]) -> Table:
    """A row for each operator, in the order in which they run, and one for all."""
    table = Table(title="one decode step", show_footer=True)
    predicted = sum(each.predicted for each in operators)
    measured = sum(each.measured for each in operators)
    table.add_column("fills", footer="all", overflow="fold")
    table.add_column("with the weights", overflow="fold")
    footers = {"predicted ms": milliseconds(predicted), "measured ms": milliseconds(measured)}
    for name in NUMBERS:
        table.add_column(name, justify="right", footer=footers.get(name, ""))
    table.add_column("bound by")
    for each in operators:
        table.add_row(
            each.makes if each.verb == "insert" else f"({each.verb}: {each.makes})",
            ", ".join(each.weights),
            f"{each.calls:,}",
            f"{each.work.read:,.0f}",
            f"{each.work.written:,.0f}",
            f"{each.work.bytes / 1e3:,.1f}",
            f"{each.products:,.0f}",
            milliseconds(each.predicted),
            milliseconds(each.measured),
            f"{each.measured / measured:.0%}" if measured else "",
            each.bound,
        )
    return table


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f}"
