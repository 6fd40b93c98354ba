"""What this project adds to xDSL; `sql-opt` and `xdsl-opt` find it by entry point."""

from collections.abc import Mapping
from importlib import import_module

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.target import Target

DIALECTS = ("onnx", "nn", "ten", "rel", "sql")

PASSES_BY_FOLDER: Mapping[str, tuple[str, ...]] = {
    "onnx": ("decompose-onnx",),
    "nn": ("decompose", "roll-layers"),
    "ten": (
        "assign-layouts",
        "batch-quant-groups",
        "fold-constants",
        "fuse-contractions",
        "fuse-elementwise",
        "hoist-factors",
        "interleave-rope-pairs",
        "interleave-weights",
        "pack-lanes",
        "quantize-weights",
        "row-to-column",
        "tile-inputs",
        "tile-state",
        "tile-weights",
    ),
    "ten_to_rel": ("convert-ten-to-rel",),
    "rel": (
        "add-generation",
        "add-layerwise",
        "aggregates-to-window-rows",
        "allocate-scratch",
        "expand-vectors",
        "fuse-scans",
        "groups-to-windows",
        "legalize-functions",
        "legalize-limits",
        "loops-to-recursion",
        "materialize",
        "merge-groups",
        "order-joins",
        "pack-in-two-levels",
        "pivot-outputs",
        "print-cost",
        "promote-f32",
        "push-projections",
        "split-sums",
        "temporary-tables",
        "vectorize-rows",
    ),
    "rel_to_sql": ("convert-rel-to-sql",),
    "sql": ("drop-unit-keys", "merge-ctes", "reset-scratch"),
    "stages": ("lower-to-relational", "lower-to-sql"),
}
"""
The passes by the folder of passes/ that they are in, which is the level they work on. The name of a
pass is that of its file and of its class: `tile-weights`, TileWeightsPass.
"""

PASSES = tuple(name for names in PASSES_BY_FOLDER.values() for name in names)

TARGETS = ("sql",)


def _class_name(name: str, suffix: str) -> str:
    return "".join(word.capitalize() for word in name.split("-")) + suffix


def _dialect(name: str):
    def load() -> Dialect:
        return getattr(import_module(f"tensorjoin.dialects.{name}"), name.capitalize())

    return load


def _pass(folder: str, name: str):
    def load() -> type[ModulePass]:
        module = import_module(f"tensorjoin.passes.{folder}.{name.replace('-', '_')}")
        return getattr(module, _class_name(name, "Pass"))

    return load


def _target(name: str):
    def load() -> type[Target]:
        module = import_module(f"tensorjoin.backends.{name.replace('-', '_')}")
        return getattr(module, _class_name(name, "Target"))

    return load


TENSORJOIN_UNIVERSE = Universe(
    all_dialects={name: _dialect(name) for name in DIALECTS},
    all_passes={
        name: _pass(folder, name) for folder, names in PASSES_BY_FOLDER.items() for name in names
    },
    all_targets={name: _target(name) for name in TARGETS},
)
