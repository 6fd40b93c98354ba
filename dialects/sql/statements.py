"""Statements: what creates, fills and empties tables."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    i32,
)
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    MemoryWriteEffect,
    NoTerminator,
    SymbolOpInterface,
)

from tensorjoin.dialects.assembly import parse_defined_operand
from tensorjoin.dialects.layout import LayoutAttr
from tensorjoin.dialects.rel import (
    LifetimeAttr,
    RelationType,
    TableKind,
    TableKindAttr,
    verify_is_of_keys,
)


@irdl_op_definition
class CreateTableOp(IRDLOperation):
    """
    Create a table whose primary key is the relation's key:
    `sql.create_table scratch @norms : <[layer: 5, p: ?], v: f64>`
    """

    name = "sql.create_table"

    sym_name = prop_def(SymbolNameConstraint())
    kind = prop_def(TableKindAttr)
    schema = prop_def(RelationType)
    sources = opt_prop_def(ArrayAttr[StringAttr])
    gain = opt_prop_def(StringAttr)
    transforms = opt_prop_def(DictionaryAttr)
    layout = opt_prop_def(LayoutAttr)
    lifetime = opt_prop_def(LifetimeAttr)

    traits = traits_def(SymbolOpInterface())

    assembly_format = (
        "$kind $sym_name `:` $schema (`from` $sources^)? (`times` $gain^)? "
        "(`with` $transforms^)? (`layout` $layout^)? (`lifetime` $lifetime^)? attr-dict"
    )

    def __init__(
        self,
        name: str,
        kind: TableKind,
        schema: RelationType,
        sources: ArrayAttr[StringAttr] | None = None,
        layout: LayoutAttr | None = None,
        gain: StringAttr | None = None,
        lifetime: LifetimeAttr | None = None,
        transforms: DictionaryAttr | None = None,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "kind": TableKindAttr(kind),
                "schema": schema,
                "sources": sources,
                "gain": gain,
                "transforms": transforms,
                "layout": layout,
                "lifetime": lifetime,
            }
        )


@irdl_op_definition
class InsertOp(IRDLOperation):
    """INSERT INTO a table what a query gives: `sql.insert %q into @norms`"""

    name = "sql.insert"

    query = operand_def(RelationType)
    table = prop_def(SymbolRefAttr)

    traits = traits_def(MemoryWriteEffect())

    def __init__(self, query: SSAValue | Operation, table: str):
        super().__init__(operands=[query], properties={"table": SymbolRefAttr(table)})

    @classmethod
    def parse(cls, parser: Parser) -> "InsertOp":
        query = parse_defined_operand(parser)
        parser.parse_keyword("into")
        return cls(query, parser.parse_symbol_name().data)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.query)
        printer.print_string(" into ")
        printer.print_symbol_name(self.table.root_reference.data)


@irdl_op_definition
class DeleteOp(IRDLOperation):
    """
    DELETE all rows of a table, or those whose keys a query gives: `sql.delete @norms`,
    `sql.delete @keys where %rows`
    """

    name = "sql.delete"

    table = prop_def(SymbolRefAttr)
    keys = opt_operand_def(RelationType)

    traits = traits_def(MemoryWriteEffect())

    def __init__(self, table: str, keys: SSAValue | Operation | None = None):
        super().__init__(operands=[keys], properties={"table": SymbolRefAttr(table)})

    @classmethod
    def parse(cls, parser: Parser) -> "DeleteOp":
        table = parser.parse_symbol_name().data
        if parser.parse_optional_keyword("where") is None:
            return cls(table)
        return cls(table, parse_defined_operand(parser))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.table.root_reference.data)
        if self.keys is not None:
            printer.print_string(" where ")
            printer.print_operand(self.keys)

    def verify_(self) -> None:
        if self.keys is not None:
            verify_is_of_keys(self.keys)


@irdl_op_definition
class TruncateOp(IRDLOperation):
    """TRUNCATE a table where deleted rows stay in the way: `sql.truncate @norms`"""

    name = "sql.truncate"

    table = prop_def(SymbolRefAttr)

    traits = traits_def(MemoryWriteEffect())

    assembly_format = "$table attr-dict"

    def __init__(self, table: str):
        super().__init__(properties={"table": SymbolRefAttr(table)})


@irdl_op_definition
class ForOp(IRDLOperation):
    """Run statements `count` times with the parameter `?counter` at 0, 1, ..."""

    name = "sql.for"

    counter = prop_def(StringAttr)
    count = prop_def(IntegerAttr)
    body = region_def("single_block")

    traits = traits_def(NoTerminator())

    def __init__(self, counter: str, count: int, body: Region | Sequence[Block]):
        super().__init__(
            properties={"counter": StringAttr(counter), "count": IntegerAttr(count, i32)},
            regions=[body],
        )

    @classmethod
    def parse(cls, parser: Parser) -> "ForOp":
        counter = parser.parse_identifier()
        parser.parse_keyword("to")
        count, body = parser.parse_integer(), parser.parse_region()
        if not body.blocks:
            body.add_block(Block())
        return cls(counter, count, body)

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.counter.data} to {self.count.value.data} ")
        printer.print_region(self.body, print_empty_block=False)
