from collections.abc import Iterable, Mapping

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Attribute
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import (
    DEEPEST,
    CallAttr,
    ColumnRefAttr,
    columns_of,
    depth,
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
