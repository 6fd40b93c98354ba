"""
The form in which a session runs its passes: as calibrated, as tried before, or as tried now.

Where a program has one form only, nothing is chosen.
"""

import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import count
from statistics import median

from tensorjoin.calibration import Calibration, read, shipped, stored
from tensorjoin.forms import FORMS, LAYERWISE, Line, predicted, through
from tensorjoin.interface import Procedure
from tensorjoin.program import Step
from tensorjoin.runtime.catalog import Manifest, StoredModel
from tensorjoin.runtime.session import Session
from tensorjoin.runtime.stream import Stream
from tensorjoin.trials import remember, remembered

MANY = 8
"""The rows of the passes that tell what a further row takes."""
RUNS = 5
"""
Tokens that are tried in each form, of which the median counts. See
docs/notes/forms.md#the-length-of-a-trial.
"""
CLEAR = 1.5
"""Where one form takes so many times as long as the other, two runs tell them apart."""
PASSES = len(FORMS) * (2 + RUNS)
WORTH_TRYING = PASSES
"""New tokens from which on a trial is worth its own passes."""


Progress = Callable[[int, int], None]
"""Called with the passes made and the passes in all."""


def settle(
    session: Session, new_tokens: int, progress: Progress = lambda made, total: None
) -> None:
    """
    Choose the form of a session, before so many tokens are generated: by a
    calibration of this version of the engine, by an earlier trial on it, or by a trial of both
    forms, if there are tokens enough to come. Otherwise what comes with the package decides.
    """
    if LAYERWISE not in session.procedures:
        return
    database, manifest = session.database, session.model.manifest
    engine, version = database.target.name, database.version()
    program = digest(session.model, session.procedures)
    if (calibrated := _calibration(engine, version)) and calibrated.passes:
        session.lines = _predicted(calibrated, manifest)
    elif lines := remembered(engine, version, program):
        session.lines = lines
    elif new_tokens >= WORTH_TRYING and manifest.max_positions >= MANY:
        session.lines = tried(session, progress)
        remember(engine, version, program, session.lines)
    else:
        session.lines = _predicted(shipped(database.target), manifest)


def tried(session: Session, progress: Progress) -> dict[str, Line]:
    """The line of each form by some passes of both in turns, on streams of their own."""
    several: dict[str, list[float]] = {form: [] for form in FORMS}
    tokens: dict[str, list[float]] = {form: [] for form in FORMS}
    made = count(1)

    def run(form: Procedure, rows: int) -> float:
        seconds = timed_pass(session, form, rows)
        progress(next(made), PASSES)
        return seconds

    # Of two runs the first may read the weights from disk.
    for form in FORMS[::-1] + FORMS:
        several[form].append(run(form, MANY))
    for number in range(RUNS):
        for form in FORMS:
            tokens[form].append(run(form, 1))
        if number and _are_apart(*map(median, tokens.values())):
            break
    return {form: through({1: median(tokens[form]), MANY: min(several[form])}) for form in FORMS}


def timed_pass(session: Session, form: Procedure, rows: int) -> float:
    """The seconds of a pass of a new stream, in one of the forms."""
    stream = Stream(session)
    start = time.perf_counter()
    with session.step():
        stream.forward([0] * rows, form=form)
    seconds = time.perf_counter() - start
    stream.close()
    return seconds


def digest(model: StoredModel, procedures: Mapping[str, tuple[Step, ...]]) -> str:
    """Identifies a program: what its forms run, over which weights."""
    statements = [step.statement.sql for form in FORMS for step in procedures[form]]
    return sha256("\0".join([model.manifest.digest, *statements]).encode()).hexdigest()


def _are_apart(first: float, second: float) -> bool:
    return max(first, second) > CLEAR * min(first, second)


def _calibration(engine: str, version: str) -> Calibration | None:
    path = stored(engine, version)
    return None if path is None else read(path)


def _predicted(calibration: Calibration, manifest: Manifest) -> dict[str, Line]:
    return predicted(calibration.passes, manifest.layers, manifest.layer_parameters)
