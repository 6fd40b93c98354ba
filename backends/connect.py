"""From a URL to an open database."""

import os
from collections.abc import Mapping
from pathlib import Path

from tensorjoin.backend import MEMORY, Backend, backends, url_forms
from tensorjoin.backends.database import Database, may
from tensorjoin.backends.interrupts import held
from tensorjoin.backends.memory import engine_share
from tensorjoin.errors import TensorjoinError


def connect(url: str, *, create: bool, memory: int | None = None) -> Database:
    """
    Open the database at `url`, whose scheme says which of the installed backends does.

    With `create`, a file that does not exist is made; without, it is an error. `memory` is what
    this process may use, in bytes, Python and its libraries included; a server's is its own.
    """
    with held():
        backend = _by_scheme().get(url.partition("://")[0])
    if backend is None:
        raise TensorjoinError(f"unknown database URL {_without_secrets(url)!r}: use {url_forms()}")
    share = None if memory is None else engine_share(memory)
    where = _path(url, create) if backend.place == "file" else url
    database = backend.open(where)
    if share is not None:
        try:
            database.limit_memory(share)
        except BaseException:
            database.close()
            raise
    return database


def _by_scheme() -> Mapping[str, Backend]:
    return {scheme: backend for backend in backends().values() for scheme in backend.schemes}


def _path(url: str, create: bool) -> Path | None:
    """The file that a URL names, checked; `None` for a database in memory."""
    scheme, _, rest = url.partition("://")
    name = rest.removeprefix("/")
    if name == rest or not name:
        raise TensorjoinError(f"no file in {url!r}: write {scheme}:///path")
    if name == MEMORY:
        return None
    path = Path(name)
    # Unlike `Path`'s own tests, these say no where a directory cannot be searched.
    if os.path.isdir(path):
        raise TensorjoinError(f"{path} is a directory: name a database file in it")
    if not os.path.exists(path):
        _check_absent(path, create)
    elif not may(path, os.R_OK):
        raise TensorjoinError(f"cannot read {path}: give yourself permission to read the file")
    return path


def _check_absent(path: Path, create: bool) -> None:
    if not create:
        raise TensorjoinError(f"no database at {path}: run `sql-llm load` first")
    if not os.path.isdir(path.parent):
        raise TensorjoinError(f"no directory {path.parent}: create it first")
    if not may(path.parent, os.W_OK | os.X_OK):
        raise TensorjoinError(f"cannot create {path}: {path.parent} is not writable")


def _without_secrets(url: str) -> str:
    """A URL fit for a message: what stands before an @ may hold a password."""
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.rpartition("@")[2]
