"""The file of results: runs add to it by shape, contender and phase."""

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from llm.checkpoints import SHAPES
from llm.contender import Contender
from llm.contenders import CONTENDERS

Results = dict[str, Any]


def machine() -> dict[str, Any]:
    """What the figures depend on, besides the software."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def read(file: Path) -> Results:
    """What earlier runs on this machine found; of another machine, nothing is kept."""
    here = machine()
    if file.exists():
        results = json.loads(file.read_text())
        if results["machine"] == here:
            return results
    return {"machine": here, "shapes": {}}


def found(results: Results, shape: str, contender: str) -> dict[str, Any]:
    """The phases that are there."""
    return results["shapes"].get(shape, {}).get(contender, {})


def merge(
    results: Results, shape: str, contender: Contender, phase: str, figures: dict[str, Any]
) -> None:
    entry = results["shapes"].setdefault(shape, {}).setdefault(contender.name, {})
    entry["engine"] = contender.version()
    entry[phase] = figures | {"revision": revision()}


def write(results: Results, file: Path) -> None:
    """Write the results in the order of the lists of shapes and contenders."""
    shapes = results["shapes"]
    ordered = {
        shape: {name: shapes[shape][name] for name in CONTENDERS if name in shapes[shape]}
        for shape in SHAPES
        if shape in shapes
    }
    file.write_text(json.dumps(results | {"shapes": ordered}, indent=1) + "\n")


def revision() -> str:
    """The commit that is measured, with a + where files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    ran = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    return ran.stdout.strip()
