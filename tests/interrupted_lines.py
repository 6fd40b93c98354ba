"""Ctrl-C at each line of Python that something runs, one after the other."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


def interrupted_at_each_line(action: Callable[[], object]) -> Iterator[bool]:
    """
    Run `action` once for each line that it runs in this thread, its own and the library's, with
    Ctrl-C before that line; yields whether `KeyboardInterrupt` came of it.
    """
    number = 0
    while True:
        reached = 0

        def trace(frame: FrameType, event: str, argument: Any, last: int = number) -> Any:
            nonlocal reached
            if event == "line":
                reached += 1
                if reached == last:
                    os.kill(os.getpid(), signal.SIGINT)
            return trace

        number += 1
        before = sys.gettrace()
        try:
            sys.settrace(trace)
            action()
        except KeyboardInterrupt:
            sys.settrace(before)
            yield True
        else:
            sys.settrace(before)
            if reached < number - 1:
                return
            yield False
