"""What DuckDB can do."""

from tensorjoin.targets import ARITHMETIC, MATH_FUNCTIONS, RowFormat, TargetProfile, Thresholds

THRESHOLDS = Thresholds(
    merged_calls=12,
    merged_sources=8,
    row_calls=12,
    recomputed_rows=8,
    carried_columns=8,
    fenced_calls=12,
    inlined_calls=500,
    shortest_series=64,
    hash_build=3,
    vector_columns=16,
)
"""
One block of 44 joins took 12 s instead of 0.3: docs/notes/planning.md#many-joins-in-a-block. A hash
join copies the lists of its build side, 2.8 ns a weight instead of 1.4:
docs/notes/joins.md#the-build-side-of-a-hash-join. In small row groups and 16 columns instead of 64,
a token of 309M took 0.8 times as long, as each column is planned and copied:
docs/notes/rows.md#small-groups-of-wide-rows. Planning counts the binding of each operator (some 20
us), so that an expression which is written again is dear, as is a query block (0.3 to 1.9 ms). The
numbers of calls are those of the other engines, and were not measured here on their own.
"""

DUCKDB = TargetProfile(
    name="duckdb",
    functions=MATH_FUNCTIONS,
    single_functions=ARITHMETIC,
    vectors=True,
    half_vectors=False,
    double_vectors=True,
    # See docs/notes/layouts.md#row2col-as-a-layout.
    longest_vector=128,
    max_columns=100_000,
    max_depth=200,
    max_parameters=65535,
    # No limit is known; more were not measured.
    max_rounds=400,
    temporary_tables=True,
    pushes_filters_into_groups=True,
    name_bytes=None,
    keeps_join_order=False,
    sorts_groups=False,
    statements_are_costly=True,
    # See docs/notes/recursion.md.
    recurses=True,
    chunk=64,
    # It works on 2048 rows at a time; of longer ones, they are more than the 2 MiB of a cache.
    row_format=RowFormat(
        element_bytes=4, row_bytes=8, inline_bytes=1032, materialises_operand=False, columnar=True
    ),
    thresholds=THRESHOLDS,
)
