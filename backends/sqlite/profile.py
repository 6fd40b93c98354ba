"""What SQLite can do, and in a file of large pages."""

from dataclasses import replace

from tensorjoin.targets import MATH_FUNCTIONS, RowFormat, TargetProfile, Thresholds

THRESHOLDS = Thresholds(
    merged_calls=12,
    # It joins in the written order; so many sources are what the other engines' planners order.
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
See docs/notes/costs.md#coefficients: a row joined and grouped takes 231 ns, a product of two
columns 37 and a column looked at 19, so that some 6 to 12 calls are worth a row. Rows are sorted
into groups with all their columns: docs/notes/grouping.md#what-is-sorted-is-carried-whole.
"""

SQLITE = TargetProfile(
    name="sqlite",
    functions=MATH_FUNCTIONS,
    single_functions=frozenset(),
    vectors=False,
    half_vectors=False,
    double_vectors=False,
    longest_vector=None,
    max_columns=2000,
    # The limit that counts is the parser's stack: 100 symbols, some four a level. See
    # docs/notes/planning.md#nesting.
    max_depth=24,
    max_parameters=32766,
    # A compound SELECT may have 500 terms (https://sqlite.org/limits.html), some of them others.
    max_rounds=400,
    temporary_tables=True,
    pushes_filters_into_groups=False,
    name_bytes=None,
    keeps_join_order=True,
    sorts_groups=True,
    statements_are_costly=False,
    recurses=False,
    chunk=64,
    # A clustered table is an index, of which a page (of 4096 bytes by default) holds at least four
    # rows; the rest of a longer one lies in pages of its own
    # (https://sqlite.org/fileformat2.html, 1.6).
    row_format=RowFormat(
        element_bytes=9, row_bytes=16, inline_bytes=1002, materialises_operand=True
    ),
    thresholds=THRESHOLDS,
)

SQLITE_64K = replace(
    SQLITE, name="sqlite_64k", row_format=replace(SQLITE.row_format, inline_bytes=16422)
)
"""SQLite in a file whose pages are as large as it lets them be, which holds longer rows."""
