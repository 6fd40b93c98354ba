"""
Which form of a program takes less time for a batch: one recursion over the layers, or statements
for each of them. Knows no IR.

A pass takes seconds that grow with the rows of its batch along a line. The line comes from a trial
of the model itself, or it is predicted from what passes cost on the engine, as calibrated.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from tensorjoin.cost import Coefficients
from tensorjoin.interface import Procedure

FORWARD, LAYERWISE = Procedure.FORWARD, Procedure.LAYERWISE
FORMS = (FORWARD, LAYERWISE)
"""The procedures that run a batch through the model, either of which a session may choose."""


@dataclass(frozen=True)
class Line:
    """The seconds of a pass over some rows: `fixed + row * rows`."""

    fixed: float
    row: float

    def seconds(self, rows: int) -> float:
        """The estimate for a batch of so many rows."""
        return self.fixed + self.row * rows


@dataclass(frozen=True)
class PassWork:
    """How much a pass does, by what differs between the forms; a model's head is left out."""

    layers: float
    """Layers run, each of which has its statements or its round."""
    weights: float
    """Weights read of the layer that is run."""
    others: float
    """Weights of the other layers, which an engine reads in a round if no filter stops it."""
    products: float
    """Products of a weight and an element of a row."""


PASS_TERMS = tuple(field.name for field in fields(PassWork))

PassCosts = Mapping[str, Coefficients]
"""By form: seconds for one of each term of `PassWork`; none is negative."""


def pass_work(layers: int, layer_parameters: int, rows: int) -> PassWork:
    """The work of a pass over so many rows, for layers of so many parameters."""
    weights = layers * layer_parameters
    return PassWork(layers, weights, weights * (layers - 1), weights * rows)


def predicted(costs: PassCosts, layers: int, layer_parameters: int) -> dict[str, Line]:
    """The line of each form for a model, as its engine was calibrated."""
    none, one = (pass_work(layers, layer_parameters, rows) for rows in (0, 1))
    lines: dict[str, Line] = {}
    for form, coefficients in costs.items():
        fixed, first = (
            sum(amount * coefficients[term] for term, amount in asdict(work).items())
            for work in (none, one)
        )
        lines[form] = Line(fixed, first - fixed)
    return lines


def through(measured: Mapping[int, float]) -> Line:
    """The line through what passes of two numbers of rows took; more rows never take less."""
    (few, short), (many, long) = sorted(measured.items())
    row = max(0.0, (long - short) / (many - few))
    return Line(short - row * few, row)


def fastest(lines: Mapping[str, Line], rows: int) -> Procedure:
    """The form that takes the least time for a batch, of those that have a line."""
    measured = (form for form in FORMS if form in lines)
    return min(measured, key=lambda form: lines[form].seconds(rows))
