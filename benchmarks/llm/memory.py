"""What Linux holds of files, and how much memory a process may have."""

import os
import signal
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def drop_from_page_cache(files: Iterable[Path]) -> None:
    """Write files out, and have the kernel forget what it holds of them."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def bytes_read() -> int:
    """What this process has fetched from storage so far, what it maps included."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["read_bytes"])


@contextmanager
def capped_group(limit: int) -> Generator[Path]:
    """
    A control group with at most `limit` bytes, its pages of files included.

    Yields the file that takes the ids of processes. Raises OSError where there can be no such
    group.
    """
    parent, name = parent_group()
    group = parent / f"tensorjoin-benchmark-{os.getpid()}"
    group.mkdir()
    try:
        (group / name).write_text(str(limit))
        yield group / "cgroup.procs"
    finally:
        end_members(group)
        group.rmdir()


def end_members(group: Path) -> None:
    """A server may be left by a process that was killed for want of memory."""
    while members := (group / "cgroup.procs").read_text().split():
        for member in members:
            with suppress(ProcessLookupError):
                os.kill(int(member), signal.SIGKILL)
        time.sleep(0.1)


def parent_group() -> tuple[Path, str]:
    """Where a group can be made, and its file for the limit: in cgroup 1, else in cgroup 2."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            own = CGROUPS / "memory" / path.lstrip("/")
            # In a container the path may be that of the host.
            return (own if own.is_dir() else CGROUPS / "memory"), "memory.limit_in_bytes"
    return CGROUPS, "memory.max"
