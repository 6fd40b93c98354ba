"""Names of tables in the user's database."""

from collections.abc import Iterable

PREFIX = "tj"
OF_CONNECTION = " @tj-connection"
"""
What the name of a table ends with in a program that is one connection's alone, where an engine has
no temporary tables. Each connection puts as many letters of its own there, which begin with the
number of its process: by that, what a process has left behind that was killed is known.
"""
SKIPPED = {"weight", "{}"}
"""Parts of a checkpoint's tensor name that tell nothing in a table's name."""


def short_names(symbols: Iterable[str]) -> dict[str, str]:
    """
    A short name for each symbol: its last parts, as many as tell it from the others, else all of
    them and a number.

    "model.layers.{}.mlp.up_proj.weight" -> "up_proj"
    """
    parts = {
        s: [part for part in s.split(".") if part not in SKIPPED] or [s.replace(".", "_")]
        for s in symbols
    }
    longest = max(map(len, parts.values()), default=0)
    for length in range(1, longest + 1):
        names = {s: "_".join(p[-length:]) for s, p in parts.items()}
        if len(set(names.values())) == len(names):
            return names
    return {s: "_".join([*p, str(number)]) for number, (s, p) in enumerate(parts.items())}


def table_name(model: str, table: str) -> str:
    """The name of a model's table; `table` holds no dot, so that no two models share one."""
    return f"{PREFIX}.{model}.{table}"
