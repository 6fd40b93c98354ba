"""What the custom assembly of several dialects needs."""

from xdsl.ir import SSAValue
from xdsl.parser import Parser


def parse_defined_operand(parser: Parser) -> SSAValue:
    """An operand whose type is that of its definition, which must precede it in the text."""
    position = parser.pos
    operand = parser.parse_unresolved_operand()
    values = parser.ssa_values.get(operand.operand_name, ())
    if operand.index >= len(values):
        parser.raise_error(f"%{operand.operand_name} is not defined", position)
    return parser.resolve_operand(operand, values[operand.index].type)
