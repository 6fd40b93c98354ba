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
    inline_bytes: int | None
    """
    Bytes of the longest row that costs nothing for its length, or where columns lie apart of the
    longest array with the row's keys; None if all do.
    """
    materialises_operand: bool
    """Whether the chunks of an operand are stored by a statement of their own."""
    columnar: bool = False
    """Whether each column is stored for itself, so that its length counts, and not the row's."""


@dataclass(frozen=True)
class Thresholds:
    """
    Where, on one engine, it begins to pay to do otherwise. Each engine's profile names what its
    numbers were measured by.
    """

    merged_calls: int
    """Function calls that may be added by merging a query block into the one that reads it."""
    merged_sources: int
    """Tables that a merged query block may join: the engine still orders so many well."""
    row_calls: int
    """Function calls that cost as much as to look up one row: fewer are computed again instead."""
    recomputed_rows: int
    """How often a row of a join may be computed again before it is better stored."""
    carried_columns: int
    """Columns that may be carried along in place of one that is computed from them."""
    fenced_calls: int
    """Function calls of an expression from which on a query that is read twice is fenced off, so
    that the engine computes it once."""
    inlined_calls: int
    """Function calls that one column may come to as the engine inlines what it reads."""
    shortest_series: int
    """Numbers from which on a function that makes them takes the place of a list, if there is one:
    unlike a list, it says nothing to a planner about how many there are."""
    hash_build: int | None
    """What an element costs that enters the hash table of a join, where a row looked up in it costs
    1; None where joins are nested loops over indexes, and not hashed."""
    vector_columns: int
    """Columns that long vectors are cut into at most, as `longest_vector` asks."""


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
    max_rounds: int
    """Rounds of a loop that may be unrolled: each is a part of a statement."""
    keeps_join_order: bool
    """Whether a join is run in the order in which it is written."""
    sorts_groups: bool
    """Whether rows are sorted into groups, with all columns that the aggregates read."""
    statements_are_costly: bool
    """Whether statements cost more than arithmetic, so that few and large ones are best."""
    recurses: bool
    """Whether a recursion may join and group, so that one statement runs all rounds of a loop."""
    temporary_tables: bool
    """Whether a connection has tables of its own; where not, they are ordinary ones under names of
    its own (`names.OF_CONNECTION`), which it drops when it is closed."""
    pushes_filters_into_groups: bool
    """Whether a condition on the key of a group reaches a query that the groups are made of."""
    name_bytes: int | None
    """Bytes that the name of a table may have; None for no limit."""
    chunk: int
    """The chunk of a row of data which suits the engine's rows, in elements."""
    row_format: RowFormat
    """How the engine stores a row of weights."""
    thresholds: Thresholds
    """Where it begins to pay to do otherwise, as measured on the engine."""
