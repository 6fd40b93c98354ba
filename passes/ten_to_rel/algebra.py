"""map, reduce, contract and gather as joins, projections and aggregates."""

from functools import reduce

from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from tensorjoin.dialects import rel, ten
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.rel import AssignmentAttr, schema
from tensorjoin.passes.ten_to_rel.scalars import scalar_expressions
from tensorjoin.passes.ten_to_rel.values import Emitter, as_tensor, key, layout_of


class ConvertMap(RewritePattern):
    """ten.map "pi,p->pi" (%x, %s) -> project(join(x, s))"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.MapOp, rewriter: PatternRewriter, /):
        out = Emitter()
        labels, result = ten.parse_indices(op.indices.data)
        inputs = [
            out.rows(tensor, list(letters), f"x{k}")
            for k, (tensor, letters) in enumerate(zip(op.inputs, labels, strict=True))
        ]
        joined = out.join(inputs)
        arguments: list[Attribute] = [col(f"x{k}") for k in range(len(inputs))]
        steps, value = scalar_expressions(op, arguments)
        for name, step in steps.items():
            keys = {k: k for k in schema(joined).extents}
            carried = {n: col(n) for n in schema(joined).values}
            joined = out.emit(rel.ProjectOp(joined, keys, {**carried, name: step}))
        mapped = out.emit(rel.ProjectOp(joined, {k: k for k in result}, {"v": value}))
        rewriter.replace(op, [*out.ops, as_tensor(mapped, ten.tensor(op.result))])


class ConvertReduce(RewritePattern):
    """ten.reduce max "pc->p" %x -> aggregate(x) by [p]"""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ReduceOp, rewriter: PatternRewriter, /):
        out = Emitter()
        (letters,), result = ten.parse_indices(op.indices.data)
        rows = out.rows(op.input, list(letters))
        folded = {"v": call(op.kind.data.value, col("v"))}
        total = not ten.is_sparse(ten.tensor(op.result))
        reduced = out.emit(rel.AggregateOp(rows, list(result), folded, total))
        if op.kind.data is ten.Reduction.SUM:
            reduced = out.integral(reduced, ten.tensor(op.result))
        rewriter.replace(op, [*out.ops, as_tensor(reduced, ten.tensor(op.result))])


class ConvertContract(RewritePattern):
    """
    ten.contract "pi,oi->po" (%x, %w) -> aggregate(join(x, w)) by [p, o] {v = sum(mul(x, w))}

    Where an input holds chunks of an axis that is summed over, the others are cut alike, and the
    product of two chunks is a dot product.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.ContractOp, rewriter: PatternRewriter, /):
        out = Emitter()
        labels, result = ten.parse_indices(op.indices.data)
        axis, size = summed_chunks(op)
        inputs = [
            out.chunks(tensor, list(letters), axis, size, f"x{k}")
            if axis and axis in letters
            else out.rows(tensor, list(letters), f"x{k}")
            for k, (tensor, letters) in enumerate(zip(op.inputs, labels, strict=True))
        ]
        all_extents = {k: n for value in inputs for k, n in schema(value).extents.items()}
        unit = {name for name, n in all_extents.items() if n == 1 and name not in result}
        joined = out.join([out.without(value, unit) for value in inputs])
        columns = [
            (col(f"x{k}"), bool(axis) and axis in letters)
            for k, letters in enumerate(labels)
            if schema(joined).values.get(f"x{k}", i1) != i1
        ]
        vectors = [column for column, is_chunk in columns if is_chunk]
        scalars = [column for column, is_chunk in columns if not is_chunk]
        factors = [*([call("dot", *vectors)] if vectors else []), *scalars]
        product = reduce(lambda x, y: call("mul", x, y), factors or [lit(1.0)])

        contracted = summed_over(out, op, joined, product)
        rewriter.replace(op, [*out.ops, as_tensor(contracted, ten.tensor(op.result))])


def summed_over(out: Emitter, op: ten.ContractOp, joined: SSAValue, product: Attribute) -> SSAValue:
    """The sum of a product over the keys that the result of a contraction has not."""
    _, result = ten.parse_indices(op.indices.data)
    extents = schema(joined).extents
    if all(extents[name] == 1 for name in extents if name not in result):
        value = rel.ProjectOp(joined, {k: k for k in result}, {"v": product})
    else:
        total = not ten.is_sparse(ten.tensor(op.result))
        value = rel.AggregateOp(joined, list(result), {"v": call("sum", product)}, total)
    return out.integral(out.emit(value), ten.tensor(op.result))


def summed_chunks(op: ten.ContractOp) -> tuple[str, int]:
    """The axis that a contraction sums by chunks, and their size; an empty name if none."""
    labels, result = ten.parse_indices(op.indices.data)
    masked = {
        letter
        for tensor, letters in zip(op.inputs, labels, strict=True)
        if ten.tensor(tensor).get_element_type() == i1
        for letter in letters
    }
    for tensor, letters in zip(op.inputs, labels, strict=True):
        if (layout := layout_of(tensor)) is not None:
            axis = letters[layout.axis.data]
            if axis in result or axis in masked:
                continue
            if sum(axis in other for other in labels) == 2:
                return axis, layout.size.data
    return "", 1


class ConvertGather(RewritePattern):
    """
    ten.gather "ti,p->pi" %table, %ids -> project(join(ids, table)) on the id; chunks stay

    Where the ids number elements within chunks, the join finds the chunk and `element` its part.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ten.GatherOp, rewriter: PatternRewriter, /):
        out = Emitter()
        (letters, id_letters), result = ten.parse_indices(op.indices.data)
        table = out.named(op.table, list(letters))
        ids = out.rows(op.ids, list(id_letters))
        layout, values, found = layout_of(op.table), dict[str, Attribute](), col("v")
        id: Attribute = col("v")
        if layout is not None and letters[layout.axis.data] == op.axis:
            extent = ten.tensor(op.table).get_shape()[layout.axis.data]
            inside = call("and", call("ge", id, lit(0)), call("lt", id, lit(extent)))
            ids = out.emit(rel.SelectOp(ids, inside))
            size, layout = layout.size.data, None
            if extent <= size:
                id, values = lit(0), {"slot": id}
            else:
                id, values = call("idiv", id, lit(size)), {"slot": call("mod", id, lit(size))}
            found = call("element", col("v"), col("slot"))
        lookup = AssignmentAttr(op.axis, id, schema(table).extents[op.axis])
        wanted = out.emit(rel.ProjectOp(ids, [*map(key, id_letters), lookup], values))
        joined = out.join([wanted, table])
        gathered = out.emit(rel.ProjectOp(joined, {k: k for k in result}, {"v": found}))
        if layout is not None:
            layout = layout.along(result.index(letters[layout.axis.data]))
        rewriter.replace(op, [*out.ops, as_tensor(gathered, ten.tensor(op.result), layout)])
