"""A forward pass in `rel` -> with it, the procedures that choose tokens and keep the context."""

from dataclasses import dataclass
from importlib.resources import files

from xdsl.context import Context
from xdsl.dialects.builtin import DYNAMIC_INDEX, Builtin, ModuleOp, i32
from xdsl.dialects.func import Func, FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import ParameterAttr, call, col
from tensorjoin.dialects.rel import AssignmentAttr, RelationType, TableKind
from tensorjoin.errors import TensorjoinError
from tensorjoin.interface import CONTEXT_ROW, STREAM, Procedure, TableName
from tensorjoin.passes.ten_to_rel.values import Emitter


def close(state: list[rel.TableOp]) -> FuncOp:
    """
    The procedure that ends a stream: of each table of state, its rows go; first those that are
    known by their rows of the context, last these.

    Raises TensorjoinError where a table is keyed by neither a stream nor a row of the context.
    """
    out = Emitter()
    stream = {STREAM: ParameterAttr(STREAM)}
    one = out.emit(rel.RangeOp("k", 1))
    streams = out.emit(rel.ProjectOp(one, [AssignmentAttr(n, e) for n, e in stream.items()], {}))
    schema = RelationType({CONTEXT_ROW: DYNAMIC_INDEX}, {STREAM: i32})
    context = out.emit(rel.ScanOp(TableName.CONTEXT, schema))
    own = out.emit(rel.SelectOp(context, call("eq", col(STREAM), stream[STREAM])))
    rows = out.emit(rel.ProjectOp(own, {CONTEXT_ROW: CONTEXT_ROW}, {}))
    deletions: list[Operation] = []
    for table in sorted(state, key=lambda table: table.sym_name.data == TableName.CONTEXT):
        name, keys = table.sym_name.data, table.schema.extents
        if STREAM in keys:
            deletions.append(rel.DeleteOp(streams, name))
        elif CONTEXT_ROW in keys:
            deletions.append(rel.DeleteOp(rows, name))
        else:
            raise TensorjoinError(
                f"the state {name} is keyed by neither {STREAM} nor {CONTEXT_ROW}: no stream has it"
            )
    block = Block([*out.ops, *deletions, ReturnOp()])
    return FuncOp(Procedure.CLOSE_STREAM, ((), ()), Region(block))


@dataclass(frozen=True)
class AddGenerationPass(ModulePass):
    """Add the procedures of generation.mlir, and @close_stream, which ends a stream."""

    name = "add-generation"
    requires = frozenset({"forms of the forward pass"})

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        reader = Context()
        for dialect in (Builtin, Func, rel.Rel):
            reader.load_dialect(dialect)
        text = files("tensorjoin.passes.rel").joinpath("generation.mlir").read_text()
        for each in list(Parser(reader, text).parse_module().ops):
            each.detach()
            op.body.block.add_op(each)
        tables = [table for table in op.ops if isinstance(table, rel.TableOp)]
        op.body.block.add_op(close([t for t in tables if t.kind.data is TableKind.STATE]))
