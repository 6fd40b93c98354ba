"""
What the ops of installed packages mean, by entry points of the group `tensorjoin.interpreter`, each
of which is a class of xDSL's `InterpreterFunctions` that needs no arguments.
"""

from functools import cache
from importlib.metadata import entry_points

from xdsl.interpreter import Interpreter, InterpreterFunctions

INTERPRETATIONS = "tensorjoin.interpreter"


@cache
def foreign_functions() -> tuple[InterpreterFunctions, ...]:
    """The interpretations of installed packages, in the order of their entry points' names."""
    found = sorted(entry_points(group=INTERPRETATIONS), key=lambda entry: entry.name)
    return tuple(entry.load()() for entry in found)


def register_foreign(interpreter: Interpreter) -> None:
    """Let an interpreter run the ops of installed packages."""
    for functions in foreign_functions():
        interpreter.register_implementations(functions)
