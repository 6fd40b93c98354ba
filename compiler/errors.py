"""The one exception that reaches a user."""


class TensorjoinError(Exception):
    """One line for the person at the keyboard: what is wrong, where, and what to do."""


class UnsupportedError(TensorjoinError):
    """What a model asks for and the compiler does not have, by name."""


def one_line(error: Exception) -> str:
    """The line of an error that says what is wrong."""
    found = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    lines = [line.strip() for line in found.splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
