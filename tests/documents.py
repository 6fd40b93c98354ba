"""Runs what a page of docs/ shows: its files as a package, its commands in a shell."""

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BIN = Path(sys.executable).parent
DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Document:
    """A page whose files are fenced blocks after their names, and whose sessions are `console`."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def files(self) -> dict[str, str]:
        pattern = r"^`([\w.]+)`:\n\n```\w+\n(.*?)```$"
        return dict(re.findall(pattern, self.text, re.MULTILINE | re.DOTALL))

    @cached_property
    def sessions(self) -> list[tuple[str, str]]:
        """The commands shown, each with what it prints."""
        blocks = re.findall(r"^```console\n(.*?)```$", self.text, re.MULTILINE | re.DOTALL)
        calls = [call for block in blocks for call in block.removeprefix("$ ").split("\n$ ")]
        return [(command, output) for command, _, output in (c.partition("\n") for c in calls)]

    def install(self, folder: Path) -> None:
        """Write the files, with the metadata that installing the package would write."""
        for name, content in self.files.items():
            (folder / name).write_text(content)
        project = tomllib.loads(self.files["pyproject.toml"])["project"]
        metadata = folder / f"{project['name'].replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        lines = [
            f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in points.items())
            for group, points in project["entry-points"].items()
        ]
        (metadata / "entry_points.txt").write_text("".join(lines))
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\n")


def shell(command: str, folder: Path) -> str:
    """What a command prints that must succeed, run in a folder whose packages are installed."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
