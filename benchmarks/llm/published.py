"""
The matrix products of a decode step in the forms that TranSQL+ published (arXiv 2502.02818).

Measured is less than a model: for each layer Q|K|V, O, gate, up and down, and once the LM head,
each multiplied by a vector that lies in a table already. Norms, rotary embedding, attention,
residuals, storing and packing results, and choosing a token are left out, so that a step is a lower
bound of what the published form of the model takes. The engine is DuckDB with its own settings, as
the authors' scripts set none; the file is written as ours are, uncompressed. Weights lie in lists
of `chunk` floats, in one of two forms:

row chunks: a matrix is a table (layer, o, c, v) of all layers; a product joins on the chunk's
number c, and adds the dot products grouped by the output o.

ROW2COL: Q|K|V, gate and up are pivoted offline, a table for each layer with a column for each
chunk, and so is the vector. A product is split into sub-queries of eight columns, each a cross join
ordered by o, and these are glued with POSITIONAL JOIN. O, down and the LM head stay in row chunks.
With 64 chunks this is the authors' 8 x 8; for 32 they had fewer sub-queries, as here.
"""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import duckdb
import numpy as np
from safetensors.numpy import load_file

from llm.checkpoints import CONFIG, WEIGHTS
from llm.contender import Contender, Floats, Runner
from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.program import Statement

SUB_QUERY_COLUMNS = 8
FILE = "products.db"
HEAD = "head"
PROJECTIONS = {
    "qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "o": ("self_attn.o_proj",),
    "gate": ("mlp.gate_proj",),
    "up": ("mlp.up_proj",),
    "down": ("mlp.down_proj",),
}
PIVOTED = ("qkv", "gate", "up")
MATRICES = (*PROJECTIONS, HEAD)


def matrices(checkpoint: Path) -> Iterator[tuple[int, str, Floats]]:
    """The layer, the name and the matrix [outputs, inputs] of each product of a step."""
    tensors = load_file(checkpoint / WEIGHTS)
    layers = sum(name.endswith("o_proj.weight") for name in tensors)
    for layer in range(layers):
        for name, parts in PROJECTIONS.items():
            stacked = [tensors[f"model.layers.{layer}.{part}.weight"] for part in parts]
            yield layer, name, np.concatenate(stacked)
    yield 0, HEAD, tensors["model.embed_tokens.weight"]


def vector(size: int) -> Floats:
    return np.random.default_rng(size).standard_normal(size, np.float32)


def chunks(matrix: Floats, size: int) -> Floats:
    """[rows, columns] -> [rows, chunks, size], filled up with zeros"""
    padded = np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % size)))
    return padded.reshape(len(matrix), -1, size)


class NumpyProducts:
    """The same products in numpy, however many tokens a pass has."""

    def __init__(self, checkpoint: Path) -> None:
        self.matrices = [matrix for _, _, matrix in matrices(checkpoint)]
        self.restart()

    def restart(self) -> None:
        self.products: list[Floats] = []

    def forward(self, tokens: Sequence[int]) -> None:
        self.products = [matrix @ vector(matrix.shape[1]) for matrix in self.matrices]

    def token(self) -> int:
        return int(self.products[-1].argmax())

    def logits(self) -> Floats:
        return np.concatenate(self.products)


@dataclass
class SqlProducts:
    """A step is a query for each product, whose rows come back as arrays."""

    connection: duckdb.DuckDBPyConnection
    queries: Sequence[str]

    def restart(self) -> None:
        self.products: list[Mapping[str, np.ndarray]] = []

    def forward(self, tokens: Sequence[int]) -> None:
        self.products = [self.connection.execute(query).fetchnumpy() for query in self.queries]

    def token(self) -> int:
        last = self.products[-1]
        return int(last["o"][last["v"].argmax()])

    def logits(self) -> Floats:
        ordered = [product["v"][product["o"].argsort()] for product in self.products]
        return np.concatenate(ordered).astype(np.float32)


