"""
Ctrl-C at safe points: what must not be cut in two holds it back, and takes it where it may be.

Python runs a signal's handler between any two instructions of the main thread, those of its own
library among them: what the handler raises may leave a lock taken for ever, or a transaction open.
"""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


class Note:
    """A handler that notes Ctrl-C for the one in whose place it is."""

    def __init__(self, replaced: Handler) -> None:
        self.replaced = replaced
        self._arrived: tuple[int, FrameType | None] | None = None
        self._raised: BaseException | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        self._arrived = signum, frame

    def keep(self, raised: BaseException) -> None:
        """Have something raised at the next safe point."""
        self._raised = raised

    def take(self) -> None:
        """Have what has arrived handled, which may raise `KeyboardInterrupt` or anything else."""
        raised, self._raised = self._raised, None
        arrived, self._arrived = self._arrived, None
        if raised is not None:
            raise raised
        if arrived is not None:
            self.replaced(*arrived)


_note: Note | None = None
"""The handler, as long as Ctrl-C is held back."""


@contextmanager
def held() -> Generator[None]:
    """
    Hold Ctrl-C back, up to a safe point inside or the end, where it is handled as it would have
    been.

    What nests is held by the outermost. Other threads than the main one never see a signal, and one
    that no Python function handles needs no holding.
    """
    global _note
    if _note is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    replaced = signal.getsignal(signal.SIGINT)
    if not callable(replaced):
        yield
        return
    note = Note(replaced)
    signal.signal(signal.SIGINT, note)
    try:
        _note = note
        yield
    finally:
        _note = None
        signal.signal(signal.SIGINT, replaced)
        note.take()


@contextmanager
def interruptible() -> Generator[None]:
    """Inside of `held`, let Ctrl-C through at any moment: for work that has no safe points."""
    global _note
    if (note := _current()) is None:
        yield
        return
    try:
        _note = None
        signal.signal(signal.SIGINT, note.replaced)
        note.take()
        yield
    finally:
        signal.signal(signal.SIGINT, note)
        _note = note


def take() -> None:
    """A safe point: if Ctrl-C is held back here, have it handled."""
    if (note := _current()) is not None:
        note.take()


def keep(raised: BaseException) -> None:
    """Raise an interruption at the next safe point instead of here; where there is none, here."""
    if (note := _current()) is None:
        raise raised
    note.keep(raised)


def _current() -> Note | None:
    return _note if threading.current_thread() is threading.main_thread() else None
