"""How the rows of a table hold a tensor; chosen by passes, carried by weights and tables."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntAttr, StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum


class Storage(StrEnum):
    ROWS = "rows"
    """One row for each element."""
    ARRAYS = "arrays"
    """One row for each chunk of an axis, the chunk an array."""
    COLUMNS = "columns"
    """One row for each chunk of an axis, its elements columns of their own (ROW2COL)."""


@irdl_attr_definition
class LayoutAttr(ParametrizedAttribute):
    """`#rel.layout<rows>`, or `#rel.layout<arrays 1 by 64>`: axis 1 in chunks of 64 elements"""

    name = "rel.layout"

    storage: StringAttr
    axis: IntAttr
    size: IntAttr

    def __init__(self, storage: Storage, axis: int = 0, size: int = 1):
        super().__init__(StringAttr(storage), IntAttr(axis), IntAttr(size))

    @property
    def is_chunked(self) -> bool:
        return self.storage.data != Storage.ROWS

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            storage = parser.parse_str_enum(Storage)
            if storage is Storage.ROWS:
                return (StringAttr(storage), IntAttr(0), IntAttr(1))
            axis = parser.parse_integer()
            parser.parse_keyword("by")
            return (StringAttr(storage), IntAttr(axis), IntAttr(parser.parse_integer()))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.storage.data)
            if self.is_chunked:
                printer.print_string(f" {self.axis.data} by {self.size.data}")

    def verify(self) -> None:
        if self.storage.data not in tuple(Storage):
            raise VerifyException(f"unknown storage {self.storage.data!r}")
        if self.size.data < 1 or self.axis.data < 0:
            raise VerifyException("a chunk has at least one element, of an axis from 0")
