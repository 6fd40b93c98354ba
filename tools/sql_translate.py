"""`sql-translate`: between the compiler's modules and what lies outside of it."""

import argparse
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from tensorjoin.backend import find_target, targets
from tensorjoin.backends.interrupts import held
from tensorjoin.errors import TensorjoinError
from tensorjoin.tools.cli import CommandLine, run

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

# The rest is imported by the translation that needs it, with Ctrl-C held, as by `sql-llm`.

PROGRAM = "sql-translate"

LOWERED = ("builtin", "func", "sql")
"""The dialects that a module may have when its SQL is printed."""


def main(argv: Sequence[str] | None = None) -> int:
    return run(PROGRAM, command_line, translate, argv)


def command_line() -> argparse.ArgumentParser:
    parser = CommandLine(
        prog=PROGRAM, description="From a model to a module, or from a module to SQL."
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--import-hf",
        type=Path,
        metavar="DIR",
        help="a Hugging Face folder, of which config.json is enough -> a module of `nn`",
    )
    way.add_argument(
        "--import-onnx",
        type=Path,
        metavar="FILE",
        help="an ONNX file whose inputs have known shapes -> a module of `onnx`",
    )
    way.add_argument(
        "--emit-sql", action="store_true", help="FILE -> the statements of its program"
    )
    parser.add_argument("--target", choices=list(targets()), help="the engine, for --emit-sql")
    parser.add_argument(
        "--verify-each", action="store_true", help="with --emit-sql: verify after each pass"
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a module at any level: nn, ten, rel or sql; - reads it from the standard input",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="default: the standard output"
    )
    return parser


def translate(args: argparse.Namespace) -> None:
    if args.emit_sql:
        if args.file is None or args.target is None:
            raise TensorjoinError("--emit-sql needs FILE and --target: see sql-translate --help")
        text = emitted(args.file, args.target, args.verify_each)
    else:
        if args.file is not None or args.target is not None:
            way = "--import-hf" if args.import_onnx is None else "--import-onnx"
            raise TensorjoinError(f"{way} takes no further FILE and no --target")
        text = imported(args.import_hf, args.import_onnx)
    if args.output is None:
        sys.stdout.write(text)
    else:
        args.output.write_text(text, encoding="utf-8")


def imported(directory: Path | None, file: Path | None) -> str:
    """The text of the module of a Hugging Face folder, or of an ONNX file."""
    with held():
        from xdsl.printer import Printer

    text = StringIO()
    Printer(text).print_op(hugging_face(directory) if file is None else onnx(file))
    return f"{text.getvalue()}\n"


def hugging_face(directory: Path | None) -> "ModuleOp":
    with held():
        from tensorjoin.frontends.model import read_model

    assert directory is not None
    return read_model(directory).module


def onnx(file: Path) -> "ModuleOp":
    with held():
        from tensorjoin.frontends.onnx.model import import_onnx, read_onnx
        from tensorjoin.passes.onnx.operators import OPERATORS

    return import_onnx(read_onnx(file), OPERATORS, {}, {}, file.parent).module


def emitted(file: str, target: str, verify_each: bool) -> str:
    """The SQL of a file's module on a target, verified after each pass if that is asked for."""
    with held():
        from xdsl.context import Context
        from xdsl.parser import Parser
        from xdsl.universe import Universe

        from tensorjoin.backends.emit.program import emit_program
        from tensorjoin.driver import compile_module, verify_module
        from tensorjoin.pipelines import to_sql

    ctx = Context()
    for name, dialect in Universe.get_multiverse().all_dialects.items():
        ctx.register_dialect(name, dialect)
    lowered_for = find_target(target)
    observe = verify_module if verify_each else None
    with located(file):
        module = Parser(ctx, text_of(file), file).parse_module()
        module.verify()
        compile_module(module, lowered_for, to_sql(lowered_for.profile), observe)
        require_lowered(module)
        return emit_program(module, lowered_for).sql()


def text_of(file: str) -> str:
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")


@contextmanager
def located(file: str) -> Generator[None]:
    """Say in one line what is wrong with a file, and where in it."""
    with held():
        from xdsl.utils.exceptions import DiagnosticException, ParseError

    try:
        yield
    except ParseError as error:
        raise TensorjoinError(f"{error.span.get_location()}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise TensorjoinError(f"{file}: is not UTF-8 text: give a module as text") from error
    except (DiagnosticException, TensorjoinError) as error:
        raise TensorjoinError(f"{file}: {error}") from error


def require_lowered(module: "ModuleOp") -> None:
    """Refuse a module with operations which have no form in SQL, and would be left out."""
    for op in module.walk():
        if op.name.partition(".")[0] not in LOWERED:
            raise TensorjoinError(
                f"{op.name} cannot be lowered to SQL: write it in nn, ten, rel or sql"
            )


if __name__ == "__main__":
    sys.exit(main())
