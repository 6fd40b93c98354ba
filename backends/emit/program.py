"""A module of the `sql` dialect -> a program, its statements printed by sqlglot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block

from tensorjoin.backend import Target
from tensorjoin.backends.emit.certain_floats import certain_floats
from tensorjoin.backends.emit.statements import Emission
from tensorjoin.backends.emit.tables import TableNames, names_in, table_of
from tensorjoin.dialects import sql
from tensorjoin.dialects.rel import TableKind
from tensorjoin.errors import TensorjoinError
from tensorjoin.program import Loop, Program, Step, Table


def emit_program(
    module: ModuleOp,
    target: Target,
    table_name: TableNames = str,
) -> Program:
    """
    The tables and procedures of a module lowered to `sql`.

    Raises TensorjoinError where something has no spelling on the target.
    """
    untyped: Mapping[str, frozenset[str]] = {}
    if target.spelling.converts_floats:
        untyped = certain_floats(module)
    created = [op for op in module.ops if isinstance(op, sql.CreateTableOp)]
    table_name = names_in(created, target, table_name)
    tables = [table_of(op, target, table_name, untyped) for op in created]
    procedures = {
        op.sym_name.data: tuple(Procedure(target, table_name).steps(op.body.block))
        for op in module.ops
        if isinstance(op, func.FuncOp)
    }
    return Program(tuple(tables), procedures)


def emit_query(
    module: ModuleOp,
    target: Target,
    table_name: TableNames,
    inputs: Sequence[exp.CTE],
) -> exp.Select:
    """
    The query that fills the one table of a module with one insertion; `inputs` stand for the tables
    it reads, by their names.
    """
    table_name = names_in(weights_of(module), target, table_name)
    (insertion,) = (op for op in module.walk() if isinstance(op, sql.InsertOp))
    emission = Emission(target, table_name, is_whole_program=True)
    emission.ctes += inputs
    tree = emission.root(insertion.query)
    assert isinstance(tree, exp.Select)
    return tree


def emit_tables(module: ModuleOp, target: Target, table_name: TableNames) -> list[Table]:
    """The tables of a module that hold weights."""
    weights = weights_of(module)
    table_name = names_in(weights, target, table_name)
    return [table_of(op, target, table_name, {}) for op in weights]


def weights_of(module: ModuleOp) -> list[sql.CreateTableOp]:
    return [
        op
        for op in module.ops
        if isinstance(op, sql.CreateTableOp) and op.kind.data is TableKind.WEIGHT
    ]


@dataclass
class Procedure:
    """Emits the statements of one function."""

    target: Target
    table_name: TableNames
    loops: int = 0

    def steps(self, block: Block, loop: Loop | None = None) -> list[Step]:
        steps: list[Step] = []
        for op in block.ops:
            match op:
                case sql.ForOp():
                    if loop is not None:
                        raise TensorjoinError("a loop in a loop has no form as statements")
                    inner = Loop(self.loops, op.counter.data, op.count.value.data)
                    self.loops += 1
                    steps += self.steps(op.body.block, inner)
                case sql.TruncateOp() if not self.target.spelling.keeps_deleted_rows:
                    pass
                case sql.InsertOp() | sql.DeleteOp() | sql.TruncateOp():
                    emission = Emission(self.target, self.table_name)
                    steps.append(Step(emission.statement(op), loop))
                case (
                    sql.TableOp()
                    | sql.ValuesOp()
                    | sql.SelectOp()
                    | sql.UnionOp()
                    | sql.RecurseOp()
                    | func.ReturnOp()
                ):
                    pass
                case _:
                    raise TensorjoinError(f"{op.name} has no form as a statement: lower it to sql")
        return steps
