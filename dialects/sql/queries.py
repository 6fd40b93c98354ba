"""Queries: values that statements hold as common table expressions."""

from collections.abc import Iterator, Mapping, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    IntAttr,
    StringAttr,
    SymbolRefAttr,
)
from xdsl.interfaces import HasCanonicalizationPatternsInterface
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsTerminator,
    MemoryReadEffect,
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.assembly import parse_defined_operand
from tensorjoin.dialects.expression import (
    AGGREGATES,
    WINDOWS,
    CallAttr,
    LiteralAttr,
    calls,
    columns_of,
    expression_type,
    parse_expression,
    print_expression,
)
from tensorjoin.dialects.rel import (
    AssignmentAttr,
    RelationType,
    assignments,
    expressions,
    parse_assignments,
    print_assignments,
    schema,
    verify_recursion,
)


@irdl_op_definition
class TableOp(IRDLOperation):
    """A stored table as a source: `sql.table @weights : !rel.relation<...>`"""

    name = "sql.table"

    table = prop_def(SymbolRefAttr)
    result = result_def(RelationType)

    traits = traits_def(MemoryReadEffect())

    assembly_format = "$table attr-dict `:` type($result)"

    def __init__(self, table: str, result_type: RelationType):
        super().__init__(properties={"table": SymbolRefAttr(table)}, result_types=[result_type])


@irdl_op_definition
class ValuesOp(IRDLOperation):
    """Literal rows, each with all columns of the type: `sql.values [0, 0.5, 1, 0.1] : ...`"""

    name = "sql.values"

    rows = prop_def(ArrayAttr[LiteralAttr])
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(self, rows: Sequence[LiteralAttr], result_type: RelationType):
        super().__init__(properties={"rows": ArrayAttr(rows)}, result_types=[result_type])

    @classmethod
    def parse(cls, parser: Parser) -> "ValuesOp":
        literals = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: parse_expression(parser)
        )
        parser.parse_punctuation(":")
        result_type = parser.parse_type()
        return cls.create(properties={"rows": ArrayAttr(literals)}, result_types=[result_type])

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        with printer.in_square_brackets():
            printer.print_list(self.rows, lambda v: print_expression(printer, v))
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    def verify_(self) -> None:
        width = len(schema(self.result).types)
        if not width or len(self.rows) % width:
            raise VerifyException("the literals do not fill their rows")


@irdl_op_definition
class SelectOp(IRDLOperation, HasCanonicalizationPatternsInterface):
    """
    A query block. The result's key tells which of its columns are the key:
    `sql.select {p = a.p, v = sum(mul(a.v, b.v))} from %x as a, %w as b
     where [eq(a.i, b.i)] group [a.p] : !rel.relation<[p: ?], v: f64>`

    Window functions among the columns run `per [...]` partition, `by [desc a.v]` in an order.
    """

    name = "sql.select"

    sources = var_operand_def(RelationType)
    aliases = prop_def(ArrayAttr[StringAttr])
    columns = prop_def(ArrayAttr[AssignmentAttr])
    where = prop_def(ArrayAttr[Attribute])
    group = prop_def(ArrayAttr[Attribute])
    partition = prop_def(ArrayAttr[Attribute])
    order = prop_def(ArrayAttr[Attribute])
    descending = prop_def(ArrayAttr[IntAttr])
    result = result_def(RelationType)

    traits = traits_def(Pure())

    def __init__(
        self,
        sources: Mapping[str, SSAValue] | Sequence[tuple[str, SSAValue]],
        columns: Mapping[str, Attribute],
        result_type: RelationType,
        where: Sequence[Attribute] = (),
        group: Sequence[Attribute] = (),
        partition: Sequence[Attribute] = (),
        order: Sequence[tuple[Attribute, bool]] = (),
    ):
        """`order` says of each expression whether the window descends in it."""
        pairs = list(sources.items()) if isinstance(sources, Mapping) else list(sources)
        super().__init__(
            operands=[[source for _, source in pairs]],
            properties={
                "aliases": ArrayAttr([StringAttr(alias) for alias, _ in pairs]),
                "columns": assignments(columns),
                "where": ArrayAttr(where),
                "group": ArrayAttr(group),
                "partition": ArrayAttr(partition),
                "order": ArrayAttr([e for e, _ in order]),
                "descending": ArrayAttr([IntAttr(int(d)) for _, d in order]),
            },
            result_types=[result_type],
        )

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from tensorjoin.passes.canonicalization.sql import IsolateColumn, MergeSelfJoin

        return (MergeSelfJoin(), IsolateColumn())

    @property
    def source_map(self) -> dict[str, SSAValue]:
        """The sources by their aliases, in order."""
        return {a.data: s for a, s in zip(self.aliases, self.sources, strict=True)}

    @property
    def outputs(self) -> dict[str, Attribute]:
        """The expression of each column."""
        return expressions(self.columns)

    @property
    def ordering(self) -> list[tuple[Attribute, bool]]:
        """The expressions that order the window, and whether each descends."""
        return [(e, bool(d.data)) for e, d in zip(self.order, self.descending, strict=True)]

    @property
    def is_simple(self) -> bool:
        """Whether the query only selects, computes and joins: no groups and no windows."""
        return not self.group and not any(
            calls(e, AGGREGATES | WINDOWS) for e in self.outputs.values()
        )

    @property
    def equalities(self) -> Iterator[tuple[set[str], Attribute]]:
        """Both sides of each equality between sources, and the aliases of all that it reads."""
        for condition in self.where:
            if not isinstance(condition, CallAttr) or condition.function.data != "eq":
                continue
            if len(used := aliases_of(condition)) > 1:
                yield from ((used, side) for side in condition.arguments)

    def meets_all(self, alias: str) -> bool:
        """Whether each row of a source is paired with all rows of another, which has several."""
        keyed = {other for used, _ in self.equalities for other in used}
        return any(
            other not in keyed | {alias} and any(n != 1 for n in schema(source).extents.values())
            for other, source in self.source_map.items()
        )

    @property
    def scope(self) -> dict[str, Attribute]:
        """The type of each column that expressions may name."""
        return {
            f"{alias}.{column}": type
            for alias, source in self.source_map.items()
            for column, type in schema(source).types.items()
        }

    @classmethod
    def parse(cls, parser: Parser) -> "SelectOp":
        def parse_source() -> tuple[str, SSAValue]:
            source = parse_defined_operand(parser)
            parser.parse_keyword("as")
            return parser.parse_identifier(), source

        def parse_list(keyword: str) -> list[tuple[Attribute, bool]]:
            if parser.parse_optional_keyword(keyword) is None:
                return []
            return parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parse_item)

        def parse_item() -> tuple[Attribute, bool]:
            descending = parser.parse_optional_keyword("desc") is not None
            return parse_expression(parser), descending

        columns = parse_assignments(parser)
        parser.parse_keyword("from")
        sources = parser.parse_comma_separated_list(parser.Delimiter.NONE, parse_source)
        where, group, partition = (
            [e for e, _ in parse_list(keyword)] for keyword in ("where", "group", "per")
        )
        order = parse_list("by")
        parser.parse_punctuation(":")
        result_type = parser.parse_type()
        if not isinstance(result_type, RelationType):
            parser.raise_error("a query is a relation")
        return cls(sources, expressions(columns), result_type, where, group, partition, order)

    def print(self, printer: Printer) -> None:
        def print_source(source: tuple[str, SSAValue]) -> None:
            printer.print_operand(source[1])
            printer.print_string(f" as {source[0]}")

        def print_item(item: tuple[Attribute, bool]) -> None:
            printer.print_string("desc " if item[1] else "")
            print_expression(printer, item[0])

        def print_list(keyword: str, items: Sequence[tuple[Attribute, bool]]) -> None:
            if items:
                printer.print_string(f" {keyword} ")
                with printer.in_square_brackets():
                    printer.print_list(items, print_item)

        printer.print_string(" ")
        print_assignments(printer, self.columns)
        printer.print_string(" from ")
        printer.print_list(self.source_map.items(), print_source)
        print_list("where", [(e, False) for e in self.where])
        print_list("group", [(e, False) for e in self.group])
        print_list("per", [(e, False) for e in self.partition])
        print_list("by", self.ordering)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    def verify_(self) -> None:
        if len({alias.data for alias in self.aliases}) != len(self.sources):
            raise VerifyException("each source needs an alias of its own")
        scope = self.scope
        if len(self.order) != len(self.descending):
            raise VerifyException("each expression of the order either descends or does not")
        for expression in (
            *self.outputs.values(),
            *self.where,
            *self.group,
            *self.partition,
            *self.order,
        ):
            expression_type(expression, scope)
        if list(self.outputs) != list(schema(self.result).types):
            raise VerifyException(
                f"the query has columns {', '.join(self.outputs)}, its type says {self.result.type}"
            )


