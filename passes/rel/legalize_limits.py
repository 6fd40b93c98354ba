"""Keep to a target's limits: the depth of expressions, the width of relations."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

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
from tensorjoin.dialects.expression import (
    DEEPEST,
    CallAttr,
    ParameterAttr,
    col,
    depth,
    nesting,
    walk,
)
from tensorjoin.dialects.rel import schema
from tensorjoin.errors import TensorjoinError
from tensorjoin.targets import TargetProfile


def level(expression: Attribute, limit: int) -> int:
    """How much of a limit an expression takes; passes recurse where a parser need not."""
    return max(nesting(expression), -(-depth(expression) * limit // DEEPEST))


def cut(
    expression: Attribute, limit: int, parts: dict[Attribute, str], names: Iterator[str]
) -> Attribute:
    """
    `expression` with its largest subexpressions no deeper than `limit` named in `parts`; those of
    less than half of that stay, as they are not what makes it deep.
    """
    if not isinstance(expression, CallAttr) or (taken := level(expression, limit)) <= limit // 2:
        return expression
    if taken <= limit:
        if expression not in parts:
            parts[expression] = next(names)
        return col(parts[expression])
    arguments = [cut(argument, limit, parts, names) for argument in expression.arguments]
    return CallAttr(expression.function.data, *arguments)


@dataclass
class SplitDeepProject(RewritePattern):
    """project {v = f(g(h(x)))} -> project {v = f(part0)} of project {part0 = g(h(x))}"""

    limit: int

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ProjectOp, rewriter: PatternRewriter, /):
        values = rel.expressions(op.values)
        if all(level(value, self.limit) <= self.limit for value in values.values()):
            return
        parts: dict[Attribute, str] = {}
        source = schema(op.input)
        names = (name for n in count() if (name := f"part{n}") not in source.types)
        shallow = {name: cut(e, self.limit, parts, names) for name, e in values.items()}
        carried = {name: col(name) for name in source.values}
        keys = {name: name for name in source.extents}
        named = {name: expression for expression, name in parts.items()}
        inner = rel.ProjectOp(op.input, keys, {**carried, **named})
        outer = rel.ProjectOp(inner, op.keys.data, shallow)
        rewriter.replace(op, [inner, outer], [outer.result])


def check_width(op: rel.TableOp | rel.ProjectOp | rel.JoinOp, profile: TargetProfile) -> None:
    """Refuse a table or a result with more columns than the target has."""
    type = op.schema if isinstance(op, rel.TableOp) else schema(op.result)
    if (width := len(type.types)) > profile.max_columns:
        raise TensorjoinError(
            f"{op.name} has {width} columns and {profile.name} at most {profile.max_columns}:"
            " choose smaller chunks, by tile-weights{chunk=...}"
        )


def check_parameters(op: ModuleOp, profile: TargetProfile) -> None:
    names = {
        part.parameter.data
        for inner in op.walk()
        for expression in rel.all_expressions(inner)
        for part in walk(expression)
        if isinstance(part, ParameterAttr)
    }
    if len(names) > profile.max_parameters:
        raise TensorjoinError(
            f"{len(names)} parameters, and {profile.name} takes {profile.max_parameters}"
        )


@dataclass(frozen=True)
class LegalizeLimitsPass(ModulePass):
    """Split what is nested too deep for a target, and refuse what is too wide."""

    name = "legalize-limits"

    target: str = ""
    max_depth: int | None = None
    """The depth to keep to; by default half of the target's, as statements add some."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        profile = profile_of(ctx, self.target)
        limit = profile.max_depth // 2 if self.max_depth is None else self.max_depth
        if limit < 2:
            raise TensorjoinError("max-depth must be at least 2")
        PatternRewriteWalker(SplitDeepProject(limit)).rewrite_module(op)
        check_parameters(op, profile)
        for inner in op.walk():
            if isinstance(inner, rel.TableOp | rel.ProjectOp | rel.JoinOp):
                check_width(inner, profile)
