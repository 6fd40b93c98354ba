"""
Writes nodes of onnxruntime's own operators, and what it computes with them, to onnx/.

Run it in the environment of generate_ml.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from stored import write

Array = np.ndarray[Any, Any]
Output = tuple[int, int]
FLOAT: Output = (TensorProto.FLOAT, 3)
CHANCE = np.random.default_rng(0)


def normal(*shape: int) -> Array:
    return CHANCE.standard_normal(shape).astype(np.float32)


def node(
    name: str,
    op_type: str,
    operands: Sequence[Array | None],
    outputs: Sequence[Output | None] = (FLOAT,),
    weights: Sequence[int] = (),
    domain: str = "com.microsoft",
    **attributes: Any,
) -> None:
    """Write a model of one node.

    `outputs` are the dtype and rank of each result, None for one it leaves out; `weights` are those
    operands that are no inputs.
    """
    names = ["" if x is None else f"x{k}" for k, x in enumerate(operands)]
    results = ["" if output is None else f"y{k}" for k, output in enumerate(outputs)]
    arrays = {n: x for n, x in zip(names, operands, strict=True) if x is not None}
    stored = {f"x{k}" for k in weights} & set(arrays)
    graph = helper.make_graph(
        [helper.make_node(op_type, names, results, domain=domain, **attributes)],
        op_type,
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for n, x in arrays.items()
            if n not in stored
        ],
        [
            helper.make_tensor_value_info(n, output[0], [None] * output[1])
            for n, output in zip(results, outputs, strict=True)
            if output is not None
        ],
        [numpy_helper.from_array(arrays[n], n) for n in sorted(stored)],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    write(f"contrib-{name}", model, {n: x for n, x in arrays.items() if n not in stored})


def normalizations() -> None:
    x, skip, scale, bias = normal(2, 3, 8), normal(2, 3, 8), normal(8), normal(8)
    node("rms", "SimplifiedLayerNormalization", [x, scale], domain="")
    sums = (FLOAT, None, None, FLOAT)
    node("skip-rms", "SkipSimplifiedLayerNormalization", [x, skip, scale, bias], sums)
    node("skip-layer", "SkipLayerNormalization", [x, skip[0], scale, bias, bias], sums)
    ids, segments = (CHANCE.integers(0, n, (2, 5)).astype(np.int32) for n in (10, 2))
    tables = [normal(10, 8), normal(6, 8), normal(2, 8), scale, bias]
    outputs = (FLOAT, (TensorProto.INT32, 1))
    node("embed", "EmbedLayerNormalization", [ids, segments, *tables], outputs, range(2, 7))


def activations() -> None:
    x, bias = normal(2, 3, 8), normal(8)
    node("fast-gelu", "FastGelu", [x, bias])
    node("gelu", "Gelu", [x])
    node("bias-gelu", "BiasGelu", [x, bias])
    node("quick-gelu", "QuickGelu", [x], alpha=1.3)


def products() -> None:
    node(
        "product", "FusedMatMul", [normal(2, 4, 3), normal(2, 5, 4)], transA=1, transB=1, alpha=0.3
    )
    flags = {"transBatchA": 1, "transA": 1, "transBatchB": 1}
    node("product-batch", "FusedMatMul", [normal(4, 2, 3), normal(4, 2, 5)], **flags)
    for bits, depth, size, zeros in (
        *((4, 40, 32, "packed"), (4, 64, 32, "float"), (4, 32, 16, None)),
        *((8, 48, 16, "packed"), (8, 32, 16, None), (2, 96, 32, "packed")),
    ):
        columns, blocks = 5, -(-depth // size)
        count = columns * blocks
        packed = CHANCE.integers(0, 256, (columns, blocks, size * bits // 8)).astype(np.uint8)
        scales = (CHANCE.random(count) * 0.1).astype(np.float32)
        points = {
            None: None,
            "float": (CHANCE.random(count) * 15).astype(np.float32),
            "packed": CHANCE.integers(0, 256, columns * -(-blocks * bits // 8)).astype(np.uint8),
        }[zeros]
        operands = [normal(2, 3, depth), packed, scales, *([] if points is None else [points])]
        sizes = {"K": depth, "N": columns, "bits": bits, "block_size": size}
        name = f"packed-{bits}-{zeros or 'middle'}"
        node(name, "MatMulNBits", operands, weights=range(1, 4), **sizes)


def rotations() -> None:
    places = np.array([[0, 1, 2], [4, 5, 6]])
    tables = [np.cos(normal(8, 4)), np.sin(normal(8, 4))]
    for interleaved in (0, 1):
        kind = {"interleaved": interleaved}
        node(
            f"rotary-{interleaved}",
            "RotaryEmbedding",
            [normal(2, 2, 3, 8), places, *tables],
            [(TensorProto.FLOAT, 4)],
            **kind,
        )
        partial = {**kind, "num_heads": 2, "rotary_embedding_dim": 8}
        operands = [normal(2, 3, 24), np.array([2]), *tables]
        node(f"rotary-part-{interleaved}", "RotaryEmbedding", operands, **partial)


def attention(
    name: str,
    length: int,
    past: int | None,
    totals: Sequence[int],
    extra: Sequence[Array | None] = (),
    packed: bool = False,
    **attributes: Any,
) -> None:
    batch, heads, groups, size = len(totals), 4, 2, 16
    widths = (
        [(heads + 2 * groups) * size] if packed else [n * size for n in (heads, groups, groups)]
    )
    rows = [normal(batch, length, width) for width in widths] + [None] * (3 - len(widths))
    cache = [None if past is None else normal(batch, groups, past, size) for _ in range(2)]
    tables = [np.cos(normal(32, size // 2)), np.sin(normal(32, size // 2))]
    tables = tables if attributes.get("do_rotary") else [None, None]
    lasts = np.array(totals, np.int32) - 1
    operands = [*rows, *cache, lasts, np.array(max(totals), np.int32), *tables, *extra]
    while operands[-1] is None:
        operands.pop()
    counts = {"num_heads": heads, "kv_num_heads": groups}
    outputs = (FLOAT, *[(TensorProto.FLOAT, 4)] * 2)
    node(
        f"attention-{name}",
        "GroupQueryAttention",
        operands,
        outputs,
        (7, 8),
        **counts,
        **attributes,
    )


def attentions() -> None:
    attention("prompt", 3, None, [3, 3])
    attention("prompt-rotary", 3, None, [3], do_rotary=1, packed=True)
    attention("prompt-interleaved", 3, None, [3], do_rotary=1, rotary_interleaved=1)
    attention("step", 1, 5, [6, 6])
    attention("step-rotary", 1, 5, [6, 4], do_rotary=1)
    attention("chunk", 3, 5, [8], do_rotary=1)
    attention("buffer", 1, 8, [6], do_rotary=1)
    attention("window", 6, None, [6], local_window_size=3)
    attention("capped", 3, None, [3], softcap=5.0, scale=0.3)
    attention("smooth", 3, None, [3], smooth_softmax=1)
    attention("bias", 3, None, [3], [None, normal(1, 4, 3, 3)])
    attention("sink", 3, None, [3], [None, None, normal(4)])


if __name__ == "__main__":
    normalizations()
    activations()
    products()
    rotations()
    attentions()
