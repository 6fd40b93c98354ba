"""Load a Hugging Face directory into a database, whole or not at all."""

from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from tensorjoin.backends.database import Database
from tensorjoin.backends.interrupts import interruptible
from tensorjoin.calibration import stored as stored_calibration
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.checkpoint import Checkpoint
from tensorjoin.frontends.model import read_model
from tensorjoin.language_model_program import compile_language_model
from tensorjoin.names import table_name
from tensorjoin.pipelines import Layout
from tensorjoin.program import Program
from tensorjoin.runtime.catalog import (
    FORMAT,
    PROGRAM,
    Manifest,
    StoredModel,
    all_models,
    create_table,
    drop_model,
    register,
    store_program,
)
from tensorjoin.runtime.weights import load_weight
from tensorjoin.version import VERSION

TOKENS = "tokens"
FIRST_LAYER = ".layers.0."
"""In the names of a checkpoint's tensors."""

Progress = Callable[[int, int], None]
"""Called with the elements loaded and the elements in all."""


def load_model(
    database: Database,
    directory: Path,
    name: str | None = None,
    replace: bool = False,
    progress: Progress = lambda loaded, total: None,
    layout: Layout = "auto",
    bits: int | None = None,
) -> StoredModel:
    """
    Create a model's tables, weights, tokenizer and program in one transaction. With `bits`, 8 or 4,
    weights are integers with a scale for each group, and activations are quantised to 8 bits; with
    16, both are half vectors.

    Raises TensorjoinError, the database unchanged, where the directory is no Llama checkpoint, the
    name is taken, or a table is in the way.
    """
    model = read_model(directory)
    tokenizer = model.tokenizer
    name = check_name(directory.resolve().name if name is None else name)
    with model.open_tensors() as checkpoint:
        target = database.target
        costs = str(stored_calibration(target.name, database.version()) or "")
        sizes = {tensor: prod(shape) for tensor, shape in model.weights.items()}
        program = compile_language_model(model.module, target, name, layout, costs, bits)
        lasting = tuple(table.name for table in program.tables if not table.is_temporary)
        tables = (*lasting, table_name(name, PROGRAM), table_name(name, TOKENS))
        check_lengths(database, name, program)
        database.require_writable()
        total = sum(sizes.values())
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            architecture=model.architecture,
            target=target.name,
            vocab_size=model.vocab_size,
            max_positions=model.max_positions,
            layers=model.layers,
            parameters=total,
            layer_parameters=sum(size for name, size in sizes.items() if FIRST_LAYER in name),
            rows=max(prod(t.keys.values()) for t in program.tables if not t.is_temporary),
            bos_token_id=model.bos_token_id,
            eos_token_ids=model.eos_token_ids,
            digest=checkpoint.digest(),
            tables=tables,
        )
        stored = StoredModel(name, manifest, tokenizer)
        with database.loading(), database.transaction():
            make_room(database, name, tables, replace)
            fill(database, checkpoint, program, total, progress)
            store_program(database, name, program)
            store_tokens(database, name, tokenizer, model.vocab_size)
            register(database, stored)
    return stored


def check_directory(directory: Path) -> None:
    """Raise TensorjoinError where `load_model` would, as far as no database is needed."""
    model = read_model(directory)
    _ = model.tokenizer
    model.open_tensors().close()


def check_name(name: str) -> str:
    if not name or "\0" in name:
        raise TensorjoinError("a model needs a name without zero bytes: choose one by --name")
    return name


def check_lengths(database: Database, name: str, program: Program) -> None:
    """Where an engine cuts long names, two tables would become one."""
    if (most := database.target.profile.name_bytes) is None:
        return
    longest = max(len(table.name.encode()) for table in program.tables)
    if (excess := longest - most) > 0:
        raise TensorjoinError(
            f"the name {name!r} is {excess} bytes too long for {database.dialect}:"
            " choose a shorter --name"
        )


def make_room(database: Database, name: str, tables: tuple[str, ...], replace: bool) -> None:
    """Drop the model that is replaced; refuse if another table is in the way."""
    known = all_models(database)
    if name in known:
        if not replace:
            raise TensorjoinError(
                f"a model {name!r} is here already: use --replace, or another --name"
            )
        drop_model(database, known[name])
    # Engines take names for equal that differ in case, even if they are quoted.
    present = {table.casefold(): table for table in database.tables()}
    if taken := sorted(table for table in tables if table.casefold() in present):
        raise TensorjoinError(
            f"a table {present[taken[0].casefold()]!r} is here already: choose another --name"
        )


def fill(
    database: Database, checkpoint: Checkpoint, program: Program, total: int, progress: Progress
) -> None:
    loaded = 0

    def done(elements: int) -> None:
        nonlocal loaded
        loaded += elements
        progress(loaded, total)

    for table in program.tables:
        if not table.is_temporary:
            database.execute(table.create)
            # Between two insertions, much may have to be read.
            with interruptible():
                load_weight(database, checkpoint, table, done)
            database.analyze(table.name)


def store_tokens(database: Database, model: str, tokenizer: str | None, vocab_size: int) -> None:
    """Write the vocabulary as a table, so that a query can name its tokens."""
    name = table_name(model, TOKENS)
    create_table(database, name, {"token": "INT", "piece": "TEXT"})
    if tokenizer is None:
        return
    parsed = Tokenizer.from_str(tokenizer)
    pieces = [(token, parsed.id_to_token(token)) for token in range(vocab_size)]
    known = [(token, piece) for token, piece in pieces if piece is not None and "\0" not in piece]
    database.insert(
        name,
        {
            "token": np.array([token for token, _ in known], dtype=np.int64),
            "piece": np.array([piece for _, piece in known], dtype=object),
        },
    )
