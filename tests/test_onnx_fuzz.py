"""Broken models: each is compiled, or refused with one line, soon and in little memory."""

import subprocess
import sys
from pathlib import Path

import pytest

MUTANTS = 2000
PARTS = 4
SCRIPT = Path(__file__).parent / "onnx_mutants.py"


@pytest.mark.timeout(660)  # the process's limit and some; it takes 12 s
@pytest.mark.parametrize("part", range(PARTS))
def test_mutants(part: int) -> None:
    """2,000 of them, in processes that may take 2 GB, each mutant 10 seconds."""
    count = MUTANTS // PARTS
    command = [sys.executable, str(SCRIPT), str(part * count), str(count)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    lines = run.stdout.splitlines()
    assert run.returncode == 0, f"died after {lines[-1:]}: {run.stderr[-300:]}"
    done = [line for line in lines if not line.startswith("?")]
    assert len(done) == count
    assert [line for line in done if " compiled " not in line and " refused " not in line] == []
