"""The operators of relational algebra that look at several rows at once: groups and windows."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    IntAttr,
    StringAttr,
    UnitAttr,
)
from xdsl.ir import (
    Attribute,
    Operation,
    SSAValue,
)
from xdsl.irdl import (
    IRDLOperation,
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
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.assembly import parse_defined_operand
from tensorjoin.dialects.expression import (
    expression_type,
)
from tensorjoin.dialects.rel.relations import (
    AssignmentAttr,
    RelationType,
    assignments,
    expressions,
    parse_assignments,
    parse_names,
    print_assignments,
    print_names,
    schema,
)


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
