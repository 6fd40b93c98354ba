"""
Environments that differ in the version of one engine, or of Python.

An engine's version is installed into an environment of its own, which sees the packages of the
environment that runs this behind it: so it is made in a second, and nothing but the engine differs.
"""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-engines"

Engine = Literal["sqlite", "duckdb", "postgres"]


class Unavailable(Exception):
    """An environment cannot be made here: which, why, and what to do."""


def requirement(package: str) -> str:
    """What pyproject.toml asks of a package: 'duckdb>=1.4,<3'."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (found,) = (text for text in project["dependencies"] if text.startswith(f"{package}>="))
    return found


def oldest(package: str) -> str:
    """The oldest version that pyproject.toml admits: 'duckdb==1.4'."""
    lower, _, _ = requirement(package).partition(",")
    return lower.replace(">=", "==")


PYTHONS = tuple(f"python3.{minor}" for minor in range(11, 16))
"""What a Python may be called that pyproject.toml admits."""
VERSION = "import platform; print(platform.python_version())"
REPLACED_SQLITE = (
    "import sys, pysqlite3, pysqlite3.dbapi2; "
    'sys.modules["sqlite3"] = pysqlite3; sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2'
)
"""Run as an environment's Python starts: the package in the place of Python's own."""


@dataclass(frozen=True)
class Environment:
    """An engine, the package that brings its version, what runs at the start, and its server."""

    name: str
    engine: Engine
    package: str | None = None
    startup: str | None = None
    server: Literal["debian", "tests"] | None = None


ENVIRONMENTS = (
    Environment("duckdb-oldest", "duckdb", oldest("duckdb")),
    Environment("duckdb-1.5", "duckdb", "duckdb==1.5.*"),
    Environment("duckdb-2.0.0", "duckdb", "duckdb==2.0.0"),
    Environment("duckdb-newest", "duckdb", requirement("duckdb")),
    Environment("sqlite-python", "sqlite"),
    Environment("sqlite-newest", "sqlite", "pysqlite3", REPLACED_SQLITE),
    Environment("postgres-15", "postgres", server="debian"),
    Environment("postgres-18", "postgres", server="tests"),
)


def make(environment: Environment) -> Path:
    """The Python of an environment, which is made anew."""
    python = new(environment.name)
    packages = Path(answer(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    # Not by PYTHONPATH: what is installed in editable form comes by files that only this reads.
    shared = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (packages / "shared.pth").write_text(shared)
    if environment.package is not None:
        install(environment.name, python, "--no-deps", "--ignore-installed", environment.package)
    if environment.startup is not None:
        (packages / "startup.pth").write_text(f"{environment.startup}\n")
    return python


def make_whole(name: str, program: str) -> Path:
    """The Python of an environment of another Python, which shares nothing."""
    python = new(name, program)
    install(name, python, "--editable", f"{ROOT}[dev]")
    return python


def pythons() -> dict[str, str]:
    """The Pythons on PATH of the versions that pyproject.toml admits: their versions."""
    found: dict[str, str] = {}
    for program in PYTHONS:
        if shutil.which(program) is None:
            continue
        # There may be a program of that name which only says that there is none.
        done = subprocess.run([program, "-c", VERSION], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            found[program] = done.stdout.strip()
    return found


def new(name: str, program: str = sys.executable) -> Path:
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([program, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def install(name: str, python: Path, *arguments: str) -> None:
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
    done = subprocess.run([*pip, *arguments], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{name}: {done.stderr.strip().splitlines()[-1]}")


def answer(python: Path, program: str) -> str:
    """What a program prints."""
    return subprocess.run(
        [python, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
