"""What this project adds to xDSL; `sql-opt` and `xdsl-opt` find it by entry point."""

from importlib import import_module

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.target import Target

DIALECTS = ("onnx", "nn", "ten", "rel", "sql")

PASSES = (
    "allocate-scratch",
    "assign-layouts",
    "convert-rel-to-sql",
    "convert-ten-to-rel",
    "decompose",
    "decompose-onnx",
    "drop-unit-keys",
    "expand-vectors",
    "fold-constants",
    "fuse-contractions",
    "fuse-elementwise",
    "groups-to-rows",
    "groups-to-windows",
    "hoist-factors",
    "interleave-weights",
    "legalize-functions",
    "legalize-limits",
    "loops-to-recursion",
    "lower-to-relational",
    "lower-to-sql",
    "materialize",
    "merge-ctes",
    "merge-groups",
    "order-joins",
    "pack-in-steps",
    "pack-lanes",
    "pair-rotary",
    "pivot-outputs",
    "print-cost",
    "push-projections",
    "quantize-weights",
    "read-once",
    "reset-scratch",
    "roll-layers",
    "row-to-column",
    "split-sums",
    "tile-inputs",
    "tile-state",
    "tile-weights",
    "vectorize-rows",
    "widen-rows",
    "widen-singles",
)
"""The name of a pass is that of its file and of its class: `tile-weights`, TileWeightsPass."""

TARGETS = ("sql",)


def _class_name(name: str, suffix: str) -> str:
    return "".join(word.capitalize() for word in name.split("-")) + suffix


def _dialect(name: str):
    def load() -> Dialect:
        return getattr(import_module(f"tensorjoin.dialects.{name}"), name.capitalize())

    return load


def _pass(name: str):
    def load() -> type[ModulePass]:
        module = import_module(f"tensorjoin.passes.{name.replace('-', '_')}")
        return getattr(module, _class_name(name, "Pass"))

    return load


def _target(name: str):
    def load() -> type[Target]:
        module = import_module(f"tensorjoin.backends.{name.replace('-', '_')}")
        return getattr(module, _class_name(name, "Target"))

    return load


TENSORJOIN_UNIVERSE = Universe(
    all_dialects={name: _dialect(name) for name in DIALECTS},
    all_passes={name: _pass(name) for name in PASSES},
    all_targets={name: _target(name) for name in TARGETS},
)
