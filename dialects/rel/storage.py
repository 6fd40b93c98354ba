"""Tables, and what reads and fills them."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
)
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import (
    Operation,
    SpacedOpaqueSyntaxAttribute,
    SSAValue,
)
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    MemoryReadEffect,
    MemoryWriteEffect,
    Pure,
    SymbolOpInterface,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from tensorjoin.dialects.assembly import parse_defined_operand
from tensorjoin.dialects.layout import LayoutAttr
from tensorjoin.dialects.rel.relations import RelationType, schema


class TableKind(StrEnum):
    WEIGHT = "weight"
    """Filled from the checkpoint, then only read."""
    STATE = "state"
    """Kept from one run to the next, as long as the connection."""
    INPUT = "input"
    """Filled by the caller before a run."""
    SCRATCH = "scratch"
    """Filled and emptied in one run."""
    OUTPUT = "output"
    """Filled by a run and read as a whole by the caller, until the next."""


@irdl_attr_definition
class TableKindAttr(EnumAttribute[TableKind], SpacedOpaqueSyntaxAttribute):
    name = "rel.table_kind"


class Lifetime(StrEnum):
    KEPT = "kept"
    """Until it is dropped."""
    TEMPORARY = "temporary"
    """As long as the connection."""


@irdl_attr_definition
class LifetimeAttr(EnumAttribute[Lifetime], SpacedOpaqueSyntaxAttribute):
    name = "rel.lifetime"


def lifetime_of(kind: TableKindAttr, lifetime: LifetimeAttr | None) -> Lifetime:
    """How long a table lasts; where nothing is said, weights are kept, and all else is not."""
    if lifetime is not None:
        return lifetime.data
    return Lifetime.KEPT if kind.data is TableKind.WEIGHT else Lifetime.TEMPORARY


@irdl_op_definition
class TableOp(IRDLOperation):
    """
    Declare a table: `rel.table weight @norm : <[layer: 5, i: 64], v: f32> from [...]`

    A weight names its checkpoint tensors in `sources`; `{}` stands for the number of the layer,
    several sources follow each other along their first axis, and all are multiplied by the `times`
    tensor along their last; `with` has those that are made of what the checkpoint stores. `layout`
    says how the rows of the table hold the tensor, `lifetime` how long the table lasts (see
    `lifetime_of`).
    """

    name = "rel.table"

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
        sources: Sequence[str] = (),
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
                "sources": ArrayAttr([StringAttr(s) for s in sources]) if sources else None,
                "gain": gain,
                "transforms": transforms,
                "layout": layout,
                "lifetime": lifetime,
            }
        )


@irdl_op_definition
class ScanOp(IRDLOperation):
    """Read a stored table."""

    name = "rel.scan"

    table = prop_def(SymbolRefAttr)
    result = result_def(RelationType)

    traits = traits_def(MemoryReadEffect())

    assembly_format = "$table attr-dict `:` type($result)"

    def __init__(self, table: str, result_type: RelationType):
        super().__init__(properties={"table": SymbolRefAttr(table)}, result_types=[result_type])


@irdl_op_definition
class MaterializeOp(IRDLOperation):
    """Compute a relation now, and once: its users read the stored rows."""

    name = "rel.materialize"

    input = operand_def(RelationType)
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(self, input: SSAValue | Operation):
        input = SSAValue.get(input)
        super().__init__(operands=[input], result_types=[input.type])

    @classmethod
    def parse(cls, parser: Parser) -> "MaterializeOp":
        return cls(parse_defined_operand(parser))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.input)


@irdl_op_definition
class InsertOp(IRDLOperation):
    """Add rows to a table; the columns have the names of the table's: `rel.insert %k into @keys`"""

    name = "rel.insert"

    input = operand_def(RelationType)
    table = prop_def(SymbolRefAttr)

    traits = traits_def(MemoryWriteEffect())

    def __init__(self, input: SSAValue | Operation, table: str):
        super().__init__(operands=[input], properties={"table": SymbolRefAttr(table)})

    @classmethod
    def parse(cls, parser: Parser) -> "InsertOp":
        input = parse_defined_operand(parser)
        parser.parse_keyword("into")
        return cls(input, parser.parse_symbol_name().data)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.input)
        printer.print_string(" into ")
        printer.print_symbol_name(self.table.root_reference.data)


@irdl_op_definition
class DeleteOp(IRDLOperation):
    """
    Remove the rows of a table whose keys are those of a row of a relation, which has some of the
    table's keys and no values: `rel.delete %rows from @keys`
    """

    name = "rel.delete"

    input = operand_def(RelationType)
    table = prop_def(SymbolRefAttr)

    traits = traits_def(MemoryWriteEffect())

    def __init__(self, input: SSAValue | Operation, table: str):
        super().__init__(operands=[input], properties={"table": SymbolRefAttr(table)})

    @classmethod
    def parse(cls, parser: Parser) -> "DeleteOp":
        input = parse_defined_operand(parser)
        parser.parse_keyword("from")
        return cls(input, parser.parse_symbol_name().data)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.input)
        printer.print_string(" from ")
        printer.print_symbol_name(self.table.root_reference.data)

    def verify_(self) -> None:
        verify_is_of_keys(self.input)


def verify_is_of_keys(relation: SSAValue) -> None:
    """Refuse a relation that does not consist of keys."""
    if not schema(relation).extents or schema(relation).values:
        raise VerifyException("what is deleted is named by keys alone")
