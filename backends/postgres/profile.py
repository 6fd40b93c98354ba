"""What PostgreSQL can do, and with the extension pgvector."""

from dataclasses import replace

from tensorjoin.targets import ARITHMETIC, MATH_FUNCTIONS, RowFormat, TargetProfile, Thresholds

THRESHOLDS = Thresholds(
    merged_calls=12,
    # `join_collapse_limit` and `from_collapse_limit` are 8 as the server comes.
    merged_sources=8,
    row_calls=12,
    recomputed_rows=8,
    carried_columns=8,
    fenced_calls=12,
    inlined_calls=500,
    shortest_series=64,
    hash_build=None,
    vector_columns=16,
)
"""
See docs/notes/costs.md#coefficients: a row joined and grouped takes 171 ns, a product of two
columns 17 and a column looked at 15, so that some 10 calls are worth a row. A sort into groups
carries whole vectors, which are merged on disk: docs/notes/grouping.md#sorting-whole-vectors.
"""

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
    # No limit is known; more were not measured.
    max_rounds=400,
    temporary_tables=True,
    pushes_filters_into_groups=True,
    name_bytes=63,
    keeps_join_order=False,
    sorts_groups=True,
    statements_are_costly=False,
    recurses=False,
    chunk=64,
    row_format=RowFormat(
        element_bytes=4, row_bytes=40, inline_bytes=None, materialises_operand=True
    ),
    thresholds=THRESHOLDS,
)

PGVECTOR = replace(
    POSTGRES,
    name="pgvector",
    vectors=True,
    half_vectors=True,
    # Rows that a page of 8 kB does not hold have their vectors moved out of them. See
    # docs/notes/tokens.md#a-token-of-15m.
    row_format=replace(POSTGRES.row_format, row_bytes=48, inline_bytes=8160),
)
"""PostgreSQL with the extension pgvector."""
