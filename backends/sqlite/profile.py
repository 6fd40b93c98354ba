"""What SQLite can do, and in a file of large pages."""

from dataclasses import replace

from tensorjoin.targets import MATH_FUNCTIONS, RowFormat, TargetProfile

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
