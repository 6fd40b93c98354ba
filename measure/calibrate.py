"""Measure what an engine charges for: matrix products as this compiler writes them, timed."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.parser import Parser
from xdsl.transforms.canonicalize import CanonicalizePass

from tensorjoin.backend import Target
from tensorjoin.backends.database import Database
from tensorjoin.backends.emit.program import emit_program
from tensorjoin.calibration import Calibration
from tensorjoin.cost import MatrixLayout, Product, matrix_product, seconds
from tensorjoin.dialects.ten import Ten
from tensorjoin.driver import compile_module
from tensorjoin.fitting import least_deviations
from tensorjoin.interface import Procedure
from tensorjoin.layouts import candidates
from tensorjoin.measure.calibrate_passes import SHAPES as SHAPES_OF_MODELS
from tensorjoin.measure.calibrate_passes import calibrate_passes
from tensorjoin.passes.rel.push_projections import PushProjectionsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.pipelines import lifetimes, statements
from tensorjoin.program import Program, Table
from tensorjoin.runtime.executor import Executor
from tensorjoin.runtime.weights import rows_of
from tensorjoin.stages import Stage
from tensorjoin.targets import RowFormat, TargetProfile
from tensorjoin.tiling import chunk_size

SECONDS = 40.0
"""After so long nothing more is measured."""
RUNS = (5, 25)
ENOUGH_SECONDS = 0.15
"""Runs of one product: at least five, and no more than twenty-five or this long."""

# Short statements: a long one shares the processor with whatever else runs.
SHAPES = ((8, 16), (32, 128), (8, 512), (128, 256), (64, 768))
LARGE_SHAPES = ((8, 16), (64, 768), (512, 512), (2048, 512), (1024, 2048))
"""Outputs and inputs; the large ones for engines on which a statement costs more than those."""
ROWS = (1, 4)
MOST_ROWS = 20_000
MOST_ROWS_OF_LARGE = 300_000
"""Elements of a matrix that are worth storing one by one."""
CHUNKS = (16, 64, 128, 256, 768, 2048)
NARROW = (16,)
"""Chunks for columns where vectors do the same."""

Progress = Callable[[int, int], None]
"""Called with the products measured and the products in all."""


@dataclass(frozen=True)
class Measurement:
    """How long a product took, and how it was laid out."""

    layout: MatrixLayout
    product: Product
    seconds: float


def calibrate(
    database: Database, progress: Progress = lambda measured, total: None
) -> tuple[Calibration, list[Measurement]]:
    """
    Measure an engine for about a minute, in temporary tables, and files of their own, that
    are gone afterwards.

    Raises TensorjoinError where the engine refuses a statement.
    """
    profile = database.target.profile
    planned = list(plan(profile))
    models = len(SHAPES_OF_MODELS) if profile.recurses else 0
    measurements: list[Measurement] = []
    start = time.monotonic()
    for number, (layout, product) in enumerate(planned):
        if time.monotonic() - start > SECONDS:
            break
        measurements.append(Measurement(layout, product, measure(database, layout, product)))
        progress(number + 1, len(planned) + models)
    steps = itertools.count(len(measurements) + 1)
    passes = calibrate_passes(database, lambda: progress(next(steps), len(measurements) + models))
    found = fitted(profile, database.version(), measurements)
    return replace(found, passes=passes), measurements


def plan(profile: TargetProfile) -> Iterator[tuple[MatrixLayout, Product]]:
    """The products to measure, each in the storages that the target has."""
    is_large = profile.statements_are_costly
    most_rows = MOST_ROWS_OF_LARGE if is_large else MOST_ROWS
    shapes = LARGE_SHAPES if is_large else SHAPES
    for (outputs, inputs), rows in itertools.product(shapes, ROWS):
        product = Product(outputs, inputs, rows)
        if outputs * inputs <= most_rows:
            yield MatrixLayout("rows"), product
        storages = {"arrays": CHUNKS, "columns": NARROW} if profile.vectors else {"columns": CHUNKS}
        for storage, chunks in storages.items():
            for size in sorted({chunk_size(inputs, chunk) for chunk in chunks}):
                yield MatrixLayout(storage, size), product
        for layout in candidates(profile, inputs):
            if layout.storage == "pivoted":
                yield layout, product


def fitted(profile: TargetProfile, version: str, measurements: list[Measurement]) -> Calibration:
    """The coefficients whose estimates are nearest to what was measured, relative to it."""
    format = profile.row_format
    works = [matrix_product(m.layout, m.product, format) for m in measurements]
    times = np.array([m.seconds for m in measurements])
    amounts = np.array([list(work.terms.values()) for work in works])
    found = least_deviations(amounts / times[:, None])
    names = works[0].terms
    return Calibration(
        profile.name, version, {name: float(x) for name, x in zip(names, found, strict=True)}
    )


def relative_error(
    calibration: Calibration, measurements: list[Measurement], format: RowFormat
) -> float:
    """The median of how far estimates are from what was measured: 0.1 for 10 %."""
    errors = [
        abs(
            seconds(matrix_product(m.layout, m.product, format), calibration.seconds) / m.seconds
            - 1
        )
        for m in measurements
    ]
    return float(np.median(errors))


def measure(database: Database, layout: MatrixLayout, product: Product) -> float:
    """
    The seconds that the statements of a product take, the least of several runs: what else the
    machine does only adds.
    """
    program = compiled(database.target, layout, product)
    with database.transaction(writes=False):
        for each in program.tables:
            database.execute(each.create)
        for each in program.tables:
            if each.kind in ("weight", "input"):
                database.insert(each.name, columns_of(each, product))
        filled = [each.name for each in program.tables if each.kind in ("scratch", "output")]
        times = [run(database, program, filled)]
        while len(times) < RUNS[0] or (sum(times) < ENOUGH_SECONDS and len(times) < RUNS[1]):
            times.append(run(database, program, filled))
        for each in program.tables:
            database.drop_table(each.name)
    return min(times)


def run(database: Database, program: Program, filled: list[str]) -> float:
    """The seconds of one run; what it fills is emptied before."""
    for name in filled:
        database.empty_table(name)
    start = time.perf_counter()
    Executor(database, program.procedures).run(Procedure.FORWARD)
    return time.perf_counter() - start


def columns_of(table: Table, product: Product) -> dict[str, np.ndarray]:
    """Numbers for the matrix, or for the vectors: any do, as no time depends on them."""
    generator = np.random.default_rng(0)
    height = product.outputs if table.kind == "weight" else product.inputs
    width = product.inputs if table.kind == "weight" else product.rows
    return rows_of(generator.standard_normal((height, width), dtype=np.float32), 0, table)


def compiled(target: Target, layout: MatrixLayout, product: Product) -> Program:
    """The program of one product, its tables all temporary."""
    module = product_module(layout, product)
    product_to_rel = (ConvertTenToRelPass(), PushProjectionsPass(), CanonicalizePass())
    product_stage = Stage("product", "rel", product_to_rel)
    compile_module(module, target, (product_stage, lifetimes(is_temporary=True), statements()))
    return emit_program(module, target, lambda symbol: f"tensorjoin calibration {symbol}")


def product_module(layout: MatrixLayout, product: Product) -> ModuleOp:
    """A product in `ten`, as a layer has it: what it multiplies is keyed by the input first."""
    ctx = Context()
    for dialect in (Builtin, Func, Ten):
        ctx.load_dialect(dialect)
    stored = layout.storage if layout.storage == "rows" else f"{layout.storage} 1 by {layout.size}"
    if layout.storage == "pivoted":
        stored += f" in {layout.columns}"
    x, w, y = (
        f"tensor<{product.inputs}x?xf32>",
        f"tensor<{product.outputs}x{product.inputs}xf32>",
        f"tensor<?x{product.outputs}xf32>",
    )
    text = f"""
    func.func @forward() {{
      %x = ten.input @x ["i", "p"] "v" : {x}
      %w = ten.weight @w from ["w"] layout <{stored}> : {w}
      %y = ten.contract "ip,oi->po"(%x, %w) : ({x}, {w}) -> {y}
      ten.output %y to @y ["p", "o"] : {y}
      func.return
    }}
    """
    return Parser(ctx, text).parse_module()
