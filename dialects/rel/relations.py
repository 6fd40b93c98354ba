"""The types of `rel`: keyed relations, and columns computed from others."""

from collections.abc import Iterable, Mapping, Sequence

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    IntAttr,
    StringAttr,
    i32,
)
from xdsl.ir import (
    Attribute,
    Operation,
    ParametrizedAttribute,
    SSAValue,
    TypeAttribute,
)
from xdsl.irdl import (
    irdl_attr_definition,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.expression import (
    ColumnRefAttr,
    parse_expression,
    print_expression,
)


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
    """`p`, `v = mul(a, b)`, or, for a key whose extent is not that of a column, `i to 4`"""
    target = parser.parse_identifier()
    is_renamed = parser.parse_optional_punctuation("=") is not None
    expression = parse_expression(parser) if is_renamed else ColumnRefAttr(target)
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
