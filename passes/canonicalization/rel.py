from collections.abc import Iterable, Mapping, Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    DEEPEST,
    CallAttr,
    ColumnRefAttr,
    col,
    columns_of,
    depth,
    lit,
    substitute,
)
from tensorjoin.dialects.rel import AssignmentAttr, schema


class DropIdentityProject(RewritePattern):
    """project %x to its own columns -> x"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ProjectOp, rewriter: PatternRewriter, /):
        renames_nothing = all(
            columns_of(a.expression) == [a.target.data] and not isinstance(a.expression, CallAttr)
            for a in (*op.keys, *op.values)
        )
        if renames_nothing and schema(op.input) == schema(op.result):
            rewriter.replace(op, [], [op.input])


class DropRangeJoin(RewritePattern):
    """join %x [i: 4], (project (range k to 4) [i = k] {v = 2 k}) -> project %x [i] {v = 2 i}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.JoinOp, rewriter: PatternRewriter, /):
        for place, value in enumerate(op.inputs):
            others = [other for k, other in enumerate(op.inputs) if k != place]
            extents = {n: e for other in others for n, e in schema(other).extents.items()}
            if all(extents.get(n) == e for n, e in schema(value).extents.items()):
                numbers = numbers_of(value)
                if numbers is not None:
                    return self.replace(op, rewriter, others, numbers)

    def replace(
        self,
        op: rel.JoinOp,
        rewriter: PatternRewriter,
        others: Sequence[SSAValue],
        numbers: Mapping[str, Attribute],
    ) -> None:
        joined = [rel.JoinOp(others)] if len(others) > 1 else []
        result = schema(op.result)
        values = {name: numbers.get(name, col(name)) for name in result.values}
        keys = {name: name for name in result.extents}
        project = rel.ProjectOp(joined[0] if joined else others[0], keys, values)
        rewriter.replace(op, [*joined, project], [project.result])


def numbers_of(value: SSAValue) -> Mapping[str, Attribute] | None:
    """What is computed of the numbers of a range, from its key; any other key must be 0."""
    project = value.owner
    if not isinstance(project, rel.ProjectOp) or not isinstance(project.input.owner, rel.RangeOp):
        return None
    number = col(project.input.owner.key.data)
    keys = rel.expressions(project.keys)
    named = [name for name, expression in keys.items() if expression == number]
    if len(named) != 1 or any(e not in (number, lit(0)) for e in keys.values()):
        return None
    if schema(value).extents[named[0]] != project.input.owner.extent.value.data:
        return None
    index = {number.column.data: col(named[0])}
    return {name: substitute(e, index) for name, e in rel.expressions(project.values).items()}


def deepest(expressions: Iterable[Attribute]) -> int:
    return max((depth(expression) for expression in expressions), default=0)


class MergeProjects(RewritePattern):
    """project {v = 2 a} of project {a = x + y} -> project {v = 2 (x + y)}"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: rel.ProjectOp, rewriter: PatternRewriter, /):
        if not isinstance(inner := op.input.owner, rel.ProjectOp):
            return
        computed: Mapping[str, Attribute] = {
            **rel.expressions(inner.keys),
            **rel.expressions(inner.values),
        }
        if not op.input.has_one_use():
            # Only what keeps all keys can later be seen to be one relation, read several times.
            drops_key = len(inner.keys) < len(schema(inner.input).extents)
            if drops_key or any(isinstance(e, CallAttr) for e in computed.values()):
                return
        reads = [name for a in (*op.keys, *op.values) for name in columns_of(a.expression)]
        if any(isinstance(computed[n], CallAttr) and reads.count(n) > 1 for n in set(reads)):
            return
        outer = [a.expression for a in (*op.keys, *op.values)]
        if deepest(outer) + deepest(computed.values()) > DEEPEST:
            return
        source, extents = schema(inner.input).extents, schema(op.result).extents
        keys: list[AssignmentAttr] = []
        for name, expression in rel.expressions(op.keys).items():
            merged = substitute(expression, computed)
            known = isinstance(merged, ColumnRefAttr) and source.get(merged.column.data)
            extent = DYNAMIC_INDEX if known == extents[name] else extents[name]
            keys.append(AssignmentAttr(name, merged, extent))
        values = {n: substitute(e, computed) for n, e in rel.expressions(op.values).items()}
        rewriter.replace(op, rel.ProjectOp(inner.input, keys, values))
