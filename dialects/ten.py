"""
Tensor algebra: the few primitives that every operator of `nn` decomposes into.

Axes are named by the letters of an index string, as in einsum: `"pi,oi->po"`. A tensor whose type
carries `#ten.sparse` has absent elements: they take part in nothing, and an element computed from
absent elements only is absent.
"""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    IndexType,
    IntegerAttr,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
    i1,
    i64,
)
from xdsl.dialects.utils import EnumAttribute
from xdsl.interfaces import HasCanonicalizationPatternsInterface
from xdsl.ir import (
    Attribute,
    Dialect,
    Operation,
    ParametrizedAttribute,
    Region,
    SpacedOpaqueSyntaxAttribute,
    SSAValue,
)
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.pattern_rewriter import RewritePattern
from xdsl.traits import (
    HasParent,
    IsTerminator,
    MemoryReadEffect,
    MemoryWriteEffect,
    Pure,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from tensorjoin.dialects.layout import LayoutAttr

Tensor = TensorType[Attribute]


@irdl_attr_definition
class SparseAttr(ParametrizedAttribute):
    """The encoding of a tensor with absent elements: `tensor<?x?xi1, #ten.sparse>`"""

    name = "ten.sparse"


def tensor(value: SSAValue | Operation) -> Tensor:
    """The type of a tensor: `operand_def` does not carry it to the type checker."""
    return SSAValue.get(value, type=TensorType).type


def is_sparse(type: Tensor) -> bool:
    return isinstance(type.encoding, SparseAttr)


def tensor_type(element: Attribute, shape: Sequence[int], sparse: bool = False) -> Tensor:
    return TensorType(element, shape, SparseAttr()) if sparse else TensorType(element, shape)


def parse_indices(indices: str) -> tuple[list[str], str]:
    """ "pi,oi->po" -> (["pi", "oi"], "po")"""
    operands, _, result = indices.partition("->")
    return operands.split(","), result


def verify_indices(indices: str, operands: Sequence[Tensor], result: Tensor) -> None:
    """Each letter has one extent, and each operand as many letters as axes."""
    labels, result_labels = parse_indices(indices)
    if len(labels) != len(operands):
        raise VerifyException(f"{indices!r} names {len(labels)} operands of {len(operands)}")
    extents: dict[str, int] = {}
    for letters, type in (*zip(labels, operands, strict=True), (result_labels, result)):
        shape = type.get_shape()
        if len(letters) != len(shape) or len(set(letters)) != len(letters):
            raise VerifyException(f"{letters!r} does not name the axes of {type}")
        for letter, extent in zip(letters, shape, strict=True):
            if extents.setdefault(letter, extent) != extent:
                raise VerifyException(f"axis {letter} is {extents[letter]} and {extent} long")
    if unknown := set(result_labels) - set("".join(labels)):
        raise VerifyException(f"no operand has the axis {', '.join(sorted(unknown))}")


@irdl_op_definition
class InputOp(IRDLOperation):
    """
    A column of a table that the caller fills for each run, or, as `kept`, adds to from run to run:
    `ten.input @batch ["p"] "token" : tensor<?xi32>`
    """

    name = "ten.input"

    table = prop_def(SymbolRefAttr)
    keys = prop_def(ArrayAttr[StringAttr])
    column = prop_def(StringAttr)
    kept = opt_prop_def(UnitAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "(`kept` $kept^)? $table $keys $column attr-dict `:` type($result)"

    def __init__(
        self,
        table: str,
        keys: Sequence[str],
        column: str,
        result_type: Tensor,
        kept: bool = False,
    ):
        super().__init__(
            properties={
                "table": SymbolRefAttr(table),
                "keys": ArrayAttr([StringAttr(key) for key in keys]),
                "column": StringAttr(column),
                "kept": UnitAttr() if kept else None,
            },
            result_types=[result_type],
        )


@irdl_op_definition
class WeightOp(IRDLOperation):
    """
    A weight by its name: `ten.weight @gate_up from ["...gate...", "...up..."] at %layer of 5`

    The sources follow each other along the first axis; `{}` in them is the number of the layer.
    """

    name = "ten.weight"

    symbol = prop_def(SymbolRefAttr)
    sources = prop_def(ArrayAttr[StringAttr])
    layer = opt_operand_def(IndexType)
    layers = opt_prop_def(IntegerAttr)
    layout = opt_prop_def(LayoutAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$symbol `from` $sources (`at` $layer^ `of` $layers)? (`layout` $layout^)? "
        "attr-dict `:` type($result)"
    )

    def __init__(
        self,
        symbol: str,
        sources: Sequence[str],
        result_type: Tensor,
        layer: SSAValue | None = None,
        layers: IntegerAttr | None = None,
        layout: LayoutAttr | None = None,
    ):
        super().__init__(
            operands=[layer],
            properties={
                "symbol": SymbolRefAttr(symbol),
                "sources": ArrayAttr([StringAttr(source) for source in sources]),
                "layers": layers,
                "layout": layout,
            },
            result_types=[result_type],
        )


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A small tensor known when compiling: `ten.constant dense<[0.5, 1.0]> : tensor<2xf64>`"""

    name = "ten.constant"

    value = prop_def(DenseIntOrFPElementsAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$value attr-dict `:` type($result)"

    def __init__(self, value: DenseIntOrFPElementsAttr):
        super().__init__(properties={"value": value}, result_types=[value.type])


@irdl_op_definition
class YieldOp(IRDLOperation):
    """The scalar that a map computes."""

    name = "ten.yield"

    value = operand_def(AnyAttr())

    traits = traits_def(IsTerminator())

    assembly_format = "$value attr-dict `:` type($value)"

    def __init__(self, value: SSAValue | Operation):
        super().__init__(operands=[value])


@irdl_op_definition
class MapOp(IRDLOperation):
    """
    A scalar function of elements, with broadcasting:
    `ten.map "pi,p->pi" (%x, %s) : (...) -> tensor<?x64xf32> { ^bb0(%a: f32, %b: f32): ... }`
    """

    name = "ten.map"

    indices = prop_def(StringAttr)
    inputs = var_operand_def(TensorType)
    result = result_def(TensorType)
    body = region_def("single_block")

    traits = traits_def(Pure())

    assembly_format = (
        "$indices `(` $inputs `)` `:` functional-type($inputs, $result) $body attr-dict"
    )

    def __init__(
        self,
        indices: str,
        inputs: Sequence[SSAValue | Operation],
        result_type: Tensor,
        body: Region,
    ):
        super().__init__(
            operands=[inputs],
            properties={"indices": StringAttr(indices)},
            result_types=[result_type],
            regions=[body],
        )

    def verify_(self) -> None:
        types = [tensor(input) for input in self.inputs]
        verify_indices(self.indices.data, types, tensor(self.result))
        labels, result = parse_indices(self.indices.data)
        if lost := set("".join(labels)) - set(result):
            raise VerifyException(f"a map keeps every axis, also {', '.join(sorted(lost))}")
        if [a.type for a in self.body.block.args] != [t.get_element_type() for t in types]:
            raise VerifyException("the block's arguments are not the inputs' elements")
        last = self.body.block.last_op
        if not isinstance(last, YieldOp):
            raise VerifyException("a map ends with ten.yield")
        if last.value.type != tensor(self.result).get_element_type():
            raise VerifyException(f"a map to {self.result.type} yields {last.value.type}")


YieldOp.traits.add_trait(HasParent(MapOp))


class Reduction(StrEnum):
    SUM = "sum"
    MAX = "max"
    MIN = "min"


@irdl_attr_definition
class ReductionAttr(EnumAttribute[Reduction], SpacedOpaqueSyntaxAttribute):
    name = "ten.reduction"


@irdl_op_definition
class ReduceOp(IRDLOperation):
    """Fold axes away: `ten.reduce max "phc->ph" %x : tensor<...> -> tensor<...>`"""

    name = "ten.reduce"

    kind = prop_def(ReductionAttr)
    indices = prop_def(StringAttr)
    input = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$kind $indices $input attr-dict `:` type($input) `->` type($result)"

    def __init__(
        self, kind: Reduction, indices: str, input: SSAValue | Operation, result_type: Tensor
    ):
        super().__init__(
            operands=[input],
            properties={"kind": ReductionAttr(kind), "indices": StringAttr(indices)},
            result_types=[result_type],
        )

    def verify_(self) -> None:
        verify_indices(self.indices.data, [tensor(self.input)], tensor(self.result))


@irdl_op_definition
class ContractOp(IRDLOperation):
    """
    An einsum: multiply, then sum over the axes that the result lacks. A sparse operand of booleans
    only says which terms exist: `ten.contract "pd,cd,pc->pc" (%q, %k, %visible) : ...`
    """

    name = "ten.contract"

    indices = prop_def(StringAttr)
    inputs = var_operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$indices `(` $inputs `)` attr-dict `:` functional-type($inputs, $result)"

    def __init__(self, indices: str, inputs: Sequence[SSAValue | Operation], result_type: Tensor):
        super().__init__(
            operands=[inputs],
            properties={"indices": StringAttr(indices)},
            result_types=[result_type],
        )

    def verify_(self) -> None:
        types = [tensor(input) for input in self.inputs]
        verify_indices(self.indices.data, types, tensor(self.result))
        for type in types:
            if type.get_element_type() == i1 and not is_sparse(type):
                raise VerifyException("a boolean operand of a contraction must be sparse")


@irdl_op_definition
class GatherOp(IRDLOperation):
    """
    Look rows up: `ten.gather "ti,p->pi" %table, %ids` is table[ids[p], i]. The axis that the result
    lacks is the one that the ids number.
    """

    name = "ten.gather"

    indices = prop_def(StringAttr)
    table = operand_def(TensorType)
    ids = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$indices $table `,` $ids attr-dict `:` type($table) `,` type($ids) `->` type($result)"
    )

    def __init__(
        self,
        indices: str,
        table: SSAValue | Operation,
        ids: SSAValue | Operation,
        result_type: Tensor,
    ):
        super().__init__(
            operands=[table, ids],
            properties={"indices": StringAttr(indices)},
            result_types=[result_type],
        )

    @property
    def axis(self) -> str:
        """The letter of the axis that is looked up."""
        (table, _), result = parse_indices(self.indices.data)
        (axis,) = (letter for letter in table if letter not in result)
        return axis

    def verify_(self) -> None:
        types = [tensor(self.table), tensor(self.ids)]
        verify_indices(self.indices.data, types, tensor(self.result))
        (table, _), result = parse_indices(self.indices.data)
        if len([letter for letter in table if letter not in result]) != 1:
            raise VerifyException("a gather looks up one axis of its table")


@irdl_op_definition
class ReshapeOp(IRDLOperation, HasCanonicalizationPatternsInterface):
    """The same elements in row-major order under other axes; unknown extents stay in place."""

    name = "ten.reshape"

    input = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$input attr-dict `:` type($input) `->` type($result)"

    def __init__(self, input: SSAValue | Operation, result_type: Tensor):
        super().__init__(operands=[input], result_types=[result_type])

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from tensorjoin.passes.canonicalization.ten import ReshapeOfReshape, SameShape

        return (ReshapeOfReshape(), SameShape())

    def verify_(self) -> None:
        source, target = tensor(self.input), tensor(self.result)
        if (source.get_element_type(), source.encoding) != (
            target.get_element_type(),
            target.encoding,
        ):
            raise VerifyException("a reshape changes nothing but the shape")
        old, new = source.get_shape(), target.get_shape()
        if _sizes(old) != _sizes(new):
            raise VerifyException(f"{old} and {new} do not hold the same elements")


def _sizes(shape: Sequence[int]) -> list[int]:
    """The product of the known extents before, between and after the unknown ones."""
    sizes = [1]
    for extent in shape:
        if extent < 0:
            sizes.append(1)
        else:
            sizes[-1] *= extent
    return sizes


@irdl_op_definition
class SliceOp(IRDLOperation, HasCanonicalizationPatternsInterface):
    """A piece of one axis: `ten.slice %x axis 1 from 64 : tensor<?x128xf32> -> tensor<?x32xf32>`"""

    name = "ten.slice"

    input = operand_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    offset = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `axis` $axis `from` $offset attr-dict `:` type($input) `->` type($result)"
    )

    def __init__(self, input: SSAValue | Operation, axis: int, offset: int, result_type: Tensor):
        super().__init__(
            operands=[input],
            properties={
                "axis": IntegerAttr(axis, i64),
                "offset": IntegerAttr(offset, i64),
            },
            result_types=[result_type],
        )

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from tensorjoin.passes.canonicalization.ten import SameShape, SliceOfSlice

        return (SameShape(), SliceOfSlice())

    def verify_(self) -> None:
        shape = list(tensor(self.input).get_shape())
        axis, offset = self.axis.value.data, self.offset.value.data
        if not 0 <= axis < len(shape):
            raise VerifyException(f"no axis {axis} in {self.input.type}")
        size = tensor(self.result).get_shape()[axis]
        if tensor(self.result).get_shape() != (*shape[:axis], size, *shape[axis + 1 :]):
            raise VerifyException("a slice cuts one axis only")
        if offset < 0 or offset + size > shape[axis]:
            raise VerifyException(f"{offset} to {offset + size} exceeds the axis")


@irdl_op_definition
class SparsifyOp(IRDLOperation):
    """Keep the true elements of a tensor of booleans; the others become absent."""

    name = "ten.sparsify"

    input = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$input attr-dict `:` type($input) `->` type($result)"

    def __init__(self, input: SSAValue | Operation):
        shape = tensor(input).get_shape()
        super().__init__(operands=[input], result_types=[tensor_type(i1, shape, sparse=True)])

    def verify_(self) -> None:
        if tensor(self.input).get_element_type() != i1:
            raise VerifyException("only booleans can be made sparse")


@irdl_op_definition
class AppendOp(IRDLOperation):
    """Add a batch's rows to a state: `ten.append %k to @keys ["c", "g", "d"] at %layer of 5`"""

    name = "ten.append"

    input = operand_def(TensorType)
    state = prop_def(SymbolRefAttr)
    keys = prop_def(ArrayAttr[StringAttr])
    layer = opt_operand_def(IndexType)
    layers = opt_prop_def(IntegerAttr)
    layout = opt_prop_def(LayoutAttr)

    traits = traits_def(MemoryWriteEffect())

    assembly_format = (
        "$input `to` $state $keys (`at` $layer^ `of` $layers)? (`layout` $layout^)? "
        "attr-dict `:` type($input)"
    )

    def __init__(
        self,
        input: SSAValue | Operation,
        state: str,
        keys: Sequence[str],
        layer: SSAValue | None = None,
        layers: IntegerAttr | None = None,
    ):
        super().__init__(
            operands=[input, layer],
            properties={
                "state": SymbolRefAttr(state),
                "keys": ArrayAttr([StringAttr(key) for key in keys]),
                "layers": layers,
            },
        )


@irdl_op_definition
class ReadOp(IRDLOperation):
    """All rows of a state so far: `ten.read @keys ["c", "g", "d"] at %layer of 5 : tensor<...>`"""

    name = "ten.read"

    state = prop_def(SymbolRefAttr)
    keys = prop_def(ArrayAttr[StringAttr])
    layer = opt_operand_def(IndexType)
    layers = opt_prop_def(IntegerAttr)
    layout = opt_prop_def(LayoutAttr)
    result = result_def(TensorType)

    traits = traits_def(MemoryReadEffect())

    assembly_format = (
        "$state $keys (`at` $layer^ `of` $layers)? (`layout` $layout^)? attr-dict `:` type($result)"
    )

    def __init__(
        self,
        state: str,
        keys: Sequence[str],
        result_type: Tensor,
        layer: SSAValue | None = None,
        layers: IntegerAttr | None = None,
    ):
        super().__init__(
            operands=[layer],
            properties={
                "state": SymbolRefAttr(state),
                "keys": ArrayAttr([StringAttr(key) for key in keys]),
                "layers": layers,
            },
            result_types=[result_type],
        )


@irdl_op_definition
class OutputOp(IRDLOperation):
    """Write a tensor to a table for the caller: `ten.output %y to @logits ["p", "t"]`"""

    name = "ten.output"

    input = operand_def(TensorType)
    table = prop_def(SymbolRefAttr)
    keys = prop_def(ArrayAttr[StringAttr])

    traits = traits_def(MemoryWriteEffect())

    assembly_format = "$input `to` $table $keys attr-dict `:` type($input)"

    def __init__(self, input: SSAValue | Operation, table: str, keys: Sequence[str]):
        super().__init__(
            operands=[input],
            properties={
                "table": SymbolRefAttr(table),
                "keys": ArrayAttr([StringAttr(key) for key in keys]),
            },
        )


Ten = Dialect(
    "ten",
    [
        InputOp,
        WeightOp,
        ConstantOp,
        MapOp,
        YieldOp,
        ReduceOp,
        ContractOp,
        GatherOp,
        ReshapeOp,
        SliceOp,
        SparsifyOp,
        AppendOp,
        ReadOp,
        OutputOp,
    ],
    [SparseAttr, ReductionAttr],
)
