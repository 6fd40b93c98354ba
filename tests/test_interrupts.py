"""Ctrl-C held back, and taken at safe points."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from tensorjoin.backends.interrupts import Note, held, interruptible, keep, take

Handler = Callable[[int, FrameType | None], object]


def interrupt() -> None:
    """As the terminal does."""
    os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def handled_by(handler: Handler | int) -> Iterator[None]:
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def test_held_to_the_end() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), held():  # noqa: PT012
        interrupt()
        done.append(1)
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_taken_at_a_safe_point() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), held():  # noqa: PT012
        take()
        interrupt()
        done.append(1)
        take()
        done.append(2)
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nested_is_held_by_the_outermost() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), held():  # noqa: PT012
        with held():
            interrupt()
        done.append(1)
    assert done == [1]


def test_error_and_interruption() -> None:
    """Whoever interrupts wants an end, not the error that came meanwhile."""
    with pytest.raises(KeyboardInterrupt) as raised, held():  # noqa: PT012
        interrupt()
        raise ValueError
    assert isinstance(raised.value.__context__, ValueError)


def test_second_interruption_while_the_first_is_handled() -> None:
    undone: list[int] = []
    with pytest.raises(KeyboardInterrupt), held():  # noqa: PT012
        interrupt()
        try:
            take()
        except KeyboardInterrupt:
            interrupt()
            undone.append(1)
            raise
    assert undone == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    take()


def test_interruptible() -> None:
    done: list[int] = []
    with held():
        with pytest.raises(KeyboardInterrupt), interruptible():  # noqa: PT012
            interrupt()
            done.append(1)
        assert isinstance(signal.getsignal(signal.SIGINT), Note)
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            interrupt()
            with interruptible():
                done.append(2)
    assert done == []
    with interruptible():
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_kept_for_later() -> None:
    done: list[int] = []
    with pytest.raises(RuntimeError, match="later"), held():  # noqa: PT012
        keep(RuntimeError("later"))
        done.append(1)
    assert done == [1]
    with pytest.raises(RuntimeError, match="now"):
        keep(RuntimeError("now"))


def test_handler_of_the_user() -> None:
    """It is called at the next safe point, with what it would have been called with."""
    calls: list[int] = []

    def handler(signum: int, frame: FrameType | None) -> None:
        assert frame is not None
        calls.append(signum)

    with handled_by(handler):
        with held():
            interrupt()
            assert calls == []
            take()
            take()
            assert calls == [signal.SIGINT]
        assert signal.getsignal(signal.SIGINT) is handler
    assert calls == [signal.SIGINT]


@pytest.mark.parametrize("action", [signal.SIG_IGN, signal.SIG_DFL])
def test_no_handler_of_python(action: int) -> None:
    with handled_by(action), held():
        assert signal.getsignal(signal.SIGINT) == action


def test_other_threads() -> None:
    """No handler can be set there, and none is called."""
    seen: list[object] = []

    def run() -> None:
        with held(), interruptible():
            take()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
