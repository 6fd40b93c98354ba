"""`sql-llm`: load language models into a database, and run them there."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tensorjoin.backend import url_forms
from tensorjoin.backends.interrupts import held
from tensorjoin.errors import TensorjoinError
from tensorjoin.tools.cli import CommandLine, progress_bar, run
from tensorjoin.tools.sizes import memory_size

if TYPE_CHECKING:
    from tensorjoin.backends.database import Database
    from tensorjoin.runtime.catalog import StoredModel


PROGRAM = "sql-llm"
FLOAT_BYTES = 4
"""Of a weight, whatever it takes in the checkpoint."""
LOAD_MEMORY = 1_000_000_000
"""Weights stream through: more would only keep what is not needed again."""
COLUMNS = ("name", "parameters", "layers", "vocabulary", "context", "tokenizer")
"""What `list` tells of a model."""


def main(argv: Sequence[str] | None = None) -> int:
    return run(PROGRAM, command_line, lambda args: args.command(args), argv)


def command_line() -> argparse.ArgumentParser:
    parser = CommandLine(prog=PROGRAM, description="Language models that run inside a database.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], None], help: str) -> CommandLine:
        added = commands.add_parser(name, help=help, description=help)
        added.set_defaults(command=command)
        added.add_argument("--db", required=True, metavar="URL", help=url_forms())
        return added

    load_parser = add("load", load, "Load a model: its weights, tokenizer and program.")
    load_parser.add_argument("directory", type=Path, metavar="DIR", help="a Hugging Face folder")
    load_parser.add_argument("--name", help="how to call it; the folder's name by default")
    load_parser.add_argument(
        "--replace", action="store_true", help="in the place of the model of that name"
    )

    load_parser.add_argument(
        "--bits",
        type=int,
        choices=(16, 8, 4),
        help="weights as integers of 8 or 4 bits: approximate, smaller, and faster on engines"
        " without vectors; or as numbers of 16 bits, on engines that have such vectors",
    )
    add_memory(load_parser, "; default: 1GB", LOAD_MEMORY)

    add("list", list_models, "List the models of a database.")

    drop_parser = add("drop", drop, "Remove a model and all its tables.")
    add_name(drop_parser)

    generate_parser = add("generate", generate, "Continue a prompt.")
    add_name(generate_parser)
    add_generation(generate_parser)
    add_memory(generate_parser, "; default: as the engine sees fit")

    profile_parser = add("profile", profile, "Show where the time of a token goes.")
    add_name(profile_parser)
    profile_parser.add_argument(
        "--token-ids",
        type=token_ids,
        default=[0],
        metavar="1,2,3",
        help="the tokens before the one that is measured; default: 0",
    )
    profile_parser.add_argument(
        "--output", type=Path, metavar="FILE.svg", help="a roofline, by matplotlib"
    )

    logits_parser = add("logits", logits, "Write the logits after each of some tokens.")
    add_name(logits_parser)
    logits_parser.add_argument("--token-ids", required=True, type=token_ids, metavar="1,2,3")
    logits_parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="FILE.npy",
        help="float32 [tokens, vocabulary], in numpy's format",
    )
    add_memory(logits_parser, "; default: as the engine sees fit")
    return parser


def add_name(parser: CommandLine) -> None:
    parser.add_argument("--name", help="which model; not needed if there is only one")


def add_memory(parser: CommandLine, default_help: str, default: int | None = None) -> None:
    parser.add_argument(
        "--memory",
        type=memory_size,
        default=default,
        metavar="SIZE",
        help="what this process may use, Python and its libraries included, such as 512MB or"
        " 1.5GiB; a server's memory is its own, only the session's part is set" + default_help,
    )


def add_generation(parser: CommandLine) -> None:
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT", help="for a model that has a tokenizer")
    prompt.add_argument("--token-ids", type=token_ids, metavar="1,2,3", help="a prompt as tokens")
    parser.add_argument(
        "--max-tokens",
        required=True,
        type=positive,
        metavar="N",
        help="stop after N tokens, if the end of the sequence does not come first",
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=0.0,
        metavar="T",
        help="divides the logits; 0, the default, takes the most likely token, and then top-k,"
        " top-p and the seed mean nothing",
    )
    parser.add_argument(
        "--top-k", type=int, metavar="K", help="draw from the K most likely tokens; default: all"
    )
    parser.add_argument(
        "--top-p",
        type=float,
        default=1.0,
        metavar="P",
        help="draw from the fewest tokens that hold this share of the probability; default: 1",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="S",
        help="an equal seed gives equal tokens; default: 0",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="text, the default: the prompt and, as it is made, its continuation (as token ids"
        " between commas if the model has no tokenizer); json: one object about the continuation,"
        " with prompt_ids, token_ids, text, finish_reason, prefill_seconds, seconds_per_token",
    )


def token_ids(text: str) -> list[int]:
    """'1,2,3' -> [1, 2, 3]"""
    try:
        return [int(part) for part in text.split(",")] if text.strip() else []
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of token ids, such as 1,2,3"
        ) from None


def positive(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


@contextmanager
def opened(args: argparse.Namespace, create: bool = False) -> Generator["Database"]:
    """The database of the arguments."""
    with held():
        from tensorjoin.backends.connect import connect

    memory = getattr(args, "memory", None)
    with closing(connect(args.db, create=create, memory=memory)) as database:
        yield database


@contextmanager
def undone_if_interrupted(database: "Database | None" = None) -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if database is not None and database.has_changed:
            raise
        raise KeyboardInterrupt("nothing was changed") from interrupt


def load(args: argparse.Namespace) -> None:
    with held():
        from tensorjoin.runtime.load import check_directory, load_model

    start = time.monotonic()
    with undone_if_interrupted():
        # Before a database file is made for nothing.
        check_directory(args.directory)
    with (
        opened(args, create=True) as database,
        undone_if_interrupted(database),
        progress_bar("loading", FLOAT_BYTES) as progress,
    ):
        model = load_model(
            database, args.directory, args.name, args.replace, progress, bits=args.bits
        )
        slowness = database.slowness()
    seconds = time.monotonic() - start
    print(
        f"loaded {model.shown}: {model.manifest.parameters:,} parameters in {seconds:.1f} s",
        file=sys.stderr,
    )
    if slowness is not None:
        print(slowness, file=sys.stderr)


def list_models(args: argparse.Namespace) -> None:
    with held():
        from tensorjoin.runtime.catalog import UnreadableModel, all_models

    with opened(args) as database:
        every = all_models(database)
    if not every:
        print("no models: run `sql-llm load DIR --db URL`", file=sys.stderr)
        return
    rows: list[tuple[str, ...]] = []
    for model in every.values():
        if isinstance(model, UnreadableModel):
            print(f"{PROGRAM}: {model.reason}", file=sys.stderr)
        else:
            rows.append(described(model))
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def described(model: "StoredModel") -> tuple[str, ...]:
    """A row of COLUMNS."""
    manifest = model.manifest
    numbers = (
        manifest.parameters,
        manifest.layers,
        manifest.vocab_size,
        manifest.max_positions,
    )
    return (model.shown, *map(str, numbers), "yes" if model.tokenizer else "no")


def drop(args: argparse.Namespace) -> None:
    with held():
        from tensorjoin.runtime.catalog import drop_model, find_row

    with opened(args) as database, undone_if_interrupted(database):
        model = find_row(database, args.name)
        database.require_writable()
        with database.transaction():
            drop_model(database, model)


def generate(args: argparse.Namespace) -> None:
    with held():
        from tensorjoin.runtime.catalog import find_model
        from tensorjoin.runtime.form_choice import settle
        from tensorjoin.runtime.prompt import encode, tokenizer_of
        from tensorjoin.runtime.sampling import Sampling
        from tensorjoin.runtime.session import Session
        from tensorjoin.runtime.stream import Stream
        from tensorjoin.tools.generation_output import (
            answered,
            measured,
            pieces,
            print_pieces,
            timed,
        )

    sampling = Sampling(args.temperature, args.top_k, args.top_p, args.seed)
    with opened(args) as database:
        model = find_model(database, args.name)
        tokenizer = tokenizer_of(model)
        prompt = args.token_ids
        if prompt is None:
            prompt = encode(model, tokenizer, args.prompt)
        seconds: list[float] = []
        session = Session(database, model)
        with progress_bar("trying out") as progress:
            settle(session, args.max_tokens, progress)
        tokens = timed(Stream(session).generate(prompt, args.max_tokens, sampling), seconds)
        if args.format == "json":
            answer = answered(prompt, list(tokens), args.max_tokens, tokenizer)
            print(json.dumps(answer | measured(seconds)))
        else:
            print_pieces(pieces(prompt, tokens, tokenizer))


def profile(args: argparse.Namespace) -> None:
    with held():
        from rich.console import Console

        from tensorjoin.measure.profile import profile as measure
        from tensorjoin.runtime.catalog import find_model
        from tensorjoin.tools.profile_table import profile_table

    if args.output is not None and not args.output.parent.is_dir():
        raise TensorjoinError(f"no directory {args.output.parent}: create it first")
    with opened(args) as database:
        operators, coefficients = measure(database, find_model(database, args.name), args.token_ids)
    console = Console()
    if not console.is_terminal:
        # A file or a pipe has no width to keep to.
        console = Console(width=200)
    console.print(profile_table(operators))
    if args.output is not None:
        with held():
            from tensorjoin.measure.roofline import draw

        draw(operators, coefficients, args.output)


def logits(args: argparse.Namespace) -> None:
    with held():
        import numpy as np

        from tensorjoin.runtime.catalog import find_model
        from tensorjoin.runtime.form_choice import settle
        from tensorjoin.runtime.session import Session
        from tensorjoin.runtime.stream import Stream

    # Known before the work is done.
    if not args.output.parent.is_dir():
        raise TensorjoinError(f"no directory {args.output.parent}: create it first")
    if not args.token_ids:
        raise TensorjoinError("there are no tokens: give at least one by --token-ids")
    with opened(args) as database:
        session = Session(database, find_model(database, args.name))
        settle(session, 1)
        with session.step():
            Stream(session).forward(args.token_ids, emit_all=True)
        computed = session.logits()
    # Unlike a path, an open file gets no ending that was not asked for.
    with args.output.open("wb") as file:
        np.save(file, computed)


if __name__ == "__main__":
    sys.exit(main())
