"""
The names by which a frontend, generation.mlir and the runtime mean the same procedures, tables and
columns. Knows no IR.
"""

from enum import StrEnum


class Procedure(StrEnum):
    """What a language model's program can be asked to do; all but `SETUP` are functions of it."""

    SETUP = "setup"
    """Create the temporary tables of a connection."""
    OPEN = "open"
    """Begin a stream."""
    APPEND = "append"
    """Put a token into the batch."""
    REMEMBER = "remember"
    """Make the rows of the batch context for attention."""
    FORWARD = "forward"
    """Run the batch through the model."""
    LAYERWISE = "layerwise"
    """The same, with statements for each layer, where FORWARD is one recursion."""
    GREEDY = "greedy"
    """Choose the most likely token."""
    SEED = "seed"
    """Start the generator of random numbers."""
    DRAW = "draw"
    """Its next number."""
    SAMPLE = "sample"
    """Choose a token by the generator's number."""
    RESET = "reset"
    """Empty what a run leaves behind."""
    FORGET = "forget"
    """Empty what a stream leaves behind."""
    COMPACT = "compact"
    """Give the room of deleted rows back."""


class TableName(StrEnum):
    """The tables that the runtime reads or fills itself, or that procedures share."""

    BATCH = "batch"
    CONTEXT = "context"
    VISIBILITY = "visibility"
    LOGITS = "logits"
    SAMPLED = "sampled"
    RANDOM = "random"


LAYER = "layer"
"""The counter of the loop over layers, and the key of weights and state that have a layer each."""
