"""Which vectors of a module become columns, by how its tables store them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import VectorType, f16
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from tensorjoin.dialects import rel
from tensorjoin.dialects.layout import LayoutAttr, Storage
from tensorjoin.errors import TensorjoinError

IN_NUMBERS = (Storage.COLUMNS, Storage.LANES)


@dataclass(frozen=True)
class Cut:
    """A vector of `size` elements as columns of `vector` elements each; 0 for numbers."""

    size: int
    vector: int

    @property
    def length(self) -> int:
        """The elements of a column."""
        return max(1, self.vector)

    @property
    def columns(self) -> int:
        return self.size // self.length

    def applied(self, layout: LayoutAttr) -> LayoutAttr:
        """The layout of a table whose vectors are cut so, which may have been arrays."""
        if layout.storage.data != Storage.ARRAYS:
            return layout
        axis, size = layout.axis.data, layout.size.data
        if self.vector:
            cut = LayoutAttr(Storage.PIVOTED, axis, size, columns=self.columns)
        else:
            cut = LayoutAttr(Storage.COLUMNS, axis, size)
        return cut.in_parts(layout.parts.data, layout.parted.data)


@dataclass(frozen=True)
class Cuts:
    """
    How vectors are cut, by their size: those that meet have the same. Where a table holds numbers
    in columns, all vectors are cut into numbers but for those of a pivoted table.
    """

    pivoted: Mapping[int, int]
    """The elements of a column, by those of the vector."""
    others: bool

    @classmethod
    def of_tables(cls, tables: Iterable[rel.TableOp]) -> "Cuts":
        """Raises TensorjoinError where tables hold vectors of one size in columns of several."""
        pivoted: dict[int, int] = {}
        numbers: set[int] = set()
        in_doubles = False
        for layout in (table.layout for table in tables if table.layout):
            size, vector = layout.size.data, layout.vector
            if layout.storage.data in IN_NUMBERS:
                numbers.add(size)
            in_doubles |= layout.storage.data == Storage.DOUBLES
            if layout.storage.data not in (Storage.PIVOTED, Storage.DOUBLES):
                continue
            if pivoted.setdefault(size, vector) != vector:
                raise refusal(size, pivoted[size], vector)
        if both := numbers & pivoted.keys():
            raise refusal(size := min(both), pivoted[size], 1)
        if in_doubles and numbers:
            raise TensorjoinError(
                "expand-vectors: weights in doubles are arrays, and other tables hold columns:"
                " choose one"
            )
        return cls(pivoted, bool(numbers))

    def of(self, type: Attribute) -> Cut | None:
        """How a column is cut; None if it stays, as vectors of 16 bits do."""
        if not isa(type, VectorType) or type.get_element_type() == f16:
            return None
        (size,) = type.get_shape()
        vector = self.pivoted.get(size, 0 if self.others else size)
        return None if vector == size else Cut(size, vector)


def refusal(size: int, first: int, second: int) -> TensorjoinError:
    return TensorjoinError(
        f"expand-vectors: vectors of {size} elements are in columns of {first} in one table and of"
        f" {second} in another: choose one"
    )
