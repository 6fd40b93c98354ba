"""A thread for calls that may take long, which Ctrl-C, as it finds the main thread, can end."""

import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

from tensorjoin.backends.interrupts import held, keep, take
from tensorjoin.errors import TensorjoinError

T = TypeVar("T")

LOOK_SECONDS = 0.05
"""Between two looks at what has arrived, and two cancellations: less than anybody notices."""
END_SECONDS = 2.0
"""
What a call may take to end once it is cancelled. Whoever presses Ctrl-C waits for two calls at
most, one that is cancelled and the ROLLBACK, and is to have the prompt back within 5 s.
"""

Work = Callable[[], None]


class Worker:
    """
    A thread that runs one call after the other.

    It ends with the process: unlike a pool's, it is not waited for.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        """`cancel` makes the call under way fail soon, and does nothing if there is none."""
        self._cancel = cancel
        self._is_stuck = False
        self._calls: SimpleQueue[Work | None] = SimpleQueue()
        self._thread = Thread(target=_serve, args=(self._calls,), daemon=True)
        # A worker that nobody closes ends as well.
        self._finish = weakref.finalize(self, self._calls.put, None)
        with held():
            self._thread.start()

    def run(self, call: Callable[[], T], *, cancels: bool = True) -> T:
        """What `call` returns or raises, as by `start` and `result`."""
        with held():
            return self.result(self.start(call), cancels=cancels)

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Have `call` run after those before it."""
        if self._is_stuck:
            raise TensorjoinError(
                "the statement that was interrupted has not ended: open the database anew"
            )
        future: Future[T] = Future()
        self._calls.put(lambda: _fulfil(future, call))
        return future

    def result(self, future: Future[T], *, cancels: bool = True) -> T:
        """
        What a call returns or raises.

        Ctrl-C cancels it, or with `cancels` false awaits its end, and is raised once it has ended,
        or has not within `END_SECONDS`. If the call has come to its end in spite of it, its result
        is returned, and Ctrl-C left for the next safe point.
        """
        with held():
            try:
                while not _has_ended(future):
                    take()
            except BaseException as interruption:
                # Again and again: a cancellation is lost on a statement which is about to begin.
                deadline = monotonic() + END_SECONDS
                while not self._is_stuck and not future.done():
                    if cancels:
                        self._cancel()
                    self._is_stuck = not _has_ended(future) and monotonic() > deadline
                if self._is_stuck or future.exception() is not None:
                    raise
                keep(interruption)
            return future.result()

    def close(self) -> bool:
        """End the thread, within `END_SECONDS`; whether it has ended, and so its last call."""
        with held():
            self._finish()
            deadline = monotonic() + (0 if self._is_stuck else END_SECONDS)
            self._thread.join(LOOK_SECONDS)
            while self._thread.is_alive() and monotonic() < deadline:
                self._cancel()
                self._thread.join(LOOK_SECONDS)
            return not self._thread.is_alive()


def _serve(calls: SimpleQueue[Work | None]) -> None:
    while (work := calls.get()) is not None:
        work()
        # It holds what it inserts, which may be large, while the next is awaited.
        del work


def _fulfil(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)


def _has_ended(future: Future[Any]) -> bool:
    """Whether a call has ended, or does so soon."""
    try:
        future.exception(LOOK_SECONDS)
    except TimeoutError:
        return False
    return True
