"""Sizes of memory on the command line: 512MB, 1.5GiB."""

import argparse
import re

UNITS = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGT", start=1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", start=1)},
}
"""Bytes of each unit: powers of 1000, and with an i powers of 1024 (IEC 80000-13)."""
FOLDED = {unit.casefold(): size for unit, size in UNITS.items()}


def memory_size(text: str) -> int:
    """'1.5GiB' -> 1610612736 bytes"""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]+)", text.strip(), re.IGNORECASE)
    unit = FOLDED.get(match[2].casefold()) if match else None
    if match is None or unit is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size of memory, such as 512MB, 2GB or 1.5GiB"
        )
    return int(float(match[1]) * unit)
