"""How a weight is made of a tensor that a checkpoint stores; carried by weights and tables."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntAttr, StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from tensorjoin.transforms import Transform


@irdl_attr_definition
class TransformAttr(ParametrizedAttribute):
    """
    The steps by which a weight is made of a tensor, in this order, each of which may be missing:
    `#ten.transform<"h.qkv" transposed grid [4, 2, 3] axes [0, 2, 1] rows 8 to 16 of 24 plus one>`

    The matrix is transposed; its rows, as a grid of 4 by 2 by 3, are read along the axes in another
    order; those from 8 to before 16 are taken; 1 is added to each element.
    """

    name = "ten.transform"

    tensor: StringAttr
    transposed: IntAttr
    grid: ArrayAttr[IntAttr]
    axes: ArrayAttr[IntAttr]
    rows: ArrayAttr[IntAttr]
    """From which row to before which of how many; none where all are taken."""
    plus_one: IntAttr

    def __init__(self, transform: Transform):
        grid, axes, rows = (
            ArrayAttr(map(IntAttr, numbers))
            for numbers in (transform.grid, transform.axes, transform.rows or ())
        )
        flags = (IntAttr(flag) for flag in (transform.transposed, transform.plus_one))
        transposed, plus_one = flags
        super().__init__(StringAttr(transform.tensor), transposed, grid, axes, rows, plus_one)

    @property
    def transform(self) -> Transform:
        rows = tuple(number.data for number in self.rows)
        return Transform(
            self.tensor.data,
            bool(self.transposed.data),
            tuple(extent.data for extent in self.grid),
            tuple(axis.data for axis in self.axes),
            (rows[0], rows[1], rows[2]) if rows else None,
            bool(self.plus_one.data),
        )

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        def numbers() -> tuple[int, ...]:
            square = parser.Delimiter.SQUARE
            return tuple(parser.parse_comma_separated_list(square, parser.parse_integer))

        with parser.in_angle_brackets():
            tensor = parser.parse_str_literal()
            transposed = parser.parse_optional_keyword("transposed") is not None
            grid, axes, rows = (), (), None
            if parser.parse_optional_keyword("grid"):
                grid = numbers()
                parser.parse_keyword("axes")
                axes = numbers()
            if parser.parse_optional_keyword("rows"):
                start = parser.parse_integer()
                parser.parse_keyword("to")
                stop = parser.parse_integer()
                parser.parse_keyword("of")
                rows = (start, stop, parser.parse_integer())
            plus_one = parser.parse_optional_keyword("plus") is not None
            if plus_one:
                parser.parse_keyword("one")
        return cls(Transform(tensor, transposed, grid, axes, rows, plus_one)).parameters

    def print_parameters(self, printer: Printer) -> None:
        transform = self.transform
        with printer.in_angle_brackets():
            printer.print_string_literal(transform.tensor)
            if transform.transposed:
                printer.print_string(" transposed")
            if transform.grid:
                printer.print_string(f" grid {list(transform.grid)} axes {list(transform.axes)}")
            if transform.rows is not None:
                start, stop, total = transform.rows
                printer.print_string(f" rows {start} to {stop} of {total}")
            if transform.plus_one:
                printer.print_string(" plus one")


def transforms_of(attribute: DictionaryAttr | None) -> dict[str, Transform]:
    """The transforms that a dictionary has by the names of weights."""
    found: dict[str, Transform] = {}
    given: Mapping[str, Attribute] = {} if attribute is None else attribute.data
    for name, value in given.items():
        if not isinstance(value, TransformAttr):
            raise VerifyException(f"{value} for {name!r} is no transform")
        found[name] = value.transform
    return found


def transforms_attr(transforms: Mapping[str, Transform]) -> DictionaryAttr | None:
    """A dictionary of transforms, where there are any."""
    made = {name: TransformAttr(transform) for name, transform in transforms.items()}
    return DictionaryAttr(made) if made else None
