"""Phases run in processes of their own: under a time limit, from a cold cache, with less memory."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Timer
from typing import Any

from llm.contender import Contender
from llm.measure import capped_bytes
from llm.memory import capped_group, drop_from_page_cache

Figures = dict[str, Any]

BENCHMARKS = Path(__file__).parents[1]
COLD_RUNS = 3
GRACE = 60.0
"""Seconds for a process to end, and its server with it, before it is killed."""
PHASES = ("warm", "cold", "capped")


def run_phases(
    contender: Contender, phases: Iterable[str], checkpoint: Path, cache: Path, limit: float
) -> Iterator[tuple[str, Figures]]:
    """
    Load the contender, yield each phase with its figures, and throw away what was loaded.

    Where a phase did not come to its end, its figures hold why, as `stopped`.
    """
    folder = cache / "loaded" / f"{checkpoint.name}-{contender.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # PostgreSQL's server may run as another user.
    os.chmod(folder, 0o755)
    try:
        loaded = run("load", contender, checkpoint, folder, limit)
        yield "load", loaded
        if "stopped" in loaded:
            return
        for phase in phases:
            busy = {"load_average": os.getloadavg()[0]}
            figures = busy | run_phase(phase, contender, checkpoint, folder, limit)
            yield phase, figures
            if phase == "warm" and "decode" not in figures:
                return
    finally:
        shutil.rmtree(folder)


def run_phase(
    phase: str, contender: Contender, checkpoint: Path, folder: Path, limit: float
) -> Figures:
    if phase == "warm":
        return run(phase, contender, checkpoint, folder, limit)
    files = contender.files(checkpoint, folder)
    if phase == "cold":
        merged: Figures = {}
        for _ in range(COLD_RUNS):
            drop_from_page_cache(files)
            figures = run(phase, contender, checkpoint, folder, limit)
            merged |= {k: v for k, v in figures.items() if k == "stopped"}
            merged["first_token"] = merged.get("first_token", []) + figures.get("first_token", [])
            if "stopped" in figures:
                break
        return merged
    if not contender.runs_capped:
        return {"stopped": "keeps all weights in memory"}
    drop_from_page_cache(files)
    half = capped_bytes(checkpoint)
    try:
        with capped_group(half) as members:
            return {"cap_bytes": half} | run(phase, contender, checkpoint, folder, limit, members)
    except OSError as error:
        return {"stopped": f"no control group here: {error.strerror}"}


def run(
    phase: str,
    contender: Contender,
    checkpoint: Path,
    folder: Path,
    limit: float,
    members: Path | None = None,
) -> Figures:
    """The figures of one process, which joins the control group whose members a file lists."""

    def join() -> None:
        if members is not None:
            members.write_text(str(os.getpid()))

    arguments = (phase, contender.name, str(checkpoint), str(folder))
    process = subprocess.Popen(
        [sys.executable, "-m", "llm.measure", *arguments],
        cwd=BENCHMARKS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=join,
    )
    late = Timer(limit, process.send_signal, [signal.SIGINT])
    killer = Timer(limit + GRACE, process.kill)
    late.start()
    killer.start()
    try:
        output, errors = process.communicate()
    finally:
        is_late = not late.is_alive()
        late.cancel()
        killer.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()
    figures: Figures = {}
    for line in output.splitlines():
        figures |= json.loads(line)
    if process.returncode != 0:
        figures["stopped"] = reason(process.returncode, errors, is_late, limit)
    return figures


def reason(code: int, errors: str, is_late: bool, limit: float) -> str:
    if is_late:
        return f"> {limit:.0f} s"
    if code == -signal.SIGKILL:
        return "out of memory"
    return errors.strip().splitlines()[-1] if errors.strip() else f"exit status {code}"
