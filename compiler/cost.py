"""
What a program costs: the work of relational operators, and the seconds that an engine needs for it.

Work is counted from sizes alone. Seconds are linear in it: each term has a coefficient, measured on
the engine by `sql-run calibrate`. Knows no IR.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal

from tensorjoin.targets import RowFormat
from tensorjoin.tiling import comparisons

Coefficients = Mapping[str, float]
"""Seconds for one of each term of `Work`, by the term's name; none is negative."""

Bound = Literal["overhead", "rows", "bytes", "arithmetic"]


@dataclass(frozen=True)
class Work:
    """How much an operator does, by what the engines charge for; sums add up."""

    statements: float = 0.0
    """Statements run."""
    columns: float = 0.0
    """Columns that a statement names, each planned whenever it runs."""
    read: float = 0.0
    """Rows of a stored table read."""
    joined: float = 0.0
    """Rows that come out of a join."""
    grouped: float = 0.0
    """Rows that go into an aggregate."""
    carried: float = 0.0
    """Values in these rows: an engine may sort whole rows to group them."""
    written: float = 0.0
    """Rows stored."""
    bytes: float = 0.0
    """Bytes of the rows read."""
    spilled: float = 0.0
    """Bytes among these of rows which are longer than the engine keeps together."""
    products: float = 0.0
    """Products of two columns."""
    dot_products: float = 0.0
    """Products within the dot product of two vectors."""
    packed: float = 0.0
    """Elements put into vectors."""
    choices: float = 0.0
    """Comparisons that put elements into columns: each column looks at each element."""

    def __add__(self, other: "Work") -> "Work":
        return Work(
            *(x + y for x, y in zip(self.terms.values(), other.terms.values(), strict=True))
        )

    def times(self, count: float) -> "Work":
        """The work of doing it so often."""
        return Work(*(count * amount for amount in self.terms.values()))

    @property
    def terms(self) -> dict[str, float]:
        """The amounts by name."""
        return asdict(self)


TERMS = tuple(field.name for field in fields(Work))

BOUNDS: Mapping[str, Bound] = {
    "statements": "overhead",
    "columns": "overhead",
    "read": "rows",
    "joined": "rows",
    "grouped": "rows",
    "carried": "rows",
    "written": "rows",
    "packed": "rows",
    "bytes": "bytes",
    "spilled": "bytes",
    "products": "arithmetic",
    "dot_products": "arithmetic",
    "choices": "arithmetic",
}
"""What each term stands for when it is asked what bounds a run."""


def total(works: Iterable[Work]) -> Work:
    """The work of all together."""
    return sum(works, Work())


def seconds(work: Work, coefficients: Coefficients) -> float:
    """The estimated time."""
    return sum(amount * coefficients[term] for term, amount in work.terms.items())


def bound(work: Work, coefficients: Coefficients) -> Bound:
    """What most of the time is spent on."""
    shares: dict[Bound, float] = dict.fromkeys(BOUNDS.values(), 0.0)
    for term, amount in work.terms.items():
        shares[BOUNDS[term]] += amount * coefficients[term]
    return max(shares, key=lambda name: shares[name])


@dataclass(frozen=True)
class MatrixLayout:
    """
    How the rows of a table hold a matrix: its storage, the elements of a chunk, and the columns
    into which they are cut as arrays.
    """

    storage: str
    size: int = 1
    columns: int = 1


@dataclass(frozen=True)
class Product:
    """`rows` vectors of `inputs` elements times a matrix [outputs, inputs]."""

    outputs: int
    inputs: int
    rows: int = 1

    def chunks(self, size: int) -> int:
        """The chunks that the inputs make."""
        return -(-self.inputs // size)


def matrix_product(layout: MatrixLayout, product: Product, format: RowFormat) -> Work:
    """The work of a product with a matrix stored so, the other operand cut alike included."""
    return STORAGES[layout.storage](layout, product, format)


def rows_product(layout: MatrixLayout, product: Product, format: RowFormat) -> Work:
    """A row for each element: a join on the input and a sum for each output."""
    elements = product.outputs * product.inputs
    pairs = elements * product.rows
    return Work(
        statements=1,
        columns=4,
        read=elements,
        joined=pairs,
        grouped=pairs,
        carried=2 * pairs,
        written=product.outputs * product.rows,
        bytes=elements * (format.element_bytes + format.row_bytes),
        products=pairs,
    )


def chunked_product(layout: MatrixLayout, product: Product, format: RowFormat) -> Work:
    """Rows of chunks: a join on the chunk and, unless there is but one, a sum for each output."""
    size = layout.size
    chunks = product.chunks(size)
    pairs = product.outputs * chunks * product.rows
    row_bytes = size * format.element_bytes + format.row_bytes
    length = row_bytes
    if format.columnar:
        length = size // layout.columns * format.element_bytes + format.row_bytes
    spilled = row_bytes if format.inline_bytes is not None and length > format.inline_bytes else 0
    return Work(
        statements=1,
        columns=4,
        read=product.outputs * chunks,
        joined=pairs,
        grouped=pairs if chunks > 1 else 0,
        written=product.outputs * product.rows,
        bytes=product.outputs * chunks * row_bytes,
        spilled=product.outputs * chunks * spilled,
    )


def packing(product: Product, size: int, format: RowFormat) -> Work:
    """The other operand, one row for each element, put together into chunks."""
    return Work(
        statements=int(format.materialises_operand),
        columns=4,
        grouped=product.inputs * product.rows,
        written=product.chunks(size) * product.rows,
    )


def arrays_product(layout: MatrixLayout, product: Product, format: RowFormat) -> Work:
    """Chunks that are vectors."""
    size = layout.size
    elements = product.outputs * product.chunks(size) * size * product.rows
    packed = product.inputs * product.rows
    return total(
        (
            packing(product, size, format),
            chunked_product(layout, product, format),
            Work(dot_products=elements, packed=packed),
        )
    )


def pivoted_product(layout: MatrixLayout, product: Product, format: RowFormat) -> Work:
    """Chunks cut into columns that are vectors: one named to cut the operand, two to multiply."""
    named = Work(columns=2 * layout.columns)
    return arrays_product(layout, product, format) + named


def columns_product(layout: MatrixLayout, product: Product, format: RowFormat) -> Work:
    """Chunks whose elements are columns: named once to pack them, and once to multiply."""
    size = layout.size
    elements = product.outputs * product.chunks(size) * size * product.rows
    choices = product.inputs * comparisons(size) * product.rows
    carried = 2 * elements if product.chunks(size) > 1 else 0
    return total(
        (
            packing(product, size, format),
            chunked_product(layout, product, format),
            Work(products=elements, choices=choices, carried=carried, columns=4 * size),
        )
    )


STORAGES: Mapping[str, Callable[[MatrixLayout, Product, RowFormat], Work]] = {
    "rows": rows_product,
    "arrays": arrays_product,
    "pivoted": pivoted_product,
    "columns": columns_product,
}
"""The work of a product by how the matrix is stored."""
