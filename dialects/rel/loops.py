"""Loops over relations."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    IntegerAttr,
    StringAttr,
    i32,
)
from xdsl.ir import (
    Block,
    Operation,
    Region,
    SSAValue,
)
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsTerminator,
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.assembly import parse_defined_operand
from tensorjoin.dialects.rel.relations import RelationType, schema


@irdl_op_definition
class YieldOp(IRDLOperation):
    """The relations of the next round of a loop or a recursion."""

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


@irdl_op_definition
class RecurseOp(IRDLOperation):
    """
    The rows of `%x`, those that the body makes of them, those that it makes of these, and so on
    until it makes none: `%y = rel.recurse %x { ^0(%a: ...): ... rel.yield %b }`

    Rows are kept as they are, as in a union. The body may read tables and write none.
    """

    name = "rel.recurse"

    input = operand_def(RelationType)
    result = result_def(RelationType)
    body = region_def("single_block")

    traits = traits_def(Pure())

    def __init__(self, input: SSAValue | Operation, body: Region | Sequence[Block]):
        input = SSAValue.get(input)
        super().__init__(operands=[input], result_types=[input.type], regions=[body])

    @classmethod
    def parse(cls, parser: Parser) -> "RecurseOp":
        return cls(parse_defined_operand(parser), parser.parse_region())

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.input)
        printer.print_string(" ")
        printer.print_region(self.body, print_empty_block=False)

    def verify_(self) -> None:
        verify_recursion(self.body.block, self.input)


def verify_recursion(body: Block, input: SSAValue) -> None:
    """Refuse a body that does not make a relation of one with the columns of `input`."""
    columns = list(schema(input).types)
    last = body.last_op
    if [list(schema(argument).types) for argument in body.args] != [columns]:
        raise VerifyException("the body must take a relation with the columns of the first")
    if last is None or [list(schema(made).types) for made in last.operands] != [columns]:
        raise VerifyException("the body must yield a relation with the columns of the first")


YieldOp.traits.add_trait(HasParent(ForOp, RecurseOp))
