"""How the rows of a table hold a tensor; chosen by passes, carried by weights and tables."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntAttr, StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from tensorjoin.lanes import DOUBLE_BITS, INTEGER_BITS, lanes_refusal


class Storage(StrEnum):
    ROWS = "rows"
    """One row for each element."""
    ARRAYS = "arrays"
    """One row for each chunk of an axis, the chunk an array."""
    COLUMNS = "columns"
    """One row for each chunk of an axis, its elements columns of their own."""
    PIVOTED = "pivoted"
    """One row for each chunk of an axis, cut into columns which are arrays (ROW2COL)."""
    HALVES = "halves"
    """As arrays, but of numbers of 16 bits."""
    LANES = "lanes"
    """
    As columns, but of integers with a scale for each group of elements, of which a chunk has one or
    more; several indices of the first axis, the lanes, share each integer.
    """
    DOUBLES = "doubles"
    """As lanes, but a chunk is one group, an array of doubles that hold integers."""


PACKED = {Storage.LANES: INTEGER_BITS, Storage.DOUBLES: DOUBLE_BITS}
"""The storages of small integers which share a number, and the bits of that."""


@irdl_attr_definition
class LayoutAttr(ParametrizedAttribute):
    """
    `#rel.layout<rows>`, or `#rel.layout<arrays 1 by 64>`: axis 1 in chunks of 64 elements, or
    `#rel.layout<pivoted 1 by 512 in 8>`: chunks of 512 elements, in 8 columns of 64 each, or
    `#rel.layout<halves 1 by 64>`: axis 1 in chunks of 64 elements of 16 bits, or
    `#rel.layout<lanes 1 by 64 of 8 bits in 3>`: also, integers of 8 bits with three lanes each, or
    `#rel.layout<lanes 1 by 256 of 8 bits in 3 groups 4>`: also, four scales a lane, or
    `#rel.layout<doubles 1 by 64 of 8 bits in 2>`: integers of 8 bits, two of which share a double,
    or
    `#rel.layout<arrays 1 by 64 parts 2>`: also, axis 0 in two parts that lie beside each other, in
    columns of their own, or
    `#rel.layout<arrays 3 by 64 parts 2 of 1>`: also, axis 1 in two such parts
    """

    name = "rel.layout"

    storage: StringAttr
    axis: IntAttr
    size: IntAttr
    bits: IntAttr
    lanes: IntAttr
    columns: IntAttr
    """The arrays or the groups of equal size that a chunk is cut into; 1 in other storages."""
    parts: IntAttr
    """The parts of an axis that a row holds a chunk of each of."""
    parted: IntAttr
    """That axis."""

    def __init__(
        self,
        storage: Storage,
        axis: int = 0,
        size: int = 1,
        bits: int = 0,
        lanes: int = 1,
        columns: int = 1,
        parts: int = 1,
        parted: int = 0,
    ):
        numbers = (axis, size, bits, lanes, columns, parts, parted)
        super().__init__(StringAttr(storage), *map(IntAttr, numbers))

    @property
    def is_chunked(self) -> bool:
        return self.storage.data != Storage.ROWS

    @property
    def vector(self) -> int:
        """The elements of the array in a column; 0 where columns are numbers."""
        is_array = self.is_chunked and self.storage.data not in (Storage.COLUMNS, Storage.LANES)
        return self.size.data // self.columns.data if is_array else 0

    @property
    def is_packed(self) -> bool:
        """Whether elements are small integers, several of which share a number."""
        return self.storage.data in PACKED

    @property
    def number_bits(self) -> int:
        """The bits of the number that packed elements share."""
        return PACKED[Storage(self.storage.data)]

    @property
    def group(self) -> int:
        """The elements of a chunk that share a scale, where they are quantised."""
        return self.size.data // self.columns.data

    def along(self, axis: int) -> "LayoutAttr":
        """The same chunks of another axis."""
        numbers = (self.size, self.bits, self.lanes, self.columns)
        return LayoutAttr(Storage(self.storage.data), axis, *(n.data for n in numbers))

    def in_parts(self, parts: int, parted: int = 0) -> "LayoutAttr":
        """The same chunks, of each of so many parts of an axis."""
        numbers = (self.axis, self.size, self.bits, self.lanes, self.columns)
        storage = Storage(self.storage.data)
        return LayoutAttr(storage, *(n.data for n in numbers), parts=parts, parted=parted)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            storage = parser.parse_str_enum(Storage)
            axis, size, bits, lanes, columns, parts, parted = 0, 1, 0, 1, 1, 1, 0
            if storage is not Storage.ROWS:
                axis = parser.parse_integer()
                parser.parse_keyword("by")
                size = parser.parse_integer()
            if storage is Storage.PIVOTED:
                parser.parse_keyword("in")
                columns = parser.parse_integer()
            if storage in PACKED:
                parser.parse_keyword("of")
                bits = parser.parse_integer()
                parser.parse_keyword("bits")
                parser.parse_keyword("in")
                lanes = parser.parse_integer()
                if storage is Storage.LANES and parser.parse_optional_keyword("groups"):
                    columns = parser.parse_integer()
            if parser.parse_optional_keyword("parts"):
                parts = parser.parse_integer()
                if parser.parse_optional_keyword("of"):
                    parted = parser.parse_integer()
            numbers = (axis, size, bits, lanes, columns, parts, parted)
            return (StringAttr(storage), *map(IntAttr, numbers))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.storage.data)
            if self.is_chunked:
                printer.print_string(f" {self.axis.data} by {self.size.data}")
            if self.storage.data == Storage.PIVOTED:
                printer.print_string(f" in {self.columns.data}")
            if self.is_packed:
                printer.print_string(f" of {self.bits.data} bits in {self.lanes.data}")
                if self.columns.data != 1:
                    printer.print_string(f" groups {self.columns.data}")
            if self.parts.data != 1:
                printer.print_string(f" parts {self.parts.data}")
                if self.parted.data:
                    printer.print_string(f" of {self.parted.data}")

    def verify(self) -> None:
        if self.storage.data not in tuple(Storage):
            raise VerifyException(f"unknown storage {self.storage.data!r}")
        if self.size.data < 1 or self.axis.data < 0:
            raise VerifyException("a chunk has at least one element, of an axis from 0")
        if self.columns.data < 1 or self.size.data % self.columns.data:
            raise VerifyException(
                f"{self.size.data} elements make no {self.columns.data} columns of equal size"
            )
        if self.parted.data and self.parts.data == 1:
            raise VerifyException(f"parts of axis {self.parted.data}: there are two at least")
        if self.parts.data != 1:
            if self.parts.data < 1 or not self.is_chunked or self.is_packed:
                raise VerifyException("what lies in parts is stored in arrays or in columns")
            if self.axis.data == self.parted.data:
                raise VerifyException(f"parts are of axis {self.axis.data}: chunks are of another")
        if self.is_packed:
            if self.axis.data == 0:
                raise VerifyException("lanes are indices of axis 0: the chunks are of another")
            if self.storage.data == Storage.DOUBLES and self.columns.data != 1:
                raise VerifyException("a chunk of doubles is one group")
            bits, lanes = self.bits.data, self.lanes.data
            if reason := lanes_refusal(self.group, bits, lanes, self.number_bits):
                raise VerifyException(reason)