@irdl_op_definition
class UnionOp(IRDLOperation):
    """UNION ALL of queries with the same columns: `sql.union %x, %y : ...`"""

    name = "sql.union"

    sources = var_operand_def(RelationType)
    result = result_def(RelationType)

    traits = traits_def(Pure())

    assembly_format = "$sources attr-dict `:` functional-type($sources, $result)"

    def __init__(self, sources: Sequence[SSAValue | Operation], result_type: RelationType):
        super().__init__(operands=[sources], result_types=[result_type])

    def verify_(self) -> None:
        names = list(schema(self.result).types)
        for source in self.sources:
            if list(schema(source).types) != names:
                raise VerifyException(
                    f"the union has columns {', '.join(names)}, not {source.type}"
                )


@irdl_op_definition
class YieldOp(IRDLOperation):
    """The query of the next round of a recursion."""

    name = "sql.yield"

    query = operand_def(RelationType)

    traits = traits_def(IsTerminator())

    assembly_format = "$query `:` type($query) attr-dict"

    def __init__(self, query: SSAValue | Operation):
        super().__init__(operands=[query])


@irdl_op_definition
class RecurseOp(IRDLOperation):
    """
    A recursive query: the rows of another, and all that the body makes of the rows of the round
    before: `%r = sql.recurse %q { ^0(%a: ...): ... sql.yield %b : ... }`
    """

    name = "sql.recurse"

    source = operand_def(RelationType)
    result = result_def(RelationType)
    body = region_def("single_block")

    traits = traits_def(Pure())

    def __init__(self, source: SSAValue | Operation, body: Region | Sequence[Block]):
        source = SSAValue.get(source)
        super().__init__(operands=[source], result_types=[source.type], regions=[body])

    @property
    def made(self) -> SSAValue:
        """What the body makes."""
        assert isinstance(last := self.body.block.last_op, YieldOp)
        return last.query

    @classmethod
    def parse(cls, parser: Parser) -> "RecurseOp":
        return cls(parse_defined_operand(parser), parser.parse_region())

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.source)
        printer.print_string(" ")
        printer.print_region(self.body, print_empty_block=False)

    def verify_(self) -> None:
        verify_recursion(self.body.block, self.source)


YieldOp.traits.add_trait(HasParent(RecurseOp))


def aliases_of(expression: Attribute) -> set[str]:
    """The aliases of the sources that an expression reads."""
    return {column.rpartition(".")[0] for column in columns_of(expression)}
