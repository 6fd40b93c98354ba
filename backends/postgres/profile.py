"""What PostgreSQL can do, and with the extension pgvector."""

from dataclasses import replace

from tensorjoin.targets import ARITHMETIC, MATH_FUNCTIONS, RowFormat, TargetProfile

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
