"""The operators of relational algebra."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    IntegerAttr,
    StringAttr,
    i32,
)
from xdsl.interfaces import HasCanonicalizationPatternsInterface
from xdsl.ir import (
    Attribute,
    Operation,
    SSAValue,
)
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import (
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.assembly import parse_defined_operand
from tensorjoin.dialects.expression import (
    ColumnRefAttr,
    LiteralAttr,
    expression_type,
    parse_expression,
    print_expression,
)
from tensorjoin.dialects.rel.relations import (
    AssignmentAttr,
    RelationType,
    assignments,
    expressions,
    parse_assignment,
    parse_assignments,
    parse_names,
    print_assignment,
    print_assignments,
    print_names,
    schema,
)


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
class JoinOp(IRDLOperation, HasCanonicalizationPatternsInterface):
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
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from tensorjoin.passes.canonicalization.rel import DropRangeJoin

        return (DropRangeJoin(),)

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


@irdl_op_definition
class UnionOp(IRDLOperation):
    """
    All rows of its inputs, which have the same columns: `rel.union %x, %y : !rel.relation<...>`

    Rows are kept as they are, so that a key may occur in several inputs.
    """

    name = "rel.union"

    inputs = var_operand_def(RelationType)
    result = result_def(RelationType)

    traits = traits_def(Pure())

    assembly_format = "$inputs attr-dict `:` functional-type($inputs, $result)"

    def __init__(self, inputs: Sequence[SSAValue | Operation], result_type: RelationType):
        super().__init__(operands=[inputs], result_types=[result_type])

    def verify_(self) -> None:
        names = list(schema(self.result).types)
        for input in self.inputs:
            if list(schema(input).types) != names:
                raise VerifyException(f"the union has columns {', '.join(names)}, not {input.type}")


def shared_keys(types: Sequence[RelationType]) -> list[str]:
    """The keys that two or more of `types` have, in order of appearance."""
    names = [name for type in types for name in type.extents]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]
