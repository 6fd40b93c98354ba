"""All who take part. A layout more is a line more."""

from llm.contender import Contender
from llm.llama_cpp_contender import LlamaCppContender
from llm.numpy_contender import NumpyContender
from llm.published import PublishedContender
from llm.sql_contender import SqlContender

CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        SqlContender("sqlite-naive", "sqlite", "rows"),
        SqlContender("sqlite-columns", "sqlite", "columns"),
        SqlContender("sqlite", "sqlite", "auto"),
        SqlContender("sqlite-8-bits", "sqlite", "auto", bits=8),
        SqlContender("sqlite-4-bits", "sqlite", "auto", bits=4),
        SqlContender("duckdb-naive", "duckdb", "rows"),
        SqlContender("duckdb-row-chunks", "duckdb", "arrays", loops=True),
        SqlContender("duckdb-ROW2COL", "duckdb", "pivoted", loops=True),
        SqlContender("duckdb-arrays", "duckdb", "arrays"),
        SqlContender("duckdb-pivoted", "duckdb", "pivoted"),
        SqlContender("duckdb-columns", "duckdb", "columns"),
        SqlContender("duckdb", "duckdb", "auto"),
        SqlContender("duckdb-8-bits", "duckdb", "auto", bits=8),
        SqlContender("duckdb-loop", "duckdb", "auto", loops=True),
        PublishedContender("duckdb-products-row-chunks", is_pivoted=False),
        PublishedContender("duckdb-products-ROW2COL", is_pivoted=True),
        PublishedContender("duckdb-products-ROW2COL-32", is_pivoted=True, chunk=32),
        SqlContender("postgres-naive", "postgres", "rows"),
        SqlContender("postgres-columns", "postgres", "columns"),
        SqlContender("postgres", "postgres", "auto"),
        SqlContender("postgres-8-bits", "postgres", "auto", bits=8),
        SqlContender("pgvector-arrays", "postgres", "arrays", pgvector=True),
        SqlContender("pgvector-pivoted", "postgres", "pivoted", pgvector=True),
        SqlContender("pgvector", "postgres", "auto", pgvector=True),
        SqlContender("pgvector-16-bits", "postgres", "auto", bits=16, pgvector=True),
        NumpyContender(),
        LlamaCppContender("llama.cpp-F32", "F32"),
        LlamaCppContender("llama.cpp-Q8_0", "Q8_0"),
    )
}
PUBLISHED = {
    "to row chunks": "duckdb-row-chunks",
    "to ROW2COL": "duckdb-ROW2COL",
    "to ROW2COL products": "duckdb-products-ROW2COL",
}
"""What the others are compared with, and how a table calls it."""

BY_HAND = {
    "sqlite": ("sqlite-naive", "sqlite-columns"),
    "duckdb": ("duckdb-naive", "duckdb-arrays", "duckdb-pivoted", "duckdb-columns"),
    "postgres": ("postgres-naive", "postgres-columns"),
    "pgvector": ("postgres-naive", "postgres-columns", "pgvector-arrays", "pgvector-pivoted"),
}
"""By the contender whose layout is chosen by cost, those that have one layout for all weights."""
