"""
Target profiles: what an engine can do, as data.

Passes ask the profile of their context's target; they never ask for an engine by name.
"""

from dataclasses import dataclass

MATH_FUNCTIONS = frozenset({"exp", "sqrt", "cos", "sin"})
ARITHMETIC = frozenset({"add", "sub", "mul", "div", "divide"})


@dataclass(frozen=True)
class RowFormat:
    """How an engine stores a row of numbers."""

    element_bytes: int
    """Bytes of a float32 weight."""
    row_bytes: int
    """Bytes of the keys and the header of a row."""
    together: int | None
    """
    Bytes of the longest row that costs nothing for its length, or where columns lie apart of the
    longest array with the row's keys; None if all do.
    """
    stores_chunks: bool
    """Whether the chunks of an operand are stored by a statement of their own."""
    columns_apart: bool = False
    """Whether each column is stored for itself, so that its length counts, and not the row's."""


@dataclass(frozen=True)
class TargetProfile:
    """What one engine offers, and the limits it sets."""

    name: str
    functions: frozenset[str]
    """Scalar functions that exist; what is missing is expanded into arithmetic."""
    single_functions: frozenset[str]
    """Functions whose value has single precision where their arguments have."""
    vectors: bool
    """Whether a column may hold a vector, and two vectors have a dot product."""
    half_vectors: bool
    """Whether a vector may hold numbers of 16 bits."""
    double_vectors: bool
    """Whether a vector may hold doubles, and their dot product is exact where doubles are."""
    longest_vector: int | None
    """Elements from which on a dot product is slower for each; None if there is no such length."""
    max_columns: int
    """Columns a table or a result may have."""
    max_depth: int
    """Nesting an expression may have; at most 200, as the compiler recurses too."""
    max_parameters: int
    """Parameters a statement may have."""
    keeps_join_order: bool
    """Whether a join is run in the order in which it is written."""
    hashes_joins: bool
    """Whether a join makes a hash table of its second input, and the first streams past."""
    sorts_groups: bool
    """Whether rows are sorted into groups, with all columns that the aggregates read."""
    merges_queries: bool
    """Whether statements cost more than arithmetic, so that few and large ones are best."""
    recurses: bool
    """Whether a recursion may join and group, so that one statement runs all rounds of a loop."""
    filters_groups: bool
    """Whether a condition on the key of a group reaches a query that the groups are made of."""
    name_bytes: int | None
    """Bytes that the name of a table may have; None for no limit."""
    chunk: int
    """The chunk of a row of data which suits the engine's rows, in elements."""
    row_format: RowFormat
    """How the engine stores a row of weights."""
