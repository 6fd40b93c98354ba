"""
Relational algebra over keyed relations.

A relation's type is its schema: `!rel.relation<[p: ?, i: 64], v: f64>` has one row for each
position p and index i < 64, zeros included (`sparse` says that rows may be absent), so that a
relation can stand for a tensor. Joins are natural: columns of one name are equated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    IntAttr,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    UnitAttr,
    i32,
)
from xdsl.dialects.utils import EnumAttribute
from xdsl.interfaces import HasCanonicalizationPatternsInterface
from xdsl.ir import (
    Attribute,
    Block,
    Dialect,
    Operation,
    ParametrizedAttribute,
    Region,
    SpacedOpaqueSyntaxAttribute,
    SSAValue,
    TypeAttribute,
)
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import AttrParser, Parser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsTerminator,
    MemoryReadEffect,
    MemoryWriteEffect,
    Pure,
    SymbolOpInterface,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from tensorjoin.dialects.assembly import parse_defined_operand
from tensorjoin.dialects.expression import (
    CallAttr,
    ColumnRefAttr,
    LiteralAttr,
    ParameterAttr,
    expression_type,
    parse_expression,
    print_expression,
)
from tensorjoin.dialects.layout import LayoutAttr


@irdl_attr_definition
class KeyAttr(ParametrizedAttribute):
    """A key column: an integer from 0 to below `extent`, which may be unknown."""

    name = "rel.key"

    key_name: StringAttr
    extent: IntAttr

    def __init__(self, key_name: str, extent: int):
        super().__init__(StringAttr(key_name), IntAttr(extent))


@irdl_attr_definition
class ColumnAttr(ParametrizedAttribute):
    """A column that depends on the key."""

    name = "rel.column"

    column_name: StringAttr
    column_type: Attribute

    def __init__(self, column_name: str, column_type: Attribute):
        super().__init__(StringAttr(column_name), column_type)


@irdl_attr_definition
class RelationType(ParametrizedAttribute, TypeAttribute):
    """A set of rows with a key: one row for each index, or, where sparse, at most one."""

    name = "rel.relation"

    keys: ArrayAttr[KeyAttr]
    columns: ArrayAttr[ColumnAttr]
    sparse: IntAttr

    def __init__(
        self,
        keys: Mapping[str, int],
        columns: Mapping[str, Attribute],
        sparse: bool = False,
    ):
        super().__init__(
            ArrayAttr([KeyAttr(name, extent) for name, extent in keys.items()]),
            ArrayAttr([ColumnAttr(name, type) for name, type in columns.items()]),
            IntAttr(int(sparse)),
        )

    @property
    def extents(self) -> dict[str, int]:
        """The key columns with their extents."""
        return {key.key_name.data: key.extent.data for key in self.keys}

    @property
    def values(self) -> dict[str, Attribute]:
        """The other columns with their types."""
        return {c.column_name.data: c.column_type for c in self.columns}

    @property
    def types(self) -> dict[str, Attribute]:
        """All columns with their types."""
        return {**dict.fromkeys(self.extents, i32), **self.values}

    @property
    def is_sparse(self) -> bool:
        return bool(self.sparse.data)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        def parse_key() -> KeyAttr:
            name = parser.parse_identifier()
            parser.parse_punctuation(":")
            if parser.parse_optional_punctuation("?") is not None:
                return KeyAttr(name, DYNAMIC_INDEX)
            return KeyAttr(name, parser.parse_integer())

        with parser.in_angle_brackets():
            sparse = parser.parse_optional_keyword("sparse") is not None
            keys = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parse_key)
            columns: list[ColumnAttr] = []
            while parser.parse_optional_punctuation(",") is not None:
                name = parser.parse_identifier()
                parser.parse_punctuation(":")
                columns.append(ColumnAttr(name, parser.parse_type()))
        return (ArrayAttr(keys), ArrayAttr(columns), IntAttr(int(sparse)))

    def print_parameters(self, printer: Printer) -> None:
        def print_key(key: KeyAttr):
            extent = "?" if key.extent.data == DYNAMIC_INDEX else key.extent.data
            printer.print_string(f"{key.key_name.data}: {extent}")

        with printer.in_angle_brackets():
            if self.is_sparse:
                printer.print_string("sparse ")
            with printer.in_square_brackets():
                printer.print_list(self.keys, print_key)
            for column in self.columns:
                printer.print_string(f", {column.column_name.data}: ")
                printer.print_attribute(column.column_type)

    def verify(self) -> None:
        names = [*(k.key_name.data for k in self.keys), *(c.column_name.data for c in self.columns)]
        if len(set(names)) != len(names):
            raise VerifyException(f"duplicate column in {', '.join(names)}")


def schema(value: SSAValue | Operation) -> RelationType:
    """The type of a relation: `operand_def` does not carry it to the type checker."""
    return SSAValue.get(value, type=RelationType).type


@irdl_attr_definition
class AssignmentAttr(ParametrizedAttribute):
    """A computed column: `v = mul(a, b)`; `extent` is that of a computed key."""

    name = "rel.assignment"

    target: StringAttr
    expression: Attribute
    extent: IntAttr

    def __init__(self, target: str, expression: Attribute, extent: int = DYNAMIC_INDEX):
        super().__init__(StringAttr(target), expression, IntAttr(extent))


def assignments(expressions: Mapping[str, Attribute]) -> ArrayAttr[AssignmentAttr]:
    return ArrayAttr([AssignmentAttr(name, e) for name, e in expressions.items()])


def expressions(attribute: ArrayAttr[AssignmentAttr]) -> dict[str, Attribute]:
    return {a.target.data: a.expression for a in attribute}


def parse_names(parser: AttrParser) -> ArrayAttr[StringAttr]:
    names = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_identifier)
    return ArrayAttr([StringAttr(name) for name in names])


def print_names(printer: Printer, names: Iterable[StringAttr]) -> None:
    with printer.in_square_brackets():
        printer.print_list(names, lambda name: printer.print_string(name.data))


def parse_assignment(parser: AttrParser) -> AssignmentAttr:
    """`p`, `v = mul(a, b)`, or, for a computed key, `h = idiv(o, 8) to 4`"""
    target = parser.parse_identifier()
    if parser.parse_optional_punctuation("=") is None:
        return AssignmentAttr(target, ColumnRefAttr(target))
    expression = parse_expression(parser)
    if parser.parse_optional_keyword("to") is None:
        return AssignmentAttr(target, expression)
    return AssignmentAttr(target, expression, parser.parse_integer())


def print_assignment(printer: Printer, assignment: AssignmentAttr) -> None:
    printer.print_string(assignment.target.data)
    if assignment.expression != ColumnRefAttr(assignment.target.data):
        printer.print_string(" = ")
        print_expression(printer, assignment.expression)
    if assignment.extent.data != DYNAMIC_INDEX:
        printer.print_string(f" to {assignment.extent.data}")


def parse_assignments(parser: AttrParser) -> ArrayAttr[AssignmentAttr]:
    return ArrayAttr(
        parser.parse_comma_separated_list(parser.Delimiter.BRACES, lambda: parse_assignment(parser))
    )


def print_assignments(printer: Printer, attribute: Iterable[AssignmentAttr]) -> None:
    with printer.in_braces():
        printer.print_list(attribute, lambda a: print_assignment(printer, a))


class TableKind(StrEnum):
    WEIGHT = "weight"
    """Filled from the checkpoint, then only read."""
    STATE = "state"
    """Kept from one run to the next, as long as the connection."""
    INPUT = "input"
    """Filled by the caller before a run."""
    SCRATCH = "scratch"
    """Filled and emptied in one run."""


@irdl_attr_definition
class TableKindAttr(EnumAttribute[TableKind], SpacedOpaqueSyntaxAttribute):
    name = "rel.table_kind"


@irdl_op_definition
class TableOp(IRDLOperation):
    """
    Declare a table: `rel.table weight @norm : <[layer: 5, i: 64], v: f32> from [...]`

    A weight names its checkpoint tensors in `sources`; `{}` stands for the number of the layer,
    several sources follow each other along their first axis. `layout` says how the rows of the
    table hold the tensor.
    """

    name = "rel.table"

    sym_name = prop_def(SymbolNameConstraint())
    kind = prop_def(TableKindAttr)
    schema = prop_def(RelationType)
    sources = opt_prop_def(ArrayAttr[StringAttr])
    layout = opt_prop_def(LayoutAttr)

    traits = traits_def(SymbolOpInterface())

    assembly_format = (
        "$kind $sym_name `:` $schema (`from` $sources^)? (`layout` $layout^)? attr-dict"
    )

    def __init__(
        self,
        name: str,
        kind: TableKind,
        schema: RelationType,
        sources: Sequence[str] = (),
        layout: LayoutAttr | None = None,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "kind": TableKindAttr(kind),
                "schema": schema,
                "sources": ArrayAttr([StringAttr(s) for s in sources]) if sources else None,
                "layout": layout,
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
class RangeOp(IRDLOperation):
    """The numbers 0 to below `extent` as a relation of one key: `rel.range j to 32`"""

    name = "rel.range"

    key = prop_def(StringAttr)
    extent = prop_def(IntegerAttr)
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(self, key: str, extent: int):
        super().__init__(
            properties={"key": StringAttr(key), "extent": IntegerAttr(extent, i32)},
            result_types=[RelationType({key: extent}, {})],
        )

    @classmethod
    def parse(cls, parser: Parser) -> "RangeOp":
        key = parser.parse_identifier()
        parser.parse_keyword("to")
        return cls(key, parser.parse_integer())

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.key.data} to {self.extent.value.data}")


@irdl_op_definition
class ValuesOp(IRDLOperation):
    """
    A small constant relation, its values in the order of the keys:
    `rel.values [0.5, 1.0] : !rel.relation<[i: 2], v: f64>`
    """

    name = "rel.values"

    values = prop_def(ArrayAttr[LiteralAttr])
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(self, values: Sequence[int | float], result_type: RelationType):
        super().__init__(
            properties={"values": ArrayAttr([LiteralAttr(v) for v in values])},
            result_types=[result_type],
        )

    @classmethod
    def parse(cls, parser: Parser) -> "ValuesOp":
        literals = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: parse_expression(parser)
        )
        parser.parse_punctuation(":")
        result_type = parser.parse_type()
        return cls.create(properties={"values": ArrayAttr(literals)}, result_types=[result_type])

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        with printer.in_square_brackets():
            printer.print_list(self.values, lambda v: print_expression(printer, v))
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    def verify_(self) -> None:
        rows = 1
        for extent in schema(self.result).extents.values():
            rows *= extent
        if rows != len(self.values):
            raise VerifyException(f"{rows} rows need as many values, not {len(self.values)}")


@irdl_op_definition
class SelectOp(IRDLOperation):
    """Keep the rows that fulfil a condition: `rel.select %x where eq(layer, ?layer)`"""

    name = "rel.select"

    input = operand_def(RelationType)
    condition = prop_def(Attribute)
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(self, input: SSAValue | Operation, condition: Attribute):
        input = SSAValue.get(input)
        super().__init__(
            operands=[input], properties={"condition": condition}, result_types=[input.type]
        )

    @classmethod
    def parse(cls, parser: Parser) -> "SelectOp":
        input = parse_defined_operand(parser)
        parser.parse_keyword("where")
        return cls(input, parse_expression(parser))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.input)
        printer.print_string(" where ")
        print_expression(printer, self.condition)

    def verify_(self) -> None:
        expression_type(self.condition, schema(self.input).types)


@irdl_op_definition
class ProjectOp(IRDLOperation, HasCanonicalizationPatternsInterface):
    """
    Compute new columns, the key first: `rel.project %x [p, h = idiv(o, 8) to 4] {v = mul(v, 0.5)}`
    """

    name = "rel.project"

    input = operand_def(RelationType)
    keys = prop_def(ArrayAttr[AssignmentAttr])
    values = prop_def(ArrayAttr[AssignmentAttr])
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(
        self,
        input: SSAValue | Operation,
        keys: Sequence[AssignmentAttr] | Mapping[str, str],
        values: Mapping[str, Attribute],
    ):
        input = SSAValue.get(input)
        if isinstance(keys, Mapping):
            keys = [AssignmentAttr(new, ColumnRefAttr(old)) for new, old in keys.items()]
        source = schema(input)
        extents = {
            key.target.data: source.extents.get(key.expression.column.data, DYNAMIC_INDEX)
            if isinstance(key.expression, ColumnRefAttr) and key.extent.data == DYNAMIC_INDEX
            else key.extent.data
            for key in keys
        }
        types = {name: expression_type(e, source.types) for name, e in values.items()}
        super().__init__(
            operands=[input],
            properties={"keys": ArrayAttr(keys), "values": assignments(values)},
            result_types=[RelationType(extents, types, source.is_sparse)],
        )

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from tensorjoin.passes.canonicalization.rel import DropIdentityProject, MergeProjects

        return (DropIdentityProject(), MergeProjects())

    @classmethod
    def parse(cls, parser: Parser) -> "ProjectOp":
        input = parse_defined_operand(parser)
        keys = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: parse_assignment(parser)
        )
        return cls(input, keys, expressions(parse_assignments(parser)))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.input)
        printer.print_string(" ")
        with printer.in_square_brackets():
            printer.print_list(self.keys, lambda key: print_assignment(printer, key))
        printer.print_string(" ")
        print_assignments(printer, self.values)

    def verify_(self) -> None:
        types = schema(self.input).types
        for assignment in (*self.keys, *self.values):
            expression_type(assignment.expression, types)


@irdl_op_definition
class JoinOp(IRDLOperation):
    """
    The natural join of its inputs, in their order: `rel.join %x, %w on [i]`

    Inputs may share key columns only; `on` repeats for the reader which ones they share.
    """

    name = "rel.join"

    inputs = var_operand_def(RelationType)
    on = prop_def(ArrayAttr[StringAttr])
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(self, inputs: Sequence[SSAValue | Operation]):
        types = [schema(input) for input in inputs]
        keys: dict[str, int] = {}
        columns: dict[str, Attribute] = {}
        for type in types:
            keys |= {k: e for k, e in type.extents.items() if e != DYNAMIC_INDEX or k not in keys}
            columns |= type.values
        super().__init__(
            operands=[[SSAValue.get(input) for input in inputs]],
            properties={"on": ArrayAttr([StringAttr(name) for name in shared_keys(types)])},
            result_types=[RelationType(keys, columns, any(type.is_sparse for type in types))],
        )

    @classmethod
    def parse(cls, parser: Parser) -> "JoinOp":
        inputs = parser.parse_comma_separated_list(
            parser.Delimiter.NONE, lambda: parse_defined_operand(parser)
        )
        parser.parse_keyword("on")
        names = parse_names(parser)
        op = cls(inputs)
        op.properties["on"] = names
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.inputs, printer.print_operand)
        printer.print_string(" on ")
        print_names(printer, self.on)

    def verify_(self) -> None:
        types = [schema(input) for input in self.inputs]
        values = [name for type in types for name in type.values]
        keys = {name for type in types for name in type.extents}
        for name in values:
            if values.count(name) > 1 or name in keys:
                raise VerifyException(f"column {name} is in several inputs and no key in each")
        if (shared := shared_keys(types)) != [name.data for name in self.on]:
            raise VerifyException(f"the inputs share {', '.join(shared) or 'no key'}")


def shared_keys(types: Sequence[RelationType]) -> list[str]:
    """The keys that two or more of `types` have, in order of appearance."""
    names = [name for type in types for name in type.extents]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


@irdl_op_definition
class AggregateOp(IRDLOperation):
    """
    One row for each group: `rel.aggregate %j by [p, o] {v = sum(mul(a, b))}`

    `total` promises that a sparse input has a row for every group.
    """

    name = "rel.aggregate"

    input = operand_def(RelationType)
    by = prop_def(ArrayAttr[StringAttr])
    values = prop_def(ArrayAttr[AssignmentAttr])
    total = opt_prop_def(UnitAttr)
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(
        self,
        input: SSAValue | Operation,
        by: Sequence[str],
        values: Mapping[str, Attribute],
        total: bool = False,
    ):
        input = SSAValue.get(input)
        source = schema(input)
        types = {name: expression_type(e, source.types) for name, e in values.items()}
        keys = {name: source.extents[name] for name in by if name in source.extents}
        super().__init__(
            operands=[input],
            properties={
                "by": ArrayAttr([StringAttr(name) for name in by]),
                "values": assignments(values),
                "total": UnitAttr() if total else None,
            },
            result_types=[RelationType(keys, types, source.is_sparse and not total)],
        )

    @classmethod
    def parse(cls, parser: Parser) -> "AggregateOp":
        total = parser.parse_optional_keyword("total") is not None
        input = parse_defined_operand(parser)
        parser.parse_keyword("by")
        by = [name.data for name in parse_names(parser)]
        return cls(input, by, expressions(parse_assignments(parser)), total)

    def print(self, printer: Printer) -> None:
        printer.print_string(" total " if self.total else " ")
        printer.print_operand(self.input)
        printer.print_string(" by ")
        print_names(printer, self.by)
        printer.print_string(" ")
        print_assignments(printer, self.values)

    def verify_(self) -> None:
        source = schema(self.input)
        for name in self.by:
            if name.data not in source.extents:
                raise VerifyException(f"no key {name.data!r} to group by")
        for assignment in self.values:
            expression_type(assignment.expression, source.types)


@irdl_op_definition
class WindowOp(IRDLOperation):
    """
    Add columns computed over the rows up to this one, in an order:
    `rel.window %x per [p] by [desc v, t] {rank = row_number(), mass = running_sum(e)}`
    """

    name = "rel.window"

    input = operand_def(RelationType)
    partition = prop_def(ArrayAttr[StringAttr])
    order = prop_def(ArrayAttr[StringAttr])
    descending = prop_def(ArrayAttr[IntAttr])
    values = prop_def(ArrayAttr[AssignmentAttr])
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(
        self,
        input: SSAValue | Operation,
        partition: Sequence[str],
        order: Mapping[str, bool],
        values: Mapping[str, Attribute],
    ):
        """`order` says of each column whether it descends."""
        input = SSAValue.get(input)
        source = schema(input)
        types = {name: expression_type(e, source.types) for name, e in values.items()}
        super().__init__(
            operands=[input],
            properties={
                "partition": ArrayAttr([StringAttr(name) for name in partition]),
                "order": ArrayAttr([StringAttr(name) for name in order]),
                "descending": ArrayAttr([IntAttr(int(d)) for d in order.values()]),
                "values": assignments(values),
            },
            result_types=[
                RelationType(source.extents, {**source.values, **types}, source.is_sparse)
            ],
        )

    @classmethod
    def parse(cls, parser: Parser) -> "WindowOp":
        def parse_order() -> tuple[str, bool]:
            descending = parser.parse_optional_keyword("desc") is not None
            return parser.parse_identifier(), descending

        input = parse_defined_operand(parser)
        parser.parse_keyword("per")
        partition = [name.data for name in parse_names(parser)]
        parser.parse_keyword("by")
        order = dict(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parse_order))
        return cls(input, partition, order, expressions(parse_assignments(parser)))

    def print(self, printer: Printer) -> None:
        def print_order(entry: tuple[str, bool]):
            printer.print_string(("desc " if entry[1] else "") + entry[0])

        printer.print_string(" ")
        printer.print_operand(self.input)
        printer.print_string(" per ")
        print_names(printer, self.partition)
        printer.print_string(" by ")
        with printer.in_square_brackets():
            printer.print_list(self.ordering.items(), print_order)
        printer.print_string(" ")
        print_assignments(printer, self.values)

    @property
    def ordering(self) -> dict[str, bool]:
        """Each column of the order, and whether it descends."""
        return {c.data: bool(d.data) for c, d in zip(self.order, self.descending, strict=True)}

    def verify_(self) -> None:
        types = schema(self.input).types
        for name in (*self.partition, *self.order):
            if name.data not in types:
                raise VerifyException(f"no column {name.data!r} to order or partition by")
        for assignment in self.values:
            expression_type(assignment.expression, types)


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
class YieldOp(IRDLOperation):
    """The values of the next round of a loop."""

    name = "rel.yield"

    inputs = var_operand_def(RelationType)

    traits = traits_def(IsTerminator())

    assembly_format = "($inputs^ `:` type($inputs))? attr-dict"

    def __init__(self, *inputs: SSAValue | Operation):
        super().__init__(operands=[inputs])


@irdl_op_definition
class ForOp(IRDLOperation):
    """
    Run the body `count` times with the parameter `?counter` at 0, 1, ...; relations may be carried
    from round to round: `%y = rel.for layer to 5 carrying (%x) { ^0(%a: ...): ... rel.yield %b }`
    """

    name = "rel.for"

    counter = prop_def(StringAttr)
    count = prop_def(IntegerAttr)
    inputs = var_operand_def(RelationType)
    results_ = var_result_def(RelationType)
    body = region_def("single_block")

    traits = traits_def()

    def __init__(
        self,
        counter: str,
        count: int,
        inputs: Sequence[SSAValue],
        body: Region | Sequence[Block],
    ):
        super().__init__(
            operands=[inputs],
            properties={"counter": StringAttr(counter), "count": IntegerAttr(count, i32)},
            result_types=[[input.type for input in inputs]],
            regions=[body],
        )

    @classmethod
    def parse(cls, parser: Parser) -> "ForOp":
        counter = parser.parse_identifier()
        parser.parse_keyword("to")
        count = parser.parse_integer()
        inputs: list[SSAValue] = []
        if parser.parse_optional_keyword("carrying") is not None:
            inputs = parser.parse_comma_separated_list(
                parser.Delimiter.PAREN, lambda: parse_defined_operand(parser)
            )
        return cls(counter, count, inputs, parser.parse_region())

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.counter.data} to {self.count.value.data} ")
        if self.inputs:
            printer.print_string("carrying ")
            with printer.in_parens():
                printer.print_list(self.inputs, printer.print_operand)
            printer.print_string(" ")
        printer.print_region(self.body, print_empty_block=False)

    def verify_(self) -> None:
        carried = [input.type for input in self.inputs]
        if [a.type for a in self.body.block.args] != carried:
            raise VerifyException("the block's arguments differ from the relations carried")
        last = self.body.block.last_op
        if not isinstance(last, YieldOp) or [i.type for i in last.inputs] != carried:
            raise VerifyException("the loop must yield what it carries")


YieldOp.traits.add_trait(HasParent(ForOp))


def all_expressions(op: Operation) -> Iterator[Attribute]:
    """Every expression that an op computes or tests."""
    if isinstance(op, SelectOp):
        yield op.condition
    for attribute in op.properties.values():
        if isinstance(attribute, ArrayAttr):
            items = cast(ArrayAttr[Attribute], attribute)
            yield from (a.expression for a in items if isinstance(a, AssignmentAttr))


Rel = Dialect(
    "rel",
    [
        TableOp,
        ScanOp,
        RangeOp,
        ValuesOp,
        SelectOp,
        ProjectOp,
        JoinOp,
        AggregateOp,
        WindowOp,
        MaterializeOp,
        InsertOp,
        ForOp,
        YieldOp,
    ],
    [
        KeyAttr,
        ColumnAttr,
        RelationType,
        AssignmentAttr,
        TableKindAttr,
        LayoutAttr,
        ColumnRefAttr,
        ParameterAttr,
        LiteralAttr,
        CallAttr,
    ],
)
