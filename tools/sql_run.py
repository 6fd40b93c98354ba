"""`sql-run`: an ONNX model over arrays, or over the rows of a query; `sql-run calibrate`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorjoin.backend import MEMORY, backends
from tensorjoin.backends.interrupts import held
from tensorjoin.errors import TensorjoinError
from tensorjoin.tools.cli import CommandLine, run

if TYPE_CHECKING:
    from onnx import ModelProto

    from tensorjoin.backends.database import Database

# The rest is imported by what needs it, with Ctrl-C held, as by `sql-llm`.

PROGRAM = "sql-run"
CALIBRATE = "calibrate"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and arguments[0] == CALIBRATE:
        return run(f"{PROGRAM} {CALIBRATE}", calibrate_command_line, calibrate, argv, first=1)
    return run(PROGRAM, command_line, execute, argv)


def command_line() -> argparse.ArgumentParser:
    parser = CommandLine(
        prog=PROGRAM,
        description="Run an ONNX model in a database, or make a view of it.",
        epilog="`sql-run calibrate --db URL` measures what an engine charges for.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL.onnx")
    parser.add_argument(
        "--target", choices=list(backends()), help="the engine; --db URL says it too"
    )
    parser.add_argument(
        "--db", metavar="URL", help="default: a database in memory, where the engine has such"
    )
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=FILE.npy",
        help="an input as an array; once for each",
    )
    parser.add_argument(
        "--input-query",
        action="append",
        default=[],
        metavar="NAME=SELECT",
        help="an input as a query: a row for each example, a column for each feature",
    )
    parser.add_argument(
        "--key", metavar="COLUMN", help="the column of the queries that tells rows apart"
    )
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="for a NAME.npy an output")
    parser.add_argument("--as-view", metavar="NAME", help="create a view instead of running")
    parser.add_argument("--replace", action="store_true", help="a view of that name")
    return parser


def calibrate_command_line() -> argparse.ArgumentParser:
    parser = CommandLine(
        prog=f"{PROGRAM} {CALIBRATE}",
        description="Measure for about a minute what an engine charges for; models loaded by"
        " this user from then on are laid out by it. The database stays as it was.",
    )
    parser.add_argument("--db", required=True, metavar="URL", help="a database of the engine")
    return parser


def calibrate(args: argparse.Namespace) -> None:
    with held():
        import time

        from rich.console import Console
        from rich.table import Table

        from tensorjoin.backends.connect import connect
        from tensorjoin.calibration import store
        from tensorjoin.cost import BOUNDS
        from tensorjoin.measure.calibrate import calibrate as measure
        from tensorjoin.measure.calibrate import relative_error
        from tensorjoin.tools.cli import progress_bar

    start = time.monotonic()
    database = connect(args.db, create=False)
    try:
        with progress_bar("measuring") as progress:
            calibration, measurements = measure(database, progress)
        format = database.target.profile.row_format
    finally:
        database.close()
    path = store(calibration)
    table = Table("one", "costs", "as", title=f"{calibration.engine} {calibration.version}")
    for term, seconds in calibration.seconds.items():
        table.add_row(term, f"{seconds * 1e6:,.4f} µs", BOUNDS[term])
    Console().print(table)
    error = relative_error(calibration, measurements, format)
    print(
        f"{len(measurements)} products measured in {time.monotonic() - start:.0f} s, which the"
        f" estimate meets within {error:.0%} (median); stored in {path}"
    )


def execute(args: argparse.Namespace) -> None:
    with held():
        from tensorjoin.backends.connect import connect
        from tensorjoin.frontends.onnx.model import read_onnx

    check(args)
    model = read_onnx(args.model)
    database = connect(url_of(args), create=True)
    try:
        if args.input_query:
            query(args, model, database)
        else:
            arrays(args, model, database)
    finally:
        database.close()


def check(args: argparse.Namespace) -> None:
    """What argparse cannot say of options that need each other."""
    if args.input and args.input_query:
        raise TensorjoinError("give either --input or --input-query, not both")
    if args.as_view is not None and (not args.input_query or args.db is None):
        raise TensorjoinError("--as-view needs --db and --input-query: a view reads a table there")
    if args.as_view is None and args.output_dir is None:
        raise TensorjoinError("where to? give --output-dir DIR, or --as-view NAME")
    if (args.key is not None or args.replace) and not args.input_query:
        raise TensorjoinError("--key and --replace go with --input-query")


def url_of(args: argparse.Namespace) -> str:
    if args.db is not None:
        scheme = args.db.partition("://")[0]
        if args.target is not None and scheme not in backends()[args.target].schemes:
            raise TensorjoinError(f"{args.db} is no database of {args.target}")
        return str(args.db)
    if args.target is None:
        raise TensorjoinError("on which engine? give --target, or --db URL")
    backend = backends()[args.target]
    if backend.place == "server":
        raise TensorjoinError(
            f"--target {backend.name} needs a server: give --db {backend.url_form}"
        )
    return f"{backend.schemes[0]}:///{MEMORY}"


def named(options: Sequence[str], option: str) -> dict[str, str]:
    """NAME=VALUE options; a name may hold no =."""
    found: dict[str, str] = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not equals or name in found:
            raise TensorjoinError(f"{option} {text!r}: write NAME=VALUE, once for each input")
        found[name] = value
    return found


def known(names: Sequence[str], given: dict[str, str], option: str) -> None:
    """Every input must be given, and no other."""
    if unknown := sorted(set(given) - set(names)):
        raise TensorjoinError(f"the model has no input {unknown[0]!r}: it has {', '.join(names)}")
    if missing := [name for name in names if name not in given]:
        raise TensorjoinError(
            f"the input {missing[0]!r} is missing: give {option} {missing[0]}=..."
        )


def arrays(args: argparse.Namespace, model: "ModelProto", database: "Database") -> None:
    with held():
        import numpy as np

        from tensorjoin.runtime.onnx_model import OnnxModel

    prepared = OnnxModel(model, database, args.model.parent)
    files = named(args.input, "--input")
    known([port.name for port in prepared.inputs], files, "--input")
    inputs: dict[str, Any] = {}
    for name, file in files.items():
        try:
            inputs[name] = np.load(file, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise TensorjoinError(f"{file} is no .npy file of numbers") from error
    write(args.output_dir, prepared.run(inputs))


def query(args: argparse.Namespace, model: "ModelProto", database: "Database") -> None:
    with held():
        from tensorjoin.frontends.onnx.model import inputs_of, outputs_of
        from tensorjoin.runtime.onnx_view import compile_query, create_view, parse_source, run_query

    ports = {port.name: port for port in inputs_of(model)}
    texts = named(args.input_query, "--input-query")
    known(list(ports), texts, "--input-query")
    sources = [parse_source(database, ports[n], text, args.key) for n, text in texts.items()]
    is_view = args.as_view is not None
    name = args.as_view or args.model.stem
    compiled = compile_query(model, database.target, sources, name, not is_view, args.model.parent)
    if is_view:
        database.require_writable()
        create_view(database, compiled, args.as_view, args.replace)
    else:
        write(args.output_dir, run_query(database, compiled, outputs_of(model)))


def write(directory: Path, outputs: dict[str, Any]) -> None:
    """A file for each output, in the directory and nowhere else."""
    import numpy as np

    directory.mkdir(parents=True, exist_ok=True)
    for name, array in outputs.items():
        # The name is the model's, and must not lead elsewhere.
        file = name.replace("/", "_").replace("\0", "_").lstrip(".") or "output"
        np.save(directory / f"{file}.npy", array, allow_pickle=False)


if __name__ == "__main__":
    sys.exit(main())
