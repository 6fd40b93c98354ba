"""Functions that a target lacks -> arithmetic."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import count
from math import factorial

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from tensorjoin.context import profile_of
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, call, calls, col, lit, substitute, walk
from tensorjoin.dialects.rel import schema
from tensorjoin.errors import TensorjoinError
from tensorjoin.targets import MATH_FUNCTIONS

Steps = list[tuple[str, Attribute]]
"""Columns computed one after the other, from those before; the last is the result."""


def polynomial(x: Attribute, coefficients: Sequence[float]) -> Attribute:
    """c0 + x (c1 + x (c2 + ...)), Horner's scheme"""
    *rest, value = [lit(float(c)) for c in coefficients]
    for coefficient in reversed(rest):
        value = call("add", coefficient, call("mul", x, value))
    return value


LN_10 = "2.302585092994045684017991454684364207601101488628772976033327900967572609677352480"
HALF_PI = "1.570796326794896619231321691639751442098584699687552910487472296153908203143104499"

PART_BITS = 33
"""Bits of each part of a constant: its product with an integer up to 2^20 is exact."""


def parts(constant: str, count: int = 3) -> list[float]:
    """Floats of few bits that sum to a constant (Cody and Waite)."""
    found: list[float] = []
    rest = Fraction(Decimal(constant))
    for number in range(1, count + 1):
        unit = Fraction(1, 2 ** (PART_BITS * number - 2))
        part = round(rest / unit) * unit if number < count else rest
        found.append(float(part))
        rest -= part
    return found


def reduced(x: Attribute, n: Attribute, constant: str) -> Attribute:
    """x - n constant, without the error of their product"""
    for part in parts(constant):
        x = call("sub", x, call("mul", call("to_float", n), lit(part)))
    return x


def nearest(x: Attribute) -> Attribute:
    return call("to_int", call("round", x))


def expand_exp(x: Attribute) -> Steps:
    """10^k exp(r) with x = k ln 10 + r and |r| <= ln(10) / 2, exp(r) by its Taylor series"""
    bounded = call("greatest", call("least", x, lit(700.0)), lit(-700.0))
    series = [1 / factorial(n) for n in range(19)]
    return [
        ("x", bounded),
        ("k", nearest(call("div", col("x"), lit(float(LN_10))))),
        ("r", reduced(col("x"), col("k"), LN_10)),
        ("y", call("mul", polynomial(col("r"), series), call("pow10", col("k")))),
    ]


def expand_sqrt(x: Attribute) -> Steps:
    """10^h sqrt(s) with x = s 10^2h and 0.1 <= s < 100, sqrt(s) by Newton's (Heron's) iteration"""
    half = call("idiv", call("exponent10", col("x")), lit(2))
    scaled = call("mul", col("x"), call("pow10", call("mul", col("h"), lit(-2))))
    guess = call("add", lit(0.6), call("mul", lit(0.14), col("s")))
    steps: Steps = [("x", x), ("h", half), ("s", scaled), ("g0", guess)]
    for n in range(7):
        g = col(f"g{n}")
        improved = call("mul", lit(0.5), call("add", g, call("div", col("s"), g)))
        steps.append((f"g{n + 1}", improved))
    root = call("mul", col("g7"), call("pow10", col("h")))
    steps.append(("y", call("if", call("gt", col("x"), lit(0.0)), root, lit(0.0))))
    return steps


def expand_sine(x: Attribute, quarter_turns: int) -> Steps:
    """sin(x + quarter_turns pi / 2): by the quadrant, a series of sin or cos on |r| <= pi / 4"""
    sine = [(-1) ** n / factorial(2 * n + 1) for n in range(9)]
    cosine = [(-1) ** n / factorial(2 * n) for n in range(9)]
    turns = nearest(call("div", col("x"), lit(float(HALF_PI))))
    shifted = call("add", call("mod", col("n"), lit(4)), lit(4 + quarter_turns))
    quadrant = call("mod", shifted, lit(4))
    size = call("if", call("eq", call("mod", col("q"), lit(2)), lit(0)), col("sin_r"), col("cos_r"))
    return [
        ("x", x),
        ("n", turns),
        ("r", reduced(col("x"), col("n"), HALF_PI)),
        ("q", quadrant),
        ("square", call("mul", col("r"), col("r"))),
        ("sin_r", call("mul", col("r"), polynomial(col("square"), sine))),
        ("cos_r", polynomial(col("square"), cosine)),
        ("y", call("if", call("lt", col("q"), lit(2)), size, call("neg", size))),
    ]


EXPANSIONS: Mapping[str, Callable[[Attribute], Steps]] = {
    "exp": expand_exp,
    "sqrt": expand_sqrt,
    "sin": lambda x: expand_sine(x, 0),
    "cos": lambda x: expand_sine(x, 1),
}


def replace_call(expression: Attribute, old: Attribute, new: Attribute) -> Attribute:
    if expression == old:
        return new
    if isinstance(expression, CallAttr):
        arguments = [replace_call(argument, old, new) for argument in expression.arguments]
        return CallAttr(expression.function.data, *arguments)
    return expression


def fresh_names(steps: Iterable[str], function: str, taken: Container[str]) -> dict[str, str]:
    """A column for each step: exp0_x, exp0_k, ..."""
    names = ({step: f"{function}{n}_{step}" for step in steps} for n in count())
    return next(found for found in names if not any(name in taken for name in found.values()))


@dataclass
class ExpandFunction(RewritePattern):
    """project {v = exp(x)} -> project {v = y} after projects that compute y step by step"""

    missing: frozenset[str]

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ProjectOp, rewriter: PatternRewriter, /):
        values = rel.expressions(op.values)
        # Innermost last: what it takes is free of missing functions.
        found = [
            e
            for value in values.values()
            for e in walk(value)
            if isinstance(e, CallAttr) and e.function.data in self.missing
        ]
        if not found:
            return
        wanted = found[-1]
        source = schema(op.input)
        carried = {name: col(name) for name in source.values}
        keys = {name: name for name in source.extents}
        steps = EXPANSIONS[wanted.function.data](wanted.arguments.data[0])
        names = fresh_names([name for name, _ in steps], wanted.function.data, source.types)
        renamed = {name: col(prefixed) for name, prefixed in names.items()}
        projects: list[rel.ProjectOp] = []
        input = op.input
        for name, expression in steps:
            # The first step alone reads the columns of the input.
            value = expression if name == "x" else substitute(expression, renamed)
            projects.append(rel.ProjectOp(input, keys, {**carried, names[name]: value}))
            carried[names[name]] = col(names[name])
            input = projects[-1].result
        result = col(names["y"])
        replaced = {n: replace_call(e, wanted, result) for n, e in values.items()}
        last = rel.ProjectOp(input, op.keys.data, replaced)
        rewriter.replace(op, [*projects, last], [last.result])


@dataclass(frozen=True)
class LegalizeFunctionsPass(ModulePass):
    """Expand the functions that a target lacks; `missing` names more of them."""

    name = "legalize-functions"

    target: str = ""
    missing: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        absent = MATH_FUNCTIONS - profile_of(ctx, self.target).functions
        missing = absent | frozenset(self.missing)
        PatternRewriteWalker(ExpandFunction(missing)).rewrite_module(op)
        for left in op.walk():
            if any(calls(expression, missing) for expression in rel.all_expressions(left)):
                names = ", ".join(sorted(missing))
                raise TensorjoinError(f"{left.name} calls a function that is missing: {names}")
