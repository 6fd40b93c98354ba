"""Products of matrices and their kin."""

from functools import reduce

import numpy as np
from xdsl.dialects.builtin import i32, i64

from tensorjoin.passes.onnx.array import LETTERS, Array, constant, contract
from tensorjoin.passes.onnx.node import Node, decomposes


def matmul(x: Array, y: Array) -> Array:
    """numpy's matmul: vectors are rows or columns, leading axes broadcast."""
    squeezed: list[int] = []
    rank = max(x.rank, y.rank, 2)
    if x.rank == 1:
        x = x.unsqueeze([0])
        squeezed.append(rank - 2)
    if y.rank == 1:
        y = y.unsqueeze([1])
        squeezed.append(rank - 1)
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    letters = LETTERS[: len(batch)]
    row, inner, column = LETTERS[len(batch) : len(batch) + 3]
    operands, labels = list[Array](), list[str]()
    for array, ends in ((x, row + inner), (y, inner + column)):
        offset = len(batch) - (array.rank - 2)
        kept = [k for k in range(array.rank - 2) if array.shape[k] == batch[offset + k]]
        shape = [array.shape[k] for k in kept] + list(array.shape[-2:])
        operands.append(array.reshape(shape))
        labels.append("".join(letters[offset + k] for k in kept) + ends)
    indices = f"{','.join(labels)}->{letters}{row}{column}"
    shape = [*batch, x.shape[-2], y.shape[-1]]
    return contract(indices, *operands).reshape(shape).squeeze(squeezed)


@decomposes("MatMul")
def matmul_(node: Node, x: Array, y: Array) -> Array:
    return matmul(x, y)


@decomposes("Gemm")
def gemm(node: Node, a: Array, b: Array, c: Array | None = None) -> Array:
    left = "ki" if node.integer("transA", 0) else "ik"
    right = "jk" if node.integer("transB", 0) else "kj"
    product = contract(f"{left},{right}->ij", a, b)
    alpha, beta = node.float("alpha", 1.0), node.float("beta", 1.0)
    if alpha != 1:
        product = product * (alpha if a.is_float else int(alpha))
    if c is None:
        return product
    if beta != 1:
        c = c * (beta if c.is_float else int(beta))
    return product + c


@decomposes("Einsum")
def einsum(node: Node, *operands: Array) -> Array:
    equation = node.text("equation").replace(" ", "")
    inputs, arrow, output = equation.partition("->")
    labels = inputs.split(",")
    names = [letter for letter in equation if letter.isalpha()]
    ranks = [
        x.rank - len(label.replace("...", "")) for x, label in zip(operands, labels, strict=True)
    ]
    spare = [chr(code) for code in range(ord("A"), ord("Z") + 1) if chr(code) not in names]
    dots = "".join(spare[: max(ranks, default=0)])
    labels = [
        label.replace("...", dots[len(dots) - rank :])
        for label, rank in zip(labels, ranks, strict=True)
    ]
    if not arrow:
        every = "".join(labels)
        output = dots + "".join(sorted(n for n in set(names) if every.count(n) == 1))
    output = output.replace("...", dots)
    renamed = {name: LETTERS[k] for k, name in enumerate(dict.fromkeys("".join(labels)))}
    arrays, letters = list[Array](), list[str]()
    for array, label in zip(operands, labels, strict=True):
        array, label = diagonal(array, label)
        arrays.append(array)
        letters.append("".join(renamed[name] for name in label))
    result = "".join(renamed[name] for name in output)
    return contract(f"{','.join(letters)}->{result}", *arrays)


def diagonal(x: Array, label: str) -> tuple[Array, str]:
    """Axes of one name become one axis."""
    from tensorjoin.passes.onnx.array import along, iota, where

    for name in dict.fromkeys(label):
        while label.count(name) > 1:
            first, second = label.index(name), label.rindex(name)
            rows, columns = (along(iota(x.shape[k]), k, x.rank) for k in (first, second))
            x = where(rows.equals(columns), x, constant(0, x.element)).sum([second])
            label = label[:second] + label[second + 1 :]
    return x, label


@decomposes("MatMulInteger")
def matmul_integer(
    node: Node, a: Array, b: Array, a_zero: Array | None = None, b_zero: Array | None = None
) -> Array:
    a, b = shifted(a, a_zero, rows=True), shifted(b, b_zero, rows=False)
    return Array(matmul(a, b).value, i32)


def shifted(x: Array, zero: Array | None, rows: bool) -> Array:
    """Quantised integers less their zero point, which may be one for each row or column."""
    wide = Array(x.value, i64)
    if zero is None:
        return wide
    offset = Array(zero.value, i64)
    if rows and zero.rank == 1 and zero.size > 1:
        offset = offset.unsqueeze([1])
    return wide - offset


@decomposes("Det")
def determinant(node: Node, x: Array) -> Array:
    """Laplace's expansion, of small matrices: 1 to 5 rows."""
    size = x.shape[-1]
    if size > 5:
        raise node.refuse(f"a determinant of {size} rows is not expanded")
    return minor(x, list(range(size)), list(range(size)))


def minor(x: Array, rows: list[int], columns: list[int]) -> Array:
    def element(row: int, column: int) -> Array:
        cell = x.slice(x.rank - 2, row, 1).slice(x.rank - 1, column, 1)
        return cell.squeeze([x.rank - 2, x.rank - 1])

    if len(rows) == 1:
        return element(rows[0], columns[0])
    terms = [
        element(rows[0], column)
        * minor(x, rows[1:], [other for other in columns if other != column])
        * (-1.0) ** k
        for k, column in enumerate(columns)
    ]
    return reduce(lambda a, b: a + b, terms)