@dataclass(frozen=True)
class PublishedContender(Contender):
    """The products of a step in chunks of `chunk` floats, pivoted (ROW2COL) or not."""

    name: str
    is_pivoted: bool
    chunk: int = 64
    engine: str = "duckdb"
    only_decodes: ClassVar[bool] = True

    def version(self) -> str:
        return f"DuckDB {version('duckdb')}"

    def reference(self, checkpoint: Path) -> Runner:
        return NumpyProducts(checkpoint)

    def load(self, checkpoint: Path, folder: Path) -> None:
        database = connect(f"duckdb:///{folder / FILE}", create=True)
        with database.transaction():
            for name in MATRICES:
                database.execute(
                    Statement(f"CREATE TABLE {name} (layer INT, o INT, c INT, v FLOAT[])")
                )
            database.execute(Statement("CREATE TABLE vectors (size INT, c INT, v FLOAT[])"))
            sizes: set[int] = set()
            for layer, name, matrix in matrices(checkpoint):
                sizes.add(matrix.shape[1])
                chunked = chunks(matrix, self.chunk)
                if self.is_pivoted and name in PIVOTED:
                    self.insert_pivoted(database, f"{name}_{layer}", chunked)
                else:
                    o, c = np.indices(chunked.shape[:2]).reshape(2, -1)
                    keys = {"layer": np.full(len(o), layer), "o": o, "c": c}
                    database.insert(name, keys | {"v": chunked.reshape(-1, self.chunk)})
            for size in sizes:
                chunked = chunks(vector(size)[None], self.chunk)
                c = np.arange(chunked.shape[1])
                database.insert("vectors", {"size": np.full(len(c), size), "c": c, "v": chunked[0]})
                self.insert_pivoted(database, f"vector_{size}", chunked)
        database.close()

    def insert_pivoted(self, database: Database, table: str, chunked: Floats) -> None:
        """A row (o, c0, c1, ...) for each row of `chunked` [rows, chunks, size]."""
        columns = {f"c{number}": chunked[:, number] for number in range(chunked.shape[1])}
        types = "".join(f", {name} FLOAT[]" for name in columns)
        database.execute(Statement(f"CREATE TABLE {table} (o INT{types})"))
        database.insert(table, {"o": np.arange(len(chunked)), **columns})

    @contextmanager
    def open(self, checkpoint: Path, folder: Path, memory: int | None = None) -> Generator[Runner]:
        config = json.loads((checkpoint / CONFIG).read_text())
        inner, hidden = config["intermediate_size"], config["hidden_size"]
        layers = range(config["num_hidden_layers"])
        steps = [*((layer, name) for layer in layers for name in PROJECTIONS), (0, HEAD)]
        queries = [self.query(*step, inner if step[1] == "down" else hidden) for step in steps]
        with duckdb.connect(folder / FILE) as connection:
            connection.execute("SET enable_progress_bar = false")
            yield SqlProducts(connection, queries)

    def query(self, layer: int, name: str, size: int) -> str:
        if self.is_pivoted and name in PIVOTED:
            return row_to_column(f"{name}_{layer}", f"vector_{size}", -(-size // self.chunk))
        return (
            f"SELECT w.o, SUM(list_dot_product(w.v, x.v)) AS v FROM {name} AS w"
            f" JOIN vectors AS x ON w.c = x.c WHERE w.layer = {layer} AND x.size = {size}"
            " GROUP BY w.o"
        )


def row_to_column(matrix: str, vector: str, count: int) -> str:
    """The product of a pivoted matrix of `count` columns with a pivoted vector."""
    parts: list[str] = []
    for start in range(0, count, SUB_QUERY_COLUMNS):
        columns = range(start, min(start + SUB_QUERY_COLUMNS, count))
        terms = " + ".join(f"list_dot_product(w.c{c}, x.c{c})" for c in columns)
        parts.append(
            f"m{len(parts)} AS MATERIALIZED (SELECT w.o, {terms} AS v"
            f" FROM {vector} AS x CROSS JOIN {matrix} AS w ORDER BY w.o)"
        )
    names = [f"m{number}" for number in range(len(parts))]
    total = " + ".join(f"{name}.v" for name in names)
    joined = " POSITIONAL JOIN ".join(names)
    return f"WITH {', '.join(parts)} SELECT m0.o, {total} AS v FROM {joined}"
