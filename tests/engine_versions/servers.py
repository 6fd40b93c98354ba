"""PostgreSQL servers: that of the tests, which comes as a package, and Debian's."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from engine_versions.environments import Environment, Unavailable
from postgres_server import postgres_server

DEBIAN = Path("/usr/lib/postgresql/15/bin")
ROOT_USER = 0
UNPRIVILEGED = "nobody"


@contextmanager
def server(environment: Environment) -> Iterator[str | None]:
    """The URL of the server of an environment, if its engine has one."""
    match environment.server:
        case None:
            yield None
        case "tests":
            with postgres_server() as url:
                yield url
        case "debian":
            if not DEBIAN.is_dir():
                raise Unavailable(
                    f"{environment.name}: no {DEBIAN}: run `apt-get install postgresql-15`"
                )
            with cluster(DEBIAN) as url:
                yield url


@contextmanager
def cluster(programs: Path) -> Iterator[str]:
    """The URL of a new cluster's server, which root runs as another user, as it must."""
    user = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == ROOT_USER else None
    # Not below a home, into which that user may not look.
    with TemporaryDirectory(prefix="tensorjoin-") as folder:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [programs / program, f"--pgdata={folder}/data", *arguments],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=folder,
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
                extra_groups=None if user is None else [],
            )

        run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        # Nothing here has to survive a power cut.
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "--silent", f"--log={folder}/log", f"--options={settings}")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "--wait", "--silent", "--mode=immediate")
