"""The cost model: what is counted, and the seconds it stands for."""

import pytest
from execution import TARGETS

from tensorjoin.cost import (
    BOUNDS,
    STORAGES,
    TERMS,
    MatrixLayout,
    Product,
    Work,
    bound,
    matrix_product,
    seconds,
    total,
)
from tensorjoin.targets import RowFormat

PLAIN = RowFormat(element_bytes=4, row_bytes=8, inline_bytes=None, materialises_operand=False)
NOTHING = dict.fromkeys(TERMS, 0.0)


def test_seconds_are_linear_in_work():
    coefficients = {term: float(number) for number, term in enumerate(TERMS)}
    first, second = Work(statements=2, joined=5), Work(joined=1, packed=7)
    assert seconds(first + second, coefficients) == pytest.approx(
        seconds(first, coefficients) + seconds(second, coefficients)
    )
    assert seconds(first.times(3), coefficients) == pytest.approx(3 * seconds(first, coefficients))
    assert total([]) == Work()


def test_what_bounds_a_run():
    work = Work(statements=1, joined=1000, bytes=4000)
    assert bound(work, {**NOTHING, "statements": 1.0, "joined": 1e-4}) == "overhead"
    assert bound(work, {**NOTHING, "statements": 1e-3, "joined": 1e-4}) == "rows"
    assert bound(work, {**NOTHING, "bytes": 1.0}) == "bytes"
    assert set(BOUNDS) == set(TERMS)


def test_a_row_for_each_element():
    work = matrix_product(MatrixLayout("rows"), Product(outputs=3, inputs=10, rows=2), PLAIN)
    assert (work.read, work.joined, work.grouped, work.written) == (30, 60, 60, 6)
    assert (work.bytes, work.products, work.dot_products) == (30 * 12, 60, 0)
    assert work.carried == 2 * 60


def test_chunks_as_vectors():
    work = matrix_product(MatrixLayout("arrays", 4), Product(outputs=3, inputs=10, rows=2), PLAIN)
    # Ten inputs are three chunks; of twelve places two are empty. They are packed for each row.
    assert (work.read, work.joined, work.dot_products) == (9, 18, 72)
    assert work.bytes == 9 * (4 * 4 + 8)
    assert work.grouped == 18 + 20
    assert work.packed == 20
    assert work.written == 6 + 6


def test_chunks_as_columns_look_at_each_element():
    work = matrix_product(MatrixLayout("columns", 4), Product(outputs=3, inputs=10, rows=2), PLAIN)
    assert (work.products, work.dot_products, work.packed) == (72, 0, 0)
    assert work.choices == 10 * 4 * 2
    assert work.carried == 2 * 72
    more = matrix_product(MatrixLayout("columns", 5), Product(outputs=3, inputs=10, rows=2), PLAIN)
    assert more.columns - work.columns == 4


@pytest.mark.parametrize("storage", ["arrays", "columns"])
def test_one_chunk_needs_no_sum(storage: str):
    work = matrix_product(MatrixLayout(storage, 10), Product(outputs=3, inputs=10), PLAIN)
    packing = 10
    assert (work.grouped, work.carried) == (packing, 0)


def test_long_rows():
    format = RowFormat(element_bytes=8, row_bytes=8, inline_bytes=100, materialises_operand=True)
    product = Product(outputs=3, inputs=24)
    short = matrix_product(MatrixLayout("columns", 8), product, format)
    long = matrix_product(MatrixLayout("columns", 12), product, format)
    assert (short.spilled, long.spilled) == (0, long.bytes)
    assert short.statements == 2


def test_columns_of_vectors():
    product = Product(outputs=3, inputs=24)
    whole = matrix_product(MatrixLayout("arrays", 24), product, PLAIN)
    cut = matrix_product(MatrixLayout("pivoted", 24, 4), product, PLAIN)
    assert cut == whole + Work(columns=8)


@pytest.mark.parametrize("columnar", [False, True])
def test_long_rows_of_short_columns(columnar: bool):
    format = RowFormat(4, 8, inline_bytes=40, materialises_operand=False, columnar=columnar)
    product = Product(outputs=3, inputs=24)
    for columns, is_long in ((1, True), (2, True), (3, not columnar)):
        work = matrix_product(MatrixLayout("pivoted", 24, columns), product, format)
        assert work.spilled == (work.bytes if is_long else 0)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("target", TARGETS)
def test_more_of_anything_is_more_work(storage: str, target: str):
    layout = MatrixLayout(storage, 1 if storage == "rows" else 16)
    small = matrix_product(layout, Product(8, 64, 1), TARGETS[target].profile.row_format)
    for larger in (Product(16, 64, 1), Product(8, 128, 1), Product(8, 64, 2)):
        work = matrix_product(layout, larger, TARGETS[target].profile.row_format)
        assert all(
            more >= less >= 0
            for more, less in zip(work.terms.values(), small.terms.values(), strict=True)
        )
        assert work != small
