"""Attention over a cache: rotary positions, masks, and attention itself."""

from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    SymbolRefAttr,
    TensorType,
    f32,
    f64,
    i1,
    i64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect, Pure
from xdsl.utils.exceptions import VerifyException

from tensorjoin.dialects.nn.layers import verify_row_width
from tensorjoin.dialects.ten import is_sparse, tensor, tensor_type


@irdl_op_definition
class RotaryOp(IRDLOperation):
    """
    The rotations of rotary embedding: positions [p], frequencies [f] -> [p, 2, 2, f], the matrix
    ((cos, -sin), (sin, cos)) of the angle position * frequency (Su et al. 2021, eq. 34).
    """

    name = "nn.rotary"

    positions = operand_def(TensorType)
    frequencies = prop_def(DenseIntOrFPElementsAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$positions `,` $frequencies attr-dict `:` type($positions) `->` type($result)"
    )

    def __init__(self, positions: SSAValue | Operation, frequencies: DenseIntOrFPElementsAttr):
        (rows,) = tensor(positions).get_shape()
        (count,) = frequencies.get_shape()
        super().__init__(
            operands=[positions],
            properties={"frequencies": frequencies},
            result_types=[tensor_type(f32, [rows, 2, 2, count])],
        )

    def verify_(self) -> None:
        verify_row_width(self.result, self.frequencies.get_shape()[0])


@irdl_op_definition
class RopeOp(IRDLOperation):
    """
    Rotate each head: x [p, heads * 2 * f] by rotations [p, 2, 2, f]. Element j of a head's first
    half and element j of its second are a pair, as in transformers (not interleaved).
    """

    name = "nn.rope"

    input = operand_def(TensorType)
    rotations = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `,` $rotations attr-dict `:` type($input) `,` type($rotations) `->` type($result)"
    )

    def __init__(self, input: SSAValue | Operation, rotations: SSAValue | Operation):
        super().__init__(operands=[input, rotations], result_types=[SSAValue.get(input).type])

    def verify_(self) -> None:
        width, half = tensor(self.input).get_shape()[1], tensor(self.rotations).get_shape()[-1]
        if width % (2 * half):
            raise VerifyException(f"a row of {width} is not made of heads {2 * half} wide")


@irdl_op_definition
class CausalMaskOp(IRDLOperation):
    """
    Which row c of the context a row p of the batch may attend to: those at positions up to its own,
    of the streams that `until` [stream, source] lets its stream read, below the position it names.
    With a `window`, those of so many positions alone, its own the last (Beltagy et al. 2020,
    section 3.1, over earlier positions only).
    """

    name = "nn.causal_mask"

    streams = operand_def(TensorType)
    positions = operand_def(TensorType)
    context_streams = operand_def(TensorType)
    context_positions = operand_def(TensorType)
    until = operand_def(TensorType)
    window = opt_prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "`batch` `(` $streams `,` $positions `)` "
        "`context` `(` $context_streams `,` $context_positions `)` `until` $until "
        "(`window` $window^)? attr-dict "
        "`:` type($streams) `,` type($positions) `,` type($context_streams) `,` "
        "type($context_positions) `,` type($until) `->` type($result)"
    )

    def __init__(
        self,
        streams: SSAValue | Operation,
        positions: SSAValue | Operation,
        context_streams: SSAValue | Operation,
        context_positions: SSAValue | Operation,
        until: SSAValue | Operation,
        window: int | None = None,
    ):
        (rows,), (context,) = tensor(streams).get_shape(), tensor(context_streams).get_shape()
        super().__init__(
            operands=[streams, positions, context_streams, context_positions, until],
            properties={"window": None if window is None else IntegerAttr(window, i64)},
            result_types=[tensor_type(i1, [rows, context], sparse=True)],
        )

    def verify_(self) -> None:
        if not is_sparse(tensor(self.result)):
            raise VerifyException("a mask is sparse")
        if self.window is not None and self.window.value.data < 1:
            raise VerifyException("a window shows at least a row's own position")


@irdl_op_definition
class AttentionOp(IRDLOperation):
    """
    Grouped-query attention over a cache: append k and v to the cache, then, for each head,
    softmax(scale * q k^T) v over the rows of the cache that the mask shows
    (Ainslie et al. 2023; Vaswani et al. 2017, eq. 1). q [p, heads * d]; k, v [p, kv_heads * d].
    """

    name = "nn.attention"

    query = operand_def(TensorType)
    key = operand_def(TensorType)
    value = operand_def(TensorType)
    mask = operand_def(TensorType)
    cache = prop_def(SymbolRefAttr)
    layer = opt_operand_def(IndexType)
    layers = opt_prop_def(IntegerAttr)
    heads = prop_def(IntegerAttr.constr(i64))
    kv_heads = prop_def(IntegerAttr.constr(i64))
    scale = prop_def(FloatAttr)
    result = result_def(TensorType)

    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    assembly_format = (
        "$query `,` $key `,` $value `mask` $mask `cache` $cache (`at` $layer^ `of` $layers)? "
        "`heads` $heads `kv_heads` $kv_heads `scale` $scale attr-dict "
        "`:` type($query) `,` type($key) `,` type($value) `,` type($mask) `->` type($result)"
    )

    def __init__(
        self,
        query: SSAValue | Operation,
        key: SSAValue | Operation,
        value: SSAValue | Operation,
        mask: SSAValue | Operation,
        cache: str,
        heads: int,
        kv_heads: int,
        scale: float,
        layer: SSAValue | None = None,
        layers: int | None = None,
    ):
        super().__init__(
            operands=[query, key, value, mask, layer],
            properties={
                "cache": SymbolRefAttr(cache),
                "layers": None if layers is None else IntegerAttr(layers, i64),
                "heads": IntegerAttr(heads, i64),
                "kv_heads": IntegerAttr(kv_heads, i64),
                "scale": FloatAttr(scale, f64),
            },
            result_types=[SSAValue.get(query).type],
        )

    @property
    def head_width(self) -> int:
        return tensor(self.query).get_shape()[1] // self.heads.value.data

    def verify_(self) -> None:
        heads, kv_heads = self.heads.value.data, self.kv_heads.value.data
        if heads % kv_heads:
            raise VerifyException(f"{heads} heads do not share {kv_heads} key-value heads evenly")
        verify_row_width(self.query, heads * self.head_width)
        verify_row_width(self.key, kv_heads * self.head_width)
        verify_row_width(self.value, kv_heads * self.head_width)
        if not is_sparse(tensor(self.mask)):
            raise VerifyException("a mask is sparse")
