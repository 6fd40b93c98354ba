"""`sql-opt`: the modular optimizer driver, with one flag per pass as in `mlir-opt`."""

import argparse
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import IO, Any, NoReturn

from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.passes import ModulePass, PassPipeline, PassPipelineCallbackType
from xdsl.universe import XDSL_UNIVERSE
from xdsl.utils.exceptions import (
    ArgSpecParseError,
    DiagnosticException,
    ParseError,
    UnregisteredConstructException,
    VerifyException,
)
from xdsl.xdsl_opt_main import xDSLOptMain

from tensorjoin.driver import PipelinePass
from tensorjoin.errors import TensorjoinError
from tensorjoin.tools.cli import guarded

HIDDEN = frozenset(XDSL_UNIVERSE.all_passes) - {"canonicalize", "cse", "dce"}
"""xDSL's own passes work too; listing all of them would hide the others."""

SENTENCE_END = re.compile(r"(?<=\.)\s")
QUOTED = 200
"""Characters of an operation that an error quotes."""


class AddPass(argparse.Action):
    """Appends a pass, in command-line order."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ):
        namespace.pass_flags = [*namespace.pass_flags, self.const or values]


class SqlOptMain(xDSLOptMain):
    version_format = "sql-opt (xDSL {xdsl_version})"

    describes_passes: bool
    """Whether help is asked for: a sentence about each pass is in its module, and all of them take
    half a second to import."""
    line_offset: int = 0
    """The lines before the part of the input that is read."""
    where: str = ""
    """The part of the input at which an error is found: a file, or a line and column of it."""

    def __init__(self, args: Sequence[str] | None = None):
        given = sys.argv[1:] if args is None else args
        self.describes_passes = not {"-h", "--help"}.isdisjoint(given)
        with _one_line_errors():
            super().__init__("The modular optimizer driver of tensorjoin.", args)

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser):
        super().register_all_arguments(arg_parser)
        # An abbreviation that works today would be an error once another pass begins like it.
        arg_parser.allow_abbrev = False
        arg_parser.prog = "sql-opt"
        arg_parser.error = _refuse
        arg_parser.set_defaults(pass_flags=[])
        group = arg_parser.add_argument_group("passes, applied in the order given")
        group.add_argument(
            "--pass",
            dest="pass_flags",
            action=AddPass,
            metavar="'NAME{OPTION=VALUE ...}'",
            help="a pass with options",
        )
        group.add_argument(
            "--print-after",
            action="append",
            default=[],
            metavar="NAME",
            help="print the module after each pass of this name, those of whole stages included",
        )
        for name, get_pass in sorted(self.available_passes.items()):
            is_shown = self.describes_passes and name not in HIDDEN
            group.add_argument(
                f"--{name}",
                dest="pass_flags",
                action=AddPass,
                const=name,
                nargs=0,
                help=_summary(get_pass()) if is_shown else argparse.SUPPRESS,
            )

    def setup_pipeline(self):
        if self.args.pass_flags:
            if self.args.passes:
                raise TensorjoinError("use -p or pass flags, not both")
            self.args.passes = ",".join(self.args.pass_flags)
        super().setup_pipeline()
        passes = tuple(chain.from_iterable(map(self.parts, self.pipeline.passes)))
        for name in self.args.print_after:
            if name not in (each.name for each in passes):
                raise TensorjoinError(f"--print-after {name}: that pass is not run")
        self.pipeline = PassPipeline(passes, self.printing(self.pipeline.callback))

    def parts(self, each: ModulePass) -> Sequence[ModulePass]:
        """The passes of whole stages, so that each can be looked at."""
        return each.parts(self.ctx) if isinstance(each, PipelinePass) else (each,)

    def printing(self, callback: PassPipelineCallbackType | None) -> PassPipelineCallbackType:
        """What is done between passes, and then the module where --print-after asks for it."""

        def between(
            done: ModulePass | None, module: ModuleOp, following: ModulePass | None
        ) -> None:
            if callback is not None:
                callback(done, module, following)
            if done is not None and done.name in self.args.print_after:
                print(f"// -----// IR after {done.name} //----- //\n{module}\n")

        return between

    def register_all_frontends(self):
        super().register_all_frontends()
        self.available_frontends["mlir"] = self.parse_mlir

    def parse_mlir(self, io: IO[bytes]) -> ModuleOp:
        self.where = self.get_input_name()
        with _one_line_errors():
            parser = Parser(self.ctx, io.read(), self.where)
        try:
            return parser.parse_module(not self.args.no_implicit_module)
        except VerifyException:
            # What builds an operation from its text does not know where that is.
            self.where = self.location_of(parser)
            raise
        except ValueError as error:
            parser.raise_error(str(error.args[0]))

    def location_of(self, parser: Parser) -> str:
        """Where what a parser has read ends."""
        try:
            parser.raise_error("")
        except ParseError as error:
            end = len(error.span.input.content[: error.span.start].rstrip())
            span = replace(error.span, start=end, end=end, line_offset=self.line_offset)
            return str(span.get_location())

    def parse_chunk(
        self, chunk: IO[bytes], file_extension: str, start_offset: int = 0
    ) -> ModuleOp | None:
        self.line_offset = start_offset
        return super().parse_chunk(chunk, file_extension, start_offset)

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        with _one_line_errors():
            return super().prepare_input()

    def output_resulting_program(self, prog: ModuleOp) -> str:
        with _one_line_errors():
            return super().output_resulting_program(prog)


@contextmanager
def _one_line_errors() -> Generator[None]:
    """xDSL raises ValueError for options, file names and bytes that it does not know."""
    try:
        yield
    except ValueError as error:
        raise TensorjoinError(str(error)) from error
    except ArgSpecParseError as error:
        _, where, *_, message = str(error).splitlines()
        raise TensorjoinError(f"{where}: {message.strip()}") from error


def _refuse(message: str) -> NoReturn:
    raise TensorjoinError(f"{message}: see sql-opt --help")


def _summary(pass_type: type) -> str:
    """The first sentence of its docstring."""
    text = " ".join((pass_type.__doc__ or "").split())
    return SENTENCE_END.split(text, maxsplit=1)[0].replace("%", "%%")


def _quoted_operation(error: DiagnosticException) -> str:
    """The operation that xDSL underlines in its dump of the module."""
    for note in getattr(error, "__notes__", ()):
        lines = str(note).splitlines()
        for line, below in zip(lines, lines[1:], strict=False):
            if below.strip().startswith("^"):
                return f"\nnote: see current operation: {line.strip()[:QUOTED]}"
    return ""


def drive() -> None:
    """Run the driver; an error in the input ends the process, as it does in mlir-opt."""
    driver = SqlOptMain()
    try:
        driver.run()
    except ParseError as error:
        sys.exit(f"{error.span.get_location()}: error: {error.msg.strip()}")
    except UnregisteredConstructException as error:
        sys.exit(f"{driver.where}: error: {error}")
    except DiagnosticException as error:
        sys.exit(f"{driver.where}: error: {error}{_quoted_operation(error)}")


def main() -> None:
    sys.exit(guarded("sql-opt", drive, is_process=True))


if __name__ == "__main__":
    main()
