"""
Target profiles: what an engine can do, as data.

Passes ask a profile; they never ask for an engine by name.
"""

from dataclasses import dataclass, replace

from tensorjoin.errors import TensorjoinError

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


SQLITE = TargetProfile(
    name="sqlite",
    functions=MATH_FUNCTIONS,
    single_functions=frozenset(),
    vectors=False,
    half_vectors=False,
    double_vectors=False,
    longest_vector=None,
    max_columns=2000,
    # The limit that counts is the parser's stack: 100 symbols, some four a level.
    max_depth=24,
    max_parameters=32766,
    filters_groups=False,
    name_bytes=None,
    keeps_join_order=True,
    hashes_joins=False,
    sorts_groups=True,
    merges_queries=False,
    recurses=False,
    chunk=64,
    # A clustered table is an index, of which a page (of 4096 bytes by default) holds at least four
    # rows; the rest of a longer one lies in pages of its own
    # (https://sqlite.org/fileformat2.html, 1.6).
    row_format=RowFormat(element_bytes=9, row_bytes=16, together=1002, stores_chunks=True),
)

SQLITE_64K = replace(
    SQLITE, name="sqlite_64k", row_format=replace(SQLITE.row_format, together=16422)
)
"""SQLite in a file whose pages are as large as it lets them be, which holds longer rows."""

DUCKDB = TargetProfile(
    name="duckdb",
    functions=MATH_FUNCTIONS,
    single_functions=ARITHMETIC,
    vectors=True,
    half_vectors=False,
    double_vectors=True,
    longest_vector=128,
    max_columns=100_000,
    max_depth=200,
    max_parameters=65535,
    filters_groups=True,
    name_bytes=None,
    keeps_join_order=False,
    hashes_joins=True,
    sorts_groups=False,
    merges_queries=True,
    recurses=True,
    chunk=64,
    # It works on 2048 rows at a time; of longer ones, they are more than the 2 MiB of a cache.
    row_format=RowFormat(
        element_bytes=4, row_bytes=8, together=1032, stores_chunks=False, columns_apart=True
    ),
)

POSTGRES = TargetProfile(
    name="postgres",
    functions=MATH_FUNCTIONS,
    single_functions=ARITHMETIC | {"sum", "running_sum", "partition_sum"},
    vectors=False,
    half_vectors=False,
    double_vectors=False,
    longest_vector=None,
    max_columns=1600,
    # One function may be written as several within each other.
    max_depth=60,
    max_parameters=65535,
    filters_groups=True,
    name_bytes=63,
    keeps_join_order=False,
    hashes_joins=False,
    sorts_groups=True,
    merges_queries=False,
    recurses=False,
    chunk=64,
    row_format=RowFormat(element_bytes=4, row_bytes=40, together=None, stores_chunks=True),
)

PGVECTOR = replace(
    POSTGRES,
    name="pgvector",
    vectors=True,
    half_vectors=True,
    # Rows that a page of 8 kB does not hold have their vectors moved out of them.
    row_format=replace(POSTGRES.row_format, row_bytes=48, together=8160),
)
"""PostgreSQL with the extension pgvector."""

TARGETS = {profile.name: profile for profile in (SQLITE, SQLITE_64K, DUCKDB, POSTGRES, PGVECTOR)}


def target_profile(name: str) -> TargetProfile:
    """The profile called `name`, or an error that lists those that exist."""
    if name not in TARGETS:
        raise TensorjoinError(f"unknown target {name!r}: choose one of {', '.join(TARGETS)}")
    return TARGETS[name]
