"""
The names by which a frontend, generation.mlir and the runtime mean the same procedures, tables and
columns. Knows no IR.
"""

from enum import StrEnum


class Procedure(StrEnum):
    """What a language model's program can be asked to do; all but `SETUP` are functions of it."""

    SETUP = "setup"
    """Create the temporary tables of a connection."""
    OPEN_STREAM = "open_stream"
    """Begin a stream."""
    CLOSE_STREAM = "close_stream"
    """End a stream: its rows are gone, those of others are not."""
    SAMPLE_BY = "sample_by"
    """Say how the tokens of a stream are chosen from now on, and start its random numbers."""
    APPEND_TOKEN = "append_token"
    """Put a token into the batch."""
    COMMIT_CONTEXT = "commit_context"
    """Make the rows of the batch context for attention."""
    FORWARD = "forward"
    """Run the batch through the model."""
    LAYERWISE = "layerwise"
    """The same, with statements for each layer, where FORWARD is one recursion."""
    GREEDY = "greedy"
    """Choose the most likely token for each stream of the batch whose temperature is 0."""
    DRAW = "draw"
    """Draw the next random number for each other stream of the batch."""
    SAMPLE = "sample"
    """Choose a token by that number for each of them."""
    CLEAR_SCRATCH = "clear_scratch"
    """Empty what a run leaves behind."""
    CLEAR_CONTEXT = "clear_context"
    """Empty what all streams leave behind."""
    VACUUM = "vacuum"
    """Give the room of deleted rows back."""


class TableName(StrEnum):
    """The tables that the runtime reads or fills itself, or that procedures share."""

    BATCH = "batch"
    CONTEXT = "context"
    VISIBILITY = "visibility"
    LOGITS = "logits"
    SAMPLED = "sampled"
    SAMPLING = "sampling"
    RANDOM = "random"


STREAM = "stream"
"""The key of what a stream has of its own."""
CONTEXT_ROW = "c"
"""The key of what belongs to a row of the context."""
LAYER = "layer"
"""The counter of the loop over layers, and the key of weights and state that have a layer each."""
