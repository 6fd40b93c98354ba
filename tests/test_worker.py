"""The thread of an engine's calls: what becomes of them when Ctrl-C comes."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from threading import Event, Thread
from types import FrameType

import pytest
from interrupted_lines import interrupted_at_each_line

from tensorjoin.backends import worker as module
from tensorjoin.backends.worker import END_SECONDS, LOOK_SECONDS, Worker
from tensorjoin.errors import TensorjoinError

LONG = 60.0
"""Longer than anything here may take, and shorter than a test's limit."""


class Cancelled(Exception):
    """What an engine says."""


class Engine:
    """Calls that last until they are cancelled, unless the first requests are lost."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost
        self.requests = 0
        self.begun = Event()
        self.cancelled = Event()
        self.worker = Worker(self.cancel)

    def cancel(self) -> None:
        self.requests += 1
        if self.requests > self.lost:
            self.cancelled.set()

    def call(self) -> None:
        self.begun.set()
        if self.cancelled.wait(LONG):
            raise Cancelled

    def run(self) -> None:
        self.worker.run(self.call)


@pytest.fixture
def worker() -> Iterator[Worker]:
    with closing(Worker(lambda: None)) as opened:
        yield opened


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupt_after(*events: Event) -> Thread:
    """Presses Ctrl-C once something has happened, in a thread of its own."""

    def run() -> None:
        for event in events:
            event.wait(LONG)
            interrupt()

    thread = Thread(target=run)
    thread.start()
    return thread


def fail() -> None:
    raise ValueError("as it is")


def test_results_and_errors(worker: Worker) -> None:
    assert worker.run(lambda: 42) == 42
    assert worker.run(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ValueError, match="as it is"):
        worker.run(fail)
    assert worker.run(lambda: 42) == 42


def test_call_is_forgotten(worker: Worker) -> None:
    """What it inserts may be large, and the next call far away."""

    class Block:
        def size(self) -> int:
            return 3

    block = Block()
    reference = weakref.ref(block)
    assert worker.run(block.size) == 3
    del block
    gc.collect()
    assert reference() is None


def test_interrupted_call() -> None:
    engine = Engine()
    thread = interrupt_after(engine.begun)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    assert time.monotonic() - start < END_SECONDS
    thread.join()
    # The call has ended, and the next is none of its business.
    assert engine.worker.run(lambda: 42) == 42
    assert engine.worker.close()


def test_lost_cancellations() -> None:
    engine = Engine(lost=3)
    thread = interrupt_after(engine.begun)
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    thread.join()
    assert engine.requests == 4
    assert engine.worker.close()


def test_call_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_SECONDS", 0.3)
    engine = Engine(lost=1000)
    thread = interrupt_after(engine.begun)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    thread.join()
    with pytest.raises(TensorjoinError, match="has not ended: open the database anew"):
        engine.worker.run(lambda: 42)
    # As a cancelled statement's ROLLBACK, and closing, do not wait once more.
    assert not engine.worker.close()
    assert time.monotonic() - start < 2 * 0.3
    engine.cancelled.set()


def test_closing_under_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which another thread has begun, or a handler of another signal has left."""
    monkeypatch.setattr(module, "END_SECONDS", 0.3)
    engine = Engine(lost=1)
    engine.worker.start(engine.call)
    assert engine.worker.close()
    assert engine.requests == 2
    stuck = Engine(lost=1000)
    stuck.worker.start(stuck.call)
    start = time.monotonic()
    assert not stuck.worker.close()
    assert time.monotonic() - start < 2 * 0.3
    stuck.cancelled.set()


def test_second_interruption() -> None:
    """While the call is being cancelled: all ends as by the first."""
    engine = Engine(lost=5)
    second = Event()

    def cancel() -> None:
        second.set()
        engine.cancel()

    engine.worker = Worker(cancel)
    thread = interrupt_after(engine.begun, second)
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    thread.join()
    assert engine.requests == 6
    assert engine.worker.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_interrupted_at_each_line(worker: Worker) -> None:
    """
    Of what hands a call over and awaits its end. In a thread pool of the standard library, a lock
    was left taken: the worker waited for it, and the process for the worker, for ever.
    """
    done: list[int] = []
    outcomes = list(interrupted_at_each_line(lambda: worker.run(lambda: done.append(1))))
    assert sum(outcomes) > 10
    assert worker.run(lambda: 42) == 42
    assert worker.close()


def test_completed_in_spite_of_it() -> None:
    """A COMMIT that was done is done; Ctrl-C is left for whoever can leave things whole."""
    engine = Engine()
    thread = interrupt_after(engine.begun)
    reached: list[object] = []

    def commit() -> str:
        engine.begun.set()
        engine.cancelled.wait(LONG)
        return "done"

    with pytest.raises(KeyboardInterrupt), module.held():
        reached.append(engine.worker.run(commit))
    thread.join()
    assert reached == ["done"]
    assert engine.worker.close()


def test_not_to_be_cancelled() -> None:
    engine = Engine()
    thread = interrupt_after(engine.begun)

    def rollback() -> None:
        engine.begun.set()
        time.sleep(4 * LOOK_SECONDS)

    with pytest.raises(KeyboardInterrupt):
        engine.worker.run(rollback, cancels=False)
    thread.join()
    assert engine.requests == 0
    assert engine.worker.close()


def test_handler_of_the_user() -> None:
    """It is called while the call is under way; if it raises nothing, the call goes on."""
    engine = Engine()
    handled = Event()

    def handler(signum: int, frame: FrameType | None) -> None:
        handled.set()

    def call() -> int:
        engine.begun.set()
        handled.wait(LONG)
        return 42

    thread = interrupt_after(engine.begun)
    previous = signal.signal(signal.SIGINT, handler)
    try:
        assert engine.worker.run(call) == 42
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, previous)
    thread.join()
    assert engine.requests == 0
    assert engine.worker.close()


def test_handler_of_another_signal() -> None:
    """What it raises comes at any moment, and ends the call as well."""
    engine = Engine()

    def handler(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGUSR1, handler)
    thread = Thread(target=lambda: engine.begun.wait(LONG) and os.kill(os.getpid(), signal.SIGUSR1))
    thread.start()
    try:
        with pytest.raises(TimeoutError):
            engine.run()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    thread.join()
    assert engine.worker.run(lambda: 42) == 42
    assert engine.worker.close()


def test_outside_of_the_main_thread() -> None:
    """Calls run, and Ctrl-C is the main thread's alone."""
    engine = Engine()
    outcome: Future[object] = Future()

    def run() -> None:
        try:
            outcome.set_result(engine.run())
        except Exception as error:
            outcome.set_exception(error)

    thread = Thread(target=run)
    thread.start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        engine.begun.wait(LONG)
        interrupt()
    assert not outcome.done()
    assert engine.worker.close()
    thread.join()
    assert isinstance(outcome.exception(), Cancelled)


def test_forgotten_worker_ends() -> None:
    threads = set(threading.enumerate())
    worker = Worker(lambda: None)
    (thread,) = set(threading.enumerate()) - threads
    del worker
    gc.collect()
    thread.join(LONG)
    assert not thread.is_alive()


STUCK = """
import sys, time
from tensorjoin.backends.worker import Worker

worker = Worker(lambda: None)
try:
    print("begun", flush=True)
    worker.run(lambda: time.sleep(1000))
except KeyboardInterrupt:
    print(worker.close())
"""


def test_process_with_a_stuck_call_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, output, errors) == (0, "False\n", "")
    assert time.monotonic() - start < 5
