"""What DuckDB can do."""

from tensorjoin.targets import ARITHMETIC, MATH_FUNCTIONS, RowFormat, TargetProfile

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
