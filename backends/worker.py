"""A thread for calls that may take long, which Ctrl-C, as it finds the main thread, can end."""

import weakref
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Generic, TypeVar, cast

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


class Worker:
    """
    A thread that runs one call after the other.

    It ends with the process: unlike a pool's, it is not waited for.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        """`cancel` makes the call under way fail soon, and does nothing if there is none."""
        self._cancel = cancel
        self._is_stuck = False
        self._calls: SimpleQueue[Call[Any] | None] = SimpleQueue()
        self._thread = Thread(target=_serve, args=(self._calls,), daemon=True)
        # A worker that nobody closes ends as well.
        self._finish = weakref.finalize(self, self._calls.put, None)
        with held():
            self._thread.start()

    def run(self, call: Callable[[], T], *, cancels: bool = True) -> T:
        """
        What `call` returns or raises, as by `start` and `result`; without `cancels`, Ctrl-C only
        awaits its end.
        """
        with held():
            return self._result(self.start(call), cancels)

    def start(self, call: Callable[[], T]) -> "Call[T]":
        """Have `call` run after those before it."""
        if self._is_stuck:
            raise TensorjoinError(
                "the statement that was interrupted has not ended: open the database anew"
            )
        started = Call(call)
        self._calls.put(started)
        return started

    def result(self, started: "Call[T]") -> T:
        """
        What a call returns or raises.

        Ctrl-C cancels it, and is raised once it has ended, or has not within `END_SECONDS`. If the
        call has come to its end in spite of it, its result is returned, and Ctrl-C left for the
        next safe point.
        """
        with held():
            return self._result(started, cancels=True)

    def _result(self, started: "Call[T]", cancels: bool) -> T:
        try:
            while not started.ends():
                take()
        except BaseException as interruption:
            # Again and again: a cancellation is lost on a statement which is about to begin.
            deadline = monotonic() + END_SECONDS
            while not started.has_ended:
                if monotonic() > deadline:
                    self._is_stuck = True
                    raise
                if cancels:
                    self._cancel()
                started.ends()
            if started.error is not None:
                raise
            keep(interruption)
        return started.result()

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


class Call(Generic[T]):
    """A call, its result and a lock that is open once it has ended."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._value: T | None = None
        self._ended = Lock()
        self._ended.acquire()
        self.error: BaseException | None = None
        self.has_ended = False

    def __call__(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:
            self.error = error
        self.has_ended = True
        self._ended.release()

    def ends(self) -> bool:
        """Whether the call has ended, or does so soon."""
        # A handler that raises may take the lock without a trace: the flag decides.
        return self.has_ended or self._ended.acquire(timeout=LOOK_SECONDS) or self.has_ended

    def result(self) -> T:
        """What the call has returned or raised."""
        if self.error is None:
            return cast(T, self._value)
        # The error knows the frames that know the error: what the call holds would stay.
        error, self.error = self.error, None
        try:
            raise error
        finally:
            del error


def _serve(calls: "SimpleQueue[Call[Any] | None]") -> None:
    while (call := calls.get()) is not None:
        call()
        # It holds what it inserts, which may be large, while the next is awaited.
        del call
