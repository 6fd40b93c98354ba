"""`sql-opt`: the modular optimizer driver, with one flag per pass as in `mlir-opt`."""

import argparse
import sys
from typing import Any

from xdsl.utils.exceptions import DiagnosticException, ParseError, VerifyException
from xdsl.xdsl_opt_main import xDSLOptMain

from tensorjoin.errors import TensorjoinError
from tensorjoin.universe import PASSES

SHOWN = {*PASSES, "canonicalize", "cse", "dce"}
"""xDSL's own passes work too; listing all of them would hide ours."""


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

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser):
        super().register_all_arguments(arg_parser)
        arg_parser.set_defaults(pass_flags=[])
        group = arg_parser.add_argument_group("passes, applied in the order given")
        group.add_argument(
            "--pass",
            dest="pass_flags",
            action=AddPass,
            metavar="'NAME{OPTION=VALUE ...}'",
            help="a pass with options",
        )
        for name, get_pass in sorted(self.available_passes.items()):
            shown = name in SHOWN
            group.add_argument(
                f"--{name}",
                dest="pass_flags",
                action=AddPass,
                const=name,
                nargs=0,
                help=_summary(get_pass()) if shown else argparse.SUPPRESS,
            )

    def setup_pipeline(self):
        if self.args.pass_flags:
            if self.args.passes:
                raise TensorjoinError("use -p or pass flags, not both")
            self.args.passes = ",".join(self.args.pass_flags)
        super().setup_pipeline()


def _summary(pass_type: type) -> str:
    return (pass_type.__doc__ or "").strip().partition("\n")[0].replace("%", "%%")


def main() -> None:
    try:
        SqlOptMain("sql-opt").run()
    except (TensorjoinError, OSError) as error:
        sys.exit(f"sql-opt: {error}")


if __name__ == "__main__":
    main()
