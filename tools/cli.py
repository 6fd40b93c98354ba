"""What the command lines share: one line for an error, and no traceback."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, cast

from tensorjoin.backends.interrupts import held
from tensorjoin.errors import TensorjoinError

FAILED = 1
INTERRUPTED = 130
"""What a shell makes of Ctrl-C: 128 and the number of the signal."""


class CommandLine(argparse.ArgumentParser):
    """A parser that raises the errors which argparse prints."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # An abbreviation that works today would be an error once another option begins like it.
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        raise TensorjoinError(f"{message}: see {self.prog} --help")


def run(
    program: str,
    parser: Callable[[], argparse.ArgumentParser],
    command: Callable[[argparse.Namespace], None],
    argv: Sequence[str] | None,
    first: int = 0,
) -> int:
    """
    Parse `argv`, by default the process's, from its argument `first` on, and run the command;
    returns the exit status.
    """
    arguments = (sys.argv[1:] if argv is None else argv)[first:]
    return guarded(
        program,
        lambda: command(parser().parse_args(_checked(arguments))),
        is_process=argv is None,
    )


def guarded(program: str, action: Callable[[], None], *, is_process: bool) -> int:
    """
    The exit status of `action`; an error is one line that begins with the program's name. Where the
    action is all that the process does, Ctrl-C means nothing after it.
    """
    output = cast(object, sys.stdout)
    if isinstance(output, io.TextIOWrapper):
        # A character which the terminal's encoding does not have is better escaped than fatal.
        output.reconfigure(errors="backslashreplace")
    try:
        action()
        sys.stdout.flush()
        _settle(is_process)
    except BrokenPipeError:
        _flush_or_drop()
        return FAILED
    except KeyboardInterrupt as interrupt:
        _settle(is_process)
        return _fail(program, ": ".join(["interrupted", *map(str, interrupt.args)]), INTERRUPTED)
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        return _fail(program, f"{where}{error.strerror or error}", FAILED)
    except TensorjoinError as error:
        return _fail(program, str(error), FAILED)
    except MemoryError:
        return _fail(program, "out of memory", FAILED)
    return 0


@contextmanager
def progress_bar(task: str, step_bytes: int = 0) -> Generator[Callable[[int, int], None]]:
    """
    A function that shows how much of a whole is done, where there is someone to see it, and how
    fast, if a step is so many bytes.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with held():
        from rich.console import Console
        from rich.progress import Progress, TransferSpeedColumn

    columns = Progress.get_default_columns()
    speed = [TransferSpeedColumn()] if step_bytes else []
    size = step_bytes or 1
    with Progress(*columns, *speed, console=Console(stderr=True), transient=True) as bar:
        number = bar.add_task(task, total=None)
        yield lambda done, total: bar.update(number, completed=done * size, total=total * size)


def _checked(argv: Sequence[str]) -> Sequence[str]:
    """The arguments, which have to be text: Python puts surrogates in the place of other bytes."""
    for argument in argv:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise TensorjoinError(f"the argument {argument!r} is not UTF-8 text") from error
    return argv


def _settle(is_process: bool) -> None:
    """Python takes a while to end, and Ctrl-C would have it print where it was."""
    if is_process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _fail(program: str, message: str, status: int) -> int:
    _flush_or_drop()
    line = " ".join(message.splitlines())
    with suppress(OSError):
        print(f"{program}: {line}", file=sys.stderr, flush=True)
    return status


def _flush_or_drop() -> None:
    """Print what waits, or drop it: Python would try again as it ends, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
