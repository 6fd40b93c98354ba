"""
The configuration of lit for FileCheck tests. A whole `lit.cfg`:

    from tensorjoin.testing.filecheck import configure

    configure(config, lit_config, __file__)
"""

import os
import sys
from pathlib import Path
from typing import Any

import lit.formats  # pyright: ignore[reportMissingTypeStubs]

SECONDS = 60
"""The limit of a test, where psutil is there to keep it."""


def configure(config: Any, lit_config: Any, file: str) -> None:
    """
    Run the `.mlir` files beside `file`, which is the `lit.cfg`, with the commands of this Python.

    `ROUNDTRIP` in a RUN line prints and parses a file in the generic form and in its own, so that
    CHECK sees text that has been through both; `VERIFY` expects the errors that the file names.
    """
    config.name = config.name or Path(file).parent.name
    config.test_format = lit.formats.ShTest()
    config.test_source_root = str(Path(file).parent)
    config.suffixes = [".mlir"]
    path = [os.path.dirname(sys.executable), os.environ["PATH"]]
    config.environment["PATH"] = os.pathsep.join(path)
    config.substitutions += [
        (
            "ROUNDTRIP",
            "sql-opt %s --print-op-generic --split-input-file"
            " | sql-opt --split-input-file | filecheck %s",
        ),
        (
            "VERIFY",
            "sql-opt %s --verify-diagnostics --parsing-diagnostics --split-input-file"
            " | filecheck %s",
        ),
    ]
    if lit_config.maxIndividualTestTimeIsSupported[0]:
        config.maxIndividualTestTime = SECONDS
