"""Runs the FileCheck tests, so that plain `pytest` runs everything."""

import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).with_name("filecheck")


@pytest.mark.timeout(300)  # 75 s: all of the suite
def test_filecheck():
    lit = Path(sys.executable).with_name("lit")
    result = subprocess.run(
        [lit, "-v", "-j2", SUITE], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert result.returncode == 0, result.stdout
