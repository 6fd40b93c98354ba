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


@contextmanager
def held() -> Generator[None]:
    """
    Hold Ctrl-C back, up to a safe point inside or the end, where it is handled as it would have
    been.

    What nests is held by the outermost. Other threads than the main one never see a signal, and one
    that no Python function handles needs no holding.
    """
    replaced = signal.getsignal(signal.SIGINT) if _is_main_thread() else None
    if isinstance(replaced, Note) or not callable(replaced):
        yield
        return
    note = Note(replaced)
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, replaced)
        note.take()


@contextmanager
def interruptible() -> Generator[None]:
    """Inside of `held`, let Ctrl-C through at any moment: for work that has no safe points."""
    if (note := _current()) is None:
        yield
        return
    signal.signal(signal.SIGINT, note.replaced)
    try:
        note.take()
        yield
    finally:
        signal.signal(signal.SIGINT, note)


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
    handler = signal.getsignal(signal.SIGINT) if _is_main_thread() else None
    return handler if isinstance(handler, Note) else None


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
