"""The one exception that reaches a user."""


class TensorjoinError(Exception):
    """One line for the person at the keyboard: what is wrong, where, and what to do."""


class UnsupportedError(TensorjoinError):
    """What a model asks for and the compiler does not have, by name."""
