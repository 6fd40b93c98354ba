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
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsTerminator,
)
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.assembly import parse_defined_operand
from tensorjoin.dialects.rel.relations import RelationType


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
