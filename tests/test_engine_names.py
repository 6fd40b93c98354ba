"""No engine's name outside of its folder: what an engine can do is asked of the target."""

import re
from pathlib import Path

import pytest

from tensorjoin.backend import backends, targets

ROOT = Path(__file__).parents[1]
FOLDERS = ("compiler", "dialects", "passes", "frontends", "runtime", "tools", "backends")
NAMES = re.compile("|".join({"postgresql", *backends(), *targets()}), re.IGNORECASE)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_engine_is_named(folder: str):
    own = [ROOT / "backends" / name for name in backends()]
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in sorted((ROOT / folder).rglob("*.py"))
        if not any(file.is_relative_to(each) for each in own)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if NAMES.search(line)
    ]
    assert not found, "\n".join(found)
