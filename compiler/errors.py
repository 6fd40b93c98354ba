"""The one exception that reaches a user."""


class TensorjoinError(Exception):
    """One line for the person at the keyboard: what is wrong, where, and what to do."""
