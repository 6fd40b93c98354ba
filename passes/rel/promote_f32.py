"""
Numbers of single precision are computed with in double precision, where an engine would not.

See docs/notes/onnx.md#sums-and-products-of-real.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, f32, f64
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern

from tensorjoin.context import profile_of
from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, call, expression_type
from tensorjoin.dialects.rel import schema


def is_single(expression: Attribute, types: Mapping[str, Attribute]) -> bool:
    """
    Whether an engine has a value in single precision.

    A dot product is none: its layout says in what precision its vectors are.
    """
    if isinstance(expression, CallAttr) and expression.function.data == "dot":
        return False
    return expression_type(expression, types) == f32


def widened(
    expression: Attribute, types: Mapping[str, Attribute], functions: frozenset[str]
) -> Attribute:
    """mul(x, y) -> mul(to_float(x), y), unless one of the two has double precision already"""
    if not isinstance(expression, CallAttr):
        return expression
    name = expression.function.data
    arguments = [widened(argument, types, functions) for argument in expression.arguments]
    if name not in functions or any(expression_type(a, types) == f64 for a in arguments):
        return CallAttr(name, *arguments)
    singles = [k for k, argument in enumerate(arguments) if is_single(argument, types)]
    for k in singles[:1]:
        arguments[k] = call("to_float", arguments[k])
    return CallAttr(name, *arguments)


@dataclass
class PromoteSingles(RewritePattern):
    """project {v = mul(x, y)} -> project {v = mul(to_float(x), y)} where x and y are f32"""

    functions: frozenset[str]

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /):
        if not isinstance(op, rel.SelectOp | rel.ProjectOp | rel.AggregateOp | rel.WindowOp):
            return
        types = schema(op.operands[0]).types
        if f32 not in types.values():
            return
        for name, attribute in op.properties.items():
            wide = self.rewritten(attribute, types)
            if wide != attribute:
                op.properties[name] = wide
                rewriter.notify_op_modified(op)

    def rewritten(self, attribute: Attribute, types: Mapping[str, Attribute]) -> Attribute:
        match attribute:
            case rel.AssignmentAttr():
                wide = widened(attribute.expression, types, self.functions)
                return rel.AssignmentAttr(attribute.target.data, wide, attribute.extent.data)
            case CallAttr():
                return widened(attribute, types, self.functions)
            case ArrayAttr():
                return ArrayAttr([self.rewritten(item, types) for item in attribute])
            case _:
                return attribute


@dataclass(frozen=True)
class PromoteF32Pass(ModulePass):
    """Compute in double precision what an engine would compute in single precision."""

    name = "promote-f32"

    target: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        functions = profile_of(ctx, self.target).single_functions
        PatternRewriteWalker(PromoteSingles(functions)).rewrite_module(op)
