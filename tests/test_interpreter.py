"""The reference interpreter against plain numpy, and against transformers."""

from pathlib import Path

import numpy as np
import pytest
from execution import EVERYTHING, llama, stream_tables
from models.references import reference
from xdsl.utils.exceptions import DiagnosticException

from tensorjoin.dialects.expression import AGGREGATES, FUNCTIONS, WINDOWS
from tensorjoin.interpreter import expressions
from tensorjoin.interpreter.relations import table_of_tensor, tensor_of_table
from tensorjoin.testing.modules import evaluate, run

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((3, 4))
Y = GENERATOR.standard_normal((3, 4))
W = GENERATOR.standard_normal((5, 4))
HOLES = np.array([[0, 1, 0, 0], [1, 0, 1, 1], [1, 1, 1, 1]], np.bool_)
SPARSE = np.ma.array(X, mask=HOLES)


def same(value: np.ndarray, expected: np.ndarray) -> None:
    """Equal arrays, with equal masks."""
    np.testing.assert_array_equal(np.ma.getmaskarray(value), np.ma.getmaskarray(expected))
    np.testing.assert_allclose(
        np.ma.filled(value, 0), np.ma.filled(expected, 0), rtol=1e-12, atol=1e-12
    )


def scalar_map(body: str, types: str, result: str) -> str:
    """A function that maps a scalar computation over vectors of 4."""
    elements = types.split()
    arguments = ", ".join(f"%t{n}: tensor<4x{type}>" for n, type in enumerate(elements))
    names = ", ".join(f"%t{n}" for n in range(len(elements)))
    tensors = ", ".join(f"tensor<4x{type}>" for type in elements)
    scalars = ", ".join(f"%{'xyz'[n]}: {type}" for n, type in enumerate(elements))
    indices = ",".join("i" * len(elements))
    return f"""
        func.func @f({arguments}) -> tensor<4x{result}> {{
          %r = ten.map "{indices}->i" ({names}) : ({tensors}) -> tensor<4x{result}> {{
          ^bb0({scalars}):
            %v = {body}
            ten.yield %v : {result}
          }}
          func.return %r : tensor<4x{result}>
        }}"""


FLOATS = np.array([-1.5, 0.0, 0.5, 2.0])
OTHERS = np.array([0.5, 0.0, -2.0, 2.0])
INTEGERS = np.array([-7, 0, 3, 12])
DIVISORS = np.array([2, 5, -3, 12])


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("arith.addf", np.add),
        ("arith.subf", np.subtract),
        ("arith.mulf", np.multiply),
        ("arith.divf", lambda x, y: x / np.where(y == 0, np.nan, y)),
        ("arith.maximumf", np.maximum),
        ("arith.minimumf", np.minimum),
    ],
)
def test_float_scalars(op, function):
    text = scalar_map(f"{op} %x, %y : f32", "f32 f32", "f32")
    same(evaluate(text, FLOATS, OTHERS), function(FLOATS, OTHERS))


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("arith.negf", np.negative),
        ("math.absf", np.abs),
        ("math.acos", np.arccos),
        ("math.acosh", np.arccosh),
        ("math.asin", np.arcsin),
        ("math.asinh", np.arcsinh),
        ("math.atan", np.arctan),
        ("math.atanh", np.arctanh),
        ("math.ceil", np.ceil),
        ("math.cos", np.cos),
        ("math.cosh", np.cosh),
        ("math.exp", np.exp),
        ("math.floor", np.floor),
        ("math.sin", np.sin),
        ("math.sinh", np.sinh),
        ("math.tan", np.tan),
        ("math.tanh", np.tanh),
    ],
)
def test_functions_of_one_float(op, function):
    """Outside of a function's domain the result is NaN."""
    with np.errstate(invalid="ignore"):
        expected = function(FLOATS)
    same(evaluate(scalar_map(f"{op} %x : f32", "f32", "f32"), FLOATS), expected)


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("math.sqrt", np.sqrt),
        ("math.log", np.log),
        ("math.rsqrt", lambda x: x**-0.5),
    ],
)
def test_functions_of_a_positive_float(op, function):
    positive = np.abs(FLOATS) + 1
    same(evaluate(scalar_map(f"{op} %x : f32", "f32", "f32"), positive), function(positive))


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("arith.addi", np.add),
        ("arith.subi", np.subtract),
        ("arith.muli", np.multiply),
        ("arith.divsi", lambda x, y: np.trunc(x / y)),
        ("arith.remsi", lambda x, y: x - y * np.trunc(x / y)),
        ("arith.andi", np.bitwise_and),
        ("arith.ori", np.bitwise_or),
        ("arith.xori", np.bitwise_xor),
        ("arith.maxsi", np.maximum),
        ("arith.minsi", np.minimum),
    ],
)
def test_integer_scalars(op, function):
    text = scalar_map(f"{op} %x, %y : i32", "i32 i32", "i32")
    same(evaluate(text, INTEGERS, DIVISORS), function(INTEGERS, DIVISORS))


def test_shifts_and_magnitudes_of_integers():
    places = np.array([2, 5, 3, 0])
    left = scalar_map("arith.shli %x, %y : i64", "i64 i64", "i64")
    same(evaluate(left, INTEGERS, places), INTEGERS * 2**places)
    right = scalar_map("arith.shrsi %x, %y : i64", "i64 i64", "i64")
    same(evaluate(right, INTEGERS, places), np.floor(INTEGERS / 2**places))
    same(evaluate(scalar_map("math.absi %x : i64", "i64", "i64"), INTEGERS), np.abs(INTEGERS))


@pytest.mark.parametrize(
    ("predicate", "function"),
    [
        ("eq", np.equal),
        ("ne", np.not_equal),
        ("slt", np.less),
        ("sle", np.less_equal),
        ("sgt", np.greater),
        ("sge", np.greater_equal),
        ("ult", lambda x, y: x % 2**32 < y % 2**32),
        ("ule", lambda x, y: x % 2**32 <= y % 2**32),
        ("ugt", lambda x, y: x % 2**32 > y % 2**32),
        ("uge", lambda x, y: x % 2**32 >= y % 2**32),
    ],
)
def test_integer_comparisons(predicate, function):
    text = scalar_map(f"arith.cmpi {predicate}, %x, %y : i32", "i32 i32", "i1")
    same(evaluate(text, INTEGERS, DIVISORS), function(INTEGERS, DIVISORS))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("false", [0, 0, 0, 0]),
        ("oeq", [0, 1, 0, 0]),
        ("ogt", [0, 0, 1, 0]),
        ("oge", [0, 1, 1, 0]),
        ("olt", [1, 0, 0, 0]),
        ("ole", [1, 1, 0, 0]),
        ("one", [1, 0, 1, 0]),
        ("ord", [1, 1, 1, 0]),
        ("ueq", [0, 1, 0, 1]),
        ("ugt", [0, 0, 1, 1]),
        ("uge", [0, 1, 1, 1]),
        ("ult", [1, 0, 0, 1]),
        ("ule", [1, 1, 0, 1]),
        ("une", [1, 0, 1, 1]),
        ("uno", [0, 0, 0, 1]),
        ("true", [1, 1, 1, 1]),
    ],
)
def test_float_comparisons(predicate, expected):
    text = scalar_map(f"arith.cmpf {predicate}, %x, %y : f32", "f32 f32", "i1")
    x, y = np.array([-1.5, 0.0, 0.5, np.nan]), np.array([0.5, 0.0, -2.0, 2.0])
    same(evaluate(text, x, y), np.array(expected, np.bool_))


def test_select_and_conversions():
    text = scalar_map("arith.select %x, %y, %z : f32", "i1 f32 f32", "f32")
    same(evaluate(text, FLOATS > 0, FLOATS, OTHERS), np.where(FLOATS > 0, FLOATS, OTHERS))
    same(evaluate(scalar_map("arith.sitofp %x : i32 to f32", "i32", "f32"), INTEGERS), INTEGERS)
    truncated = evaluate(scalar_map("arith.fptosi %x : f32 to i32", "f32", "i32"), FLOATS)
    same(truncated, np.array([-1, 0, 0, 2]))
    same(evaluate(scalar_map("arith.extui %x : i1 to i64", "i1", "i64"), FLOATS > 0), [0, 0, 1, 1])


def test_constants_are_of_their_type():
    same(evaluate(scalar_map("arith.constant 2.5 : f32", "f32", "f32"), FLOATS), np.full(4, 2.5))
    same(evaluate(scalar_map("arith.constant true", "f32", "i1"), FLOATS), np.full(4, True))
    text = scalar_map("arith.constant -3 : i32", "f32", "i32")
    same(evaluate(text, FLOATS), np.full(4, -3))


def test_map_broadcasts_and_transposes():
    text = """
        func.func @f(%x: tensor<?x4xf32>, %s: tensor<?xf32>) -> tensor<4x?xf32> {
          %r = ten.map "pi,p->ip" (%x, %s)
              : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<4x?xf32> {
          ^bb0(%a: f32, %b: f32):
            %v = arith.mulf %a, %b : f32
            ten.yield %v : f32
          }
          func.return %r : tensor<4x?xf32>
        }"""
    s = np.array([1.0, 2.0, 3.0])
    same(evaluate(text, X, s), (X * s[:, None]).T)


def test_map_is_absent_where_an_operand_is():
    text = """
        func.func @f(%x: tensor<3x4xf32, #ten.sparse>, %y: tensor<3x4xf32>)
            -> tensor<3x4xf32, #ten.sparse> {
          %r = ten.map "pi,pi->pi" (%x, %y)
              : (tensor<3x4xf32, #ten.sparse>, tensor<3x4xf32>) -> tensor<3x4xf32, #ten.sparse> {
          ^bb0(%a: f32, %b: f32):
            %v = arith.divf %a, %b : f32
            ten.yield %v : f32
          }
          func.return %r : tensor<3x4xf32, #ten.sparse>
        }"""
    same(evaluate(text, SPARSE, Y), np.ma.array(X / Y, mask=HOLES))


def reduction(kind: str, result: str) -> str:
    return f"""
        func.func @f(%x: tensor<3x4xf32, #ten.sparse>) -> {result} {{
          %r = ten.reduce {kind} "pi->p" %x : tensor<3x4xf32, #ten.sparse> -> {result}
          func.return %r : {result}
        }}"""


@pytest.mark.parametrize(("kind", "fold"), [("sum", sum), ("max", max), ("min", min)])
def test_reduce_ignores_absent_elements(kind, fold):
    folded = [fold(x[~hole]) if (~hole).any() else 0 for x, hole in zip(X, HOLES, strict=True)]
    expected = np.ma.array(folded, mask=HOLES.all(axis=1))
    same(evaluate(reduction(kind, "tensor<3xf32, #ten.sparse>"), SPARSE), expected)


def test_a_dense_result_must_be_complete():
    with pytest.raises(DiagnosticException, match=r"has no element at \[2\]"):
        run(reduction("sum", "tensor<3xf32>"), SPARSE)


def test_reduce_of_several_axes_and_of_integers():
    text = """
        func.func @f(%x: tensor<2x3x4xi32>) -> tensor<3xi32> {
          %r = ten.reduce max "abc->b" %x : tensor<2x3x4xi32> -> tensor<3xi32>
          func.return %r : tensor<3xi32>
        }"""
    x = GENERATOR.integers(-9, -1, (2, 3, 4))
    same(evaluate(text, x), x.max(axis=(0, 2)))


def test_contract_is_an_einsum():
    text = """
        func.func @f(%x: tensor<?x4xf32>, %w: tensor<5x4xf32>) -> tensor<5x?xf32> {
          %r = ten.contract "pi,oi->op" (%x, %w)
              : (tensor<?x4xf32>, tensor<5x4xf32>) -> tensor<5x?xf32>
          func.return %r : tensor<5x?xf32>
        }"""
    same(evaluate(text, X, W), W @ X.T)


def test_contract_takes_only_the_terms_that_exist():
    text = """
        func.func @f(%x: tensor<3x4xf32>, %w: tensor<5x4xf32>, %m: tensor<3x4xi1, #ten.sparse>)
            -> tensor<3x5xf32, #ten.sparse> {
          %r = ten.contract "pi,oi,pi->po" (%x, %w, %m)
              : (tensor<3x4xf32>, tensor<5x4xf32>, tensor<3x4xi1, #ten.sparse>)
              -> tensor<3x5xf32, #ten.sparse>
          func.return %r : tensor<3x5xf32, #ten.sparse>
        }"""
    mask = np.ma.array(np.ones((3, 4), np.bool_), mask=HOLES)
    absent = np.repeat(HOLES.all(axis=1)[:, None], 5, axis=1)
    expected = np.ma.array(np.where(HOLES, 0, X) @ W.T, mask=absent)
    same(evaluate(text, X, W, mask), expected)


def test_gather_looks_rows_up():
    text = """
        func.func @f(%t: tensor<3x4xf32>, %n: tensor<?xi32>) -> tensor<?x4xf32> {
          %r = ten.gather "ti,p->pi" %t, %n : tensor<3x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
          func.return %r : tensor<?x4xf32>
        }"""
    same(evaluate(text, X, [2, 0, 2, 1]), X[[2, 0, 2, 1]])
    with pytest.raises(DiagnosticException, match="has no element"):
        run(text, X, [3])


def test_gather_along_a_shared_axis_of_a_sparse_table():
    text = """
        func.func @f(%t: tensor<?x4xf32, #ten.sparse>, %n: tensor<?xi32>)
            -> tensor<?xf32, #ten.sparse> {
          %r = ten.gather "pi,p->p" %t, %n
              : tensor<?x4xf32, #ten.sparse>, tensor<?xi32> -> tensor<?xf32, #ten.sparse>
          func.return %r : tensor<?xf32, #ten.sparse>
        }"""
    same(evaluate(text, SPARSE, [0, 1, 9]), np.ma.array([X[0, 0], X[1, 1], 0], mask=[0, 0, 1]))


def test_reshape_slice_and_sparsify():
    text = """
        func.func @f(%x: tensor<?x4xf32>, %b: tensor<?x4xi1>)
            -> (tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x4xi1, #ten.sparse>) {
          %0 = ten.reshape %x : tensor<?x4xf32> -> tensor<?x2x2xf32>
          %1 = ten.slice %x axis 1 from 1 : tensor<?x4xf32> -> tensor<?x2xf32>
          %2 = ten.sparsify %b : tensor<?x4xi1> -> tensor<?x4xi1, #ten.sparse>
          func.return %0, %1, %2
              : tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x4xi1, #ten.sparse>
        }"""
    reshaped, piece, kept = run(text, X, ~HOLES).returned
    same(reshaped, X.reshape(3, 2, 2))
    same(piece, X[:, 1:3])
    same(kept, np.ma.array(~HOLES, mask=HOLES))


def returning(arguments: str, result: str, value: str) -> str:
    """A function that returns the value of one op."""
    return f"""
        func.func @f({arguments}) -> {result} {{
          %r = {value}
          func.return %r : {result}
        }}"""


DENSE, GAPS = "tensor<3x4xf64>", "tensor<3x4xf64, #ten.sparse>"


@pytest.mark.parametrize("extent", [0, 1, 5])
def test_iota_numbers_an_axis(extent: int):
    type = f"tensor<{extent}xi64>"
    same(evaluate(returning("", type, f"ten.iota : {type}")), np.arange(extent))


@pytest.mark.parametrize("axis", [0, 1])
def test_concat_puts_one_after_the_other(axis: int):
    result = ["tensor<6x4xf64, #ten.sparse>", "tensor<3x8xf64, #ten.sparse>"][axis]
    value = f"ten.concat %x, %y axis {axis} : ({GAPS}, {DENSE}) -> {result}"
    text = returning(f"%x: {GAPS}, %y: {DENSE}", result, value)
    holes = np.concatenate([HOLES, np.zeros((3, 4), np.bool_)], axis)
    same(evaluate(text, SPARSE, Y), np.ma.array(np.concatenate([X, Y], axis), mask=holes))


@pytest.mark.parametrize(
    ("element", "value", "data"),
    [
        ("f64", "-0.5 : f64", X),
        ("i64", "-3 : i64", GENERATOR.integers(-9, 9, (3, 4))),
        ("i1", "true", X > 0),
    ],
)
def test_fill_changes_nothing_but_what_is_absent(element: str, value: str, data: np.ndarray):
    dense = f"tensor<3x4x{element}>"
    sparse = f"tensor<3x4x{element}, #ten.sparse>"
    text = returning(f"%x: {sparse}", dense, f"ten.fill %x with {value} : {sparse} -> {dense}")
    constant = {"f64": -0.5, "i64": -3, "i1": True}[element]
    same(evaluate(text, np.ma.array(data, mask=HOLES)), np.where(HOLES, constant, data))


IDS = np.array([4, 0, 4])


def scattered(kind: str, x: str, ids: str, indices: str, result: str) -> str:
    by = f" by {kind}" if kind else ""
    value = f'ten.scatter "{indices}" %x, %n{by} : {x}, {ids} -> {result}'
    return returning(f"%x: {x}, %n: {ids}", result, value)


@pytest.mark.parametrize(("kind", "fold"), [("sum", np.sum), ("max", np.max), ("min", np.min)])
def test_scatter_combines_what_meets(kind: str, fold):
    text = scattered(kind, DENSE, "tensor<3xi64>", "ij,i->rj", "tensor<6x4xf64, #ten.sparse>")
    absent = np.repeat([[0], [1], [1], [1], [0], [1]], 4, axis=1)
    expected = np.zeros((6, 4))
    expected[0], expected[4] = X[1], fold(X[[0, 2]], axis=0)
    same(evaluate(text, X, IDS), np.ma.array(expected, mask=absent))


def test_scatter_without_a_reduction_moves():
    text = scattered("", DENSE, "tensor<3xi64>", "ij,i->jr", "tensor<4x3xf64>")
    same(evaluate(text, X, [2, 0, 1]), X[[1, 2, 0]].T)


def test_scatter_drops_what_has_no_place():
    text = scattered("sum", DENSE, "tensor<3xi64>", "ij,i->rj", "tensor<2x4xf64, #ten.sparse>")
    expected = np.ma.array([X[1], X[1]], mask=[[0] * 4, [1] * 4])
    same(evaluate(text, X, [-1, 0, 2]), expected)


def test_scatter_of_absent_elements_and_by_absent_ids():
    text = scattered("sum", GAPS, "tensor<3x4xi64>", "ij,ij->ir", "tensor<3x2xf64, #ten.sparse>")
    ids = np.array([[0, 0, 1, 1]] * 3)
    sums = np.where(HOLES, 0, X).reshape(3, 2, 2).sum(axis=2)
    same(evaluate(text, SPARSE, ids), np.ma.array(sums, mask=HOLES.reshape(3, 2, 2).all(axis=2)))

    ids_type = "tensor<3xi64, #ten.sparse>"
    text = scattered("max", DENSE, ids_type, "ij,i->r", "tensor<2xf64>")
    known = np.ma.array([1, 0, 1], mask=[0, 0, 1])
    same(evaluate(text, X, known), np.array([X[1].max(), X[0].max()]))


def test_a_scatter_over_ids_of_every_element_has_lost_its_axes():
    """A histogram: no axis of the input is left."""
    text = scattered("sum", "tensor<3x4xi64>", "tensor<3x4xi64>", "ij,ij->r", "tensor<3xi64>")
    ids = np.array([[0, 1, 2, 2], [2, 2, 0, 1], [1, 1, 1, 2]])
    same(evaluate(text, np.ones((3, 4), np.int64), ids), np.bincount(ids.ravel()))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("descending", ["", "descending "])
def test_rank_is_the_place_in_a_stable_order(axis: int, descending: str):
    value = f"ten.rank {descending}%x axis {axis} : {DENSE} -> tensor<3x4xi64>"
    text = returning(f"%x: {DENSE}", "tensor<3x4xi64>", value)
    x = np.array([[1.0, -2.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0], [3.0, -2.0, 5.0, 3.0]])
    order = np.argsort(-x if descending else x, axis, kind="stable")
    same(np.take_along_axis(evaluate(text, x), order, axis), np.indices((3, 4))[axis])


def test_rank_counts_only_what_is_there():
    value = f"ten.rank %x axis 1 : {GAPS} -> tensor<3x4xi64, #ten.sparse>"
    text = returning(f"%x: {GAPS}", "tensor<3x4xi64, #ten.sparse>", value)
    below = (X[:, None, :] < X[:, :, None]) & ~HOLES[:, None, :]
    same(evaluate(text, SPARSE), np.ma.array(below.sum(axis=2), mask=HOLES))


@pytest.mark.parametrize("axis", [0, 1])
def test_running_sum_is_a_cumulative_sum(axis: int):
    value = f"ten.running_sum %x axis {axis} : {DENSE} -> {DENSE}"
    same(evaluate(returning(f"%x: {DENSE}", DENSE, value), X), np.cumsum(X, axis))


def test_running_sum_passes_over_what_is_absent():
    value = f"ten.running_sum %x axis 1 : {GAPS} -> {GAPS}"
    sums = np.cumsum(np.where(HOLES, 0, X), axis=1)
    same(evaluate(returning(f"%x: {GAPS}", GAPS, value), SPARSE), np.ma.array(sums, mask=HOLES))


def test_weights_follow_each_other_and_have_layers():
    text = """
        func.func @f() -> tensor<8x4xf32> {
          %layer = arith.constant 1 : index
          %w = ten.weight @w from ["{}.x", "{}.w"] at %layer of 2 : i64 : tensor<8x4xf32>
          func.return %w : tensor<8x4xf32>
        }"""
    same(evaluate(text, weights={"1.x": X, "1.w": W}), np.concatenate([X, W]))


def test_constant():
    text = """
        func.func @f() -> tensor<2x2xf64> {
          %c = ten.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf64> : tensor<2x2xf64>
          func.return %c : tensor<2x2xf64>
        }"""
    same(evaluate(text), np.array([[1.0, 2.0], [3.0, 4.0]]))
    splat = text.replace("[[1.0, 2.0], [3.0, 4.0]]", "7.0")
    same(evaluate(splat), np.full((2, 2), 7.0))


INPUT = """
    func.func @f() -> TYPE {
      %x = ten.input @table KEYS "v" : TYPE
      func.return %x : TYPE
    }"""


def test_inputs_are_tensors_or_rows_with_keys():
    rows = INPUT.replace("TYPE", "tensor<?xi32>").replace("KEYS", '["p"]')
    same(evaluate(rows, inputs={"table": {"v": [5, 6]}}), np.array([5, 6]))
    same(evaluate(rows, inputs={"table": {"p": [8, 7], "v": [5, 6]}}), np.array([6, 5]))

    type = "tensor<?x?xi32, #ten.sparse>"
    sparse = INPUT.replace("TYPE", type).replace("KEYS", '["a", "b"]')
    expected = np.ma.array([[0, 5], [6, 0]], mask=[[1, 0], [0, 1]])
    same(evaluate(sparse, inputs={"table": {"a": [0, 1], "b": [1, 0], "v": [5, 6]}}), expected)
    same(evaluate(sparse, inputs={"table": {"v": expected}}), expected)


def test_state_is_appended_to_and_outputs_are_written():
    text = """
        func.func @f(%x: tensor<?x4xf32>) {
          %layer = arith.constant 3 : index
          ten.append %x to @rows.{} ["c", "d"] at %layer of 4 : i64 : tensor<?x4xf32>
          %all = ten.read @rows.{} ["c", "d"] at %layer of 4 : i64 : tensor<?x4xf32>
          ten.output %all to @out ["c", "d"] : tensor<?x4xf32>
          func.return
        }""".replace("@rows.{}", '@"rows.{}"')
    state: dict[str, np.ndarray] = {}
    same(run(text, X, state=state).outputs["out"], X)
    same(run(text, W, state=state).outputs["out"], np.concatenate([X, W]))
    assert list(state) == ["rows.3"]


def test_a_state_is_empty_at_first():
    text = """
        func.func @f() -> tensor<?x4xf32> {
          %all = ten.read @rows ["c", "d"] : tensor<?x4xf32>
          func.return %all : tensor<?x4xf32>
        }"""
    assert evaluate(text).shape == (0, 4)


def test_loops_carry_tensors():
    text = """
        func.func @f(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
          %zero = arith.constant 0 : index
          %two = arith.constant 2 : index
          %one = arith.constant 1 : index
          %r = scf.for %l = %zero to %two step %one iter_args(%a = %x) -> (tensor<3x4xf32>) {
            %w = nn.weight @"w.{}" at %l of 2 : i64 : tensor<3x4xf32>
            %b = nn.add %a, %w : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x4xf32>
            scf.yield %b : tensor<3x4xf32>
          }
          func.return %r : tensor<3x4xf32>
        }"""
    same(evaluate(text, X, weights={"w.0": Y, "w.1": X}), X + Y + X)


def test_nn_elementwise_and_norm():
    text = """
        func.func @f(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %g: tensor<4xf32>)
            -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
          %0 = nn.silu %x : tensor<?x4xf32> -> tensor<?x4xf32>
          %1 = nn.mul %x, %y : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
          %2 = nn.rms_norm %x, %g epsilon 0.5 : f64
              : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32>
          func.return %0, %1, %2 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
        }"""
    silu, product, norm = run(text, X, Y, W[0]).returned
    same(silu, X / (1 + np.exp(-X)))
    same(product, X * Y)
    same(norm, np.array([x / np.sqrt((x @ x) / 4 + 0.5) * W[0] for x in X]))


def test_nn_filter_drops_rows():
    text = """
        func.func @f(%x: tensor<?x4xf32>, %e: tensor<?xi32>, %w: tensor<5x4xf32>)
            -> tensor<?x5xf32, #ten.sparse> {
          %0 = nn.filter %x, %e : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32, #ten.sparse>
          %1 = nn.linear %0, %w
              : tensor<?x4xf32, #ten.sparse>, tensor<5x4xf32> -> tensor<?x5xf32, #ten.sparse>
          func.return %1 : tensor<?x5xf32, #ten.sparse>
        }"""
    dropped = np.repeat([[0], [1], [0]], 5, axis=1)
    same(evaluate(text, X, [1, 0, 2], W), np.ma.array(X @ W.T, mask=dropped))


def test_nn_rope_turns_the_pairs_of_each_head():
    text = """
        func.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>) -> tensor<?x8xf32> {
          %r = nn.rotary %p, dense<[1.0, 0.25]> : tensor<2xf64>
              : tensor<?xi32> -> tensor<?x2x2x2xf32>
          %y = nn.rope %x, %r : tensor<?x8xf32>, tensor<?x2x2x2xf32> -> tensor<?x8xf32>
          func.return %y : tensor<?x8xf32>
        }"""
    x = GENERATOR.standard_normal((2, 8))
    expected = np.zeros((2, 8))
    for row, position in enumerate([3, 11]):
        for head in (0, 4):
            for j, frequency in enumerate([1.0, 0.25]):
                pair = complex(x[row, head + j], x[row, head + 2 + j])
                turned = pair * np.exp(1j * position * frequency)
                expected[row, head + j], expected[row, head + 2 + j] = turned.real, turned.imag
    same(evaluate(text, x, [3, 11]), expected)


PREAMBLE = """
    rel.table input @x : <[p: ?, i: 4], v: f32>
    rel.table input @y : <[i: 4, o: 5], w: f32>
    rel.table scratch @out : <SCHEMA>
    func.func @f() {
      %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
      %y = rel.scan @y : !rel.relation<[i: 4, o: 5], w: f32>
"""


def relational(schema: str, body: str, parameters=None):
    """The rows of %r, computed from X [p, i] and the transpose of W [i, o]."""
    text = PREAMBLE.replace("SCHEMA", schema) + body + "\n rel.insert %r into @out func.return }"
    inputs = {"x": {"v": X}, "y": {"w": W.T}}
    return run(text, inputs=inputs, parameters=parameters).outputs["out"]


def tensor(relation, *shape: int, column: str = "v"):
    keys = list(relation)[: len(shape)]
    return tensor_of_table(relation, keys, column, shape)


def test_join_and_aggregate_multiply_matrices():
    relation = relational(
        "[p: ?, o: 5], v: f64",
        """
        %j = rel.join %x, %y on [i]
        %r = rel.aggregate %j by [p, o] {v = sum(mul(v, w))}""",
    )
    same(tensor(relation, 3, 5), X @ W.T)


def test_aggregates():
    relation = relational(
        "[p: ?], most: f32, least: f32, n: i64, mean: f64",
        """
        %r = rel.aggregate %x by [p]
            {most = max(v), least = min(v), n = count(v), mean = div(sum(v), count(v))}""",
    )
    same(relation["most"], X.max(axis=1))
    same(relation["least"], X.min(axis=1))
    same(relation["n"], np.full(3, 4))
    same(relation["mean"], X.mean(axis=1))


def test_select_project_and_the_parameters():
    relation = relational(
        "[p: ?, h: 2, d: 2], v: f64",
        """
        %s = rel.select %x where and(ge(v, ?low float), not(eq(p, ?skip)))
        %r = rel.project %s [p, h = idiv(i, 2) to 2, d = mod(i, 2) to 2] {v = mul(v, 2.0)}""",
        {"low": -0.1, "skip": 1},
    )
    kept = X >= -0.1
    kept[1] = False
    same(tensor(relation, 3, 2, 2), np.ma.array(2 * X, mask=~kept).reshape(3, 2, 2))


def test_vectors_are_packed_taken_apart_and_multiplied():
    relation = relational(
        "[p: ?, c: 2], v: f32, e: f32",
        """
        %s = rel.project %x [p, c = idiv(i, 3) to 2, slot = mod(i, 3) to 3] {v}
        %k = rel.aggregate %s by [p, c] {x = pack(v, slot, 3)}
        %r = rel.project %k [p, c] {v = dot(x, x), e = element(x, sub(1, c))}""",
    )
    padded = np.pad(X, [(0, 0), (0, 2)]).reshape(3, 2, 3)
    same(tensor(relation, 3, 2), (padded**2).sum(axis=2))
    same(tensor(relation, 3, 2, column="e"), np.stack([padded[:, 0, 1], padded[:, 1, 0]], axis=1))


def test_window_ranks_and_accumulates():
    relation = relational(
        "[p: ?, i: 4], v: f32, rank: i64, mass: f64",
        "%r = rel.window %x per [p] by [desc v, i] {rank = row_number(), mass = running_sum(v)}",
    )
    order = np.argsort(-X, axis=1)
    same(np.take_along_axis(tensor(relation, 3, 4, column="rank"), order, 1), [[1, 2, 3, 4]] * 3)
    mass = np.take_along_axis(tensor(relation, 3, 4, column="mass"), order, 1)
    same(mass, np.cumsum(np.take_along_axis(X, order, 1), axis=1))


def test_values_range_and_a_product_of_relations():
    relation = relational(
        "[i: 2, j: 3], v: f64",
        """
        %v = rel.values [0.5, -2.0] : !rel.relation<[i: 2], v: f64>
        %n = rel.range j to 3
        %m = rel.join %v, %n on []
        %k = rel.materialize %m
        %r = rel.project %k [i, j] {v = add(v, to_float(j))}""",
    )
    same(tensor(relation, 2, 3), np.array([[0.5], [-2.0]]) + np.arange(3))


def test_union_keeps_all_rows():
    relation = relational(
        "[p: ?, i: 8], v: f32",
        """
        %moved = rel.project %x [p, i = add(i, 4) to 8] {v = neg(v)}
        %there = rel.project %x [p, i = i to 8] {v}
        %some = rel.select %there where gt(v, 0.0)
        %r = rel.union %some, %moved
            : (!rel.relation<[p: ?, i: 8], v: f32>, !rel.relation<[p: ?, i: 8], v: f32>)
            -> !rel.relation<[p: ?, i: 8], v: f32>""",
    )
    absent = np.concatenate([X <= 0, np.zeros((3, 4), np.bool_)], axis=1)
    same(tensor(relation, 3, 8), np.ma.array(np.concatenate([X, -X], axis=1), mask=absent))


def test_a_key_may_occur_in_several_parts_of_a_union():
    relation = relational(
        "[p: ?], v: f64, n: i64",
        """
        %u = rel.union %x, %x, %x
            : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>,
               !rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: ?, i: 4], v: f32>
        %r = rel.aggregate %u by [p] {v = sum(v), n = count(v)}""",
    )
    same(relation["v"], 3 * X.sum(axis=1))
    same(relation["n"], np.full(3, 12))


def test_loop_with_a_parameter():
    relation = relational(
        "[p: ?, i: 4], v: f64",
        """
        %z = rel.project %x [p, i] {v = to_float(v)}
        %r = rel.for layer to 3 carrying (%z) {
        ^bb0(%a: !rel.relation<[p: ?, i: 4], v: f64>):
          %b = rel.project %a [p, i] {v = add(mul(v, 2.0), to_float(?layer))}
          rel.yield %b : !rel.relation<[p: ?, i: 4], v: f64>
        }""",
    )
    same(tensor(relation, 3, 4), ((X * 2) * 2 + 1) * 2 + 2)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("exp(v)", np.exp(X)),
        ("round(mul(v, 9.0))", np.rint(X * 9)),
        ("sqrt(abs(v))", np.sqrt(np.abs(X))),
        ("neg(sin(v))", -np.sin(X)),
        ("cos(v)", np.cos(X)),
        ("greatest(v, 0.25)", np.maximum(X, 0.25)),
        ("least(v, 0.25)", np.minimum(X, 0.25)),
        ("sub(div(v, 4.0), v)", X / 4 - X),
        ("if(or(lt(v, -1.0), gt(v, 1.0)), 0.0, v)", np.where(np.abs(X) > 1, 0, X)),
        ("if(le(v, 0.0), 1.0, to_float(to_int(mul(v, 9.0))))", np.where(X <= 0, 1, X * 9 // 1)),
        ("if(ne(i, 0), 1.5, 2.5)", np.where(np.arange(4) != 0, 1.5, 2.5) + 0 * X),
        ("to_float(exponent10(abs(v)))", np.floor(np.log10(np.abs(X)))),
        ("pow10(to_float(sub(i, 2)))", 10.0 ** (np.arange(4) - 2) + 0 * X),
        ("ln(abs(v))", np.log(np.abs(X))),
        ("pow(abs(v), 1.5)", np.abs(X) ** 1.5),
        ("root(add(abs(v), 1.0))", np.sqrt(np.abs(X) + 1)),
        ("tan(v)", np.tan(X)),
        ("add(asin(tanh(v)), acos(tanh(v)))", np.full((3, 4), np.pi / 2)),
        ("atan(v)", np.arctan(X)),
        ("sub(sinh(v), cosh(v))", -np.exp(-X)),
        ("asinh(v)", np.arcsinh(X)),
        ("acosh(add(abs(v), 1.0))", np.arccosh(np.abs(X) + 1)),
        ("atanh(tanh(v))", X),
        ("sub(floor(v), ceil(v))", np.full((3, 4), -1.0)),
        ("if(is_nan(root(v)), 0.0, root(v))", np.sqrt(np.maximum(X, 0))),
        ("divide(1.0, mul(v, 0.0))", np.copysign(np.inf, X)),
        ("if(gt(v, neg(infinity())), nan(), v)", np.full((3, 4), np.nan)),
        ("to_float(bit_or(shift_left(i, 3), 5))", (np.arange(4) * 8 | 5) + 0 * X),
        ("to_float(bit_xor(bit_and(i, 2), 3))", (np.arange(4) & 2 ^ 3) + 0 * X),
        ("to_float(shift_right(sub(i, 4), 1))", np.floor((np.arange(4) - 4) / 2) + 0 * X),
        ("to_float(add(to_long(mul(v, 9.0)), truth(lt(v, 0.0))))", np.trunc(X * 9) + (X < 0)),
    ],
)
def test_functions_of_rows(expression, expected):
    relation = relational(
        "[p: ?, i: 4], v: f64", f"%r = rel.project %x [p, i] {{v = {expression}}}"
    )
    same(tensor(relation, 3, 4), expected)


def test_every_function_is_there():
    assert {*expressions.FUNCTIONS, *AGGREGATES, *WINDOWS} == {*FUNCTIONS}


def test_keys_must_stay_unique_and_in_their_extents():
    with pytest.raises(DiagnosticException, match="several rows"):
        relational("[p: ?], v: f32", "%r = rel.project %x [p] {v}")
    with pytest.raises(DiagnosticException, match="key i is 1 to 4"):
        relational("[p: ?, i: 4], v: f32", "%r = rel.project %x [p, i = add(i, 1) to 4] {v}")


def test_state_tables_keep_their_rows():
    text = """
        rel.table input @new : <[c: ?], v: f32>
        rel.table state @all : <[c: ?], v: f32>
        rel.table scratch @out : <[c: ?], v: f32>
        func.func @f() {
          %before = rel.scan @all : !rel.relation<[c: ?], v: f32>
          %new = rel.scan @new : !rel.relation<[c: ?], v: f32>
          rel.insert %new into @all
          rel.insert %before into @out
          func.return
        }"""
    state: dict[str, object] = {}
    first = run(text, inputs={"new": {"c": [0, 1], "v": [5.0, 6.0]}}, state=state)
    assert len(first.outputs["out"]["c"]) == 0
    second = run(text, inputs={"new": {"c": [2], "v": [7.0]}}, state=state)
    same(second.outputs["out"]["v"], np.array([5.0, 6.0]))
    with pytest.raises(DiagnosticException, match="several rows"):
        run(text, inputs={"new": {"c": [2], "v": [7.0]}}, state=state)


@pytest.mark.parametrize("columns", ["v: vector<3xf32>", "v_0: f32, v_1: f32, v_2: f32"])
def test_weight_tables_hold_chunks_by_layer(columns):
    storage = "arrays" if "vector" in columns else "columns"
    value = (
        "dot(v, v)"
        if "vector" in columns
        else "add(add(mul(v_0, v_0), mul(v_1, v_1)), mul(v_2, v_2))"
    )
    text = f"""
        rel.table weight @w : <[layer: 2, o: 5, i: 2], {columns}>
            from ["{{}}.w"] layout <{storage} 1 by 3>
        rel.table scratch @out : <[layer: 2, o: 5, i: 2], v: f64>
        func.func @f() {{
          %w = rel.scan @w : !rel.relation<[layer: 2, o: 5, i: 2], {columns}>
          %r = rel.project %w [layer, o, i] {{v = {value}}}
          rel.insert %r into @out
          func.return
        }}"""
    relation = run(text, weights={"0.w": W, "1.w": 2 * W}).outputs["out"]
    padded = np.pad(np.stack([W, 2 * W]), [(0, 0), (0, 0), (0, 2)]).reshape(2, 5, 2, 3)
    same(tensor(relation, 2, 5, 2), (padded**2).sum(axis=-1))


def test_tensors_become_tables_and_back():
    table = table_of_tensor(SPARSE, ["p", "i"], "v")
    assert len(table["v"]) == (~HOLES).sum()
    same(tensor(table, 3, 4), SPARSE)


MODELS = ("small", "odd", "scaled-rope", "untied", "explicit-head-dim", "half", "brain", "stories")


@pytest.mark.parametrize("name", MODELS)
def test_llama_gives_the_logits_of_transformers(name: str, tmp_path: Path):
    module, weights = llama(name, tmp_path)
    expected = reference(name)
    results = run(module, weights=weights, inputs=stream_tables(expected.prompt))
    np.testing.assert_allclose(results.outputs["logits"], expected.logits, atol=1e-4)


@pytest.mark.parametrize("name", ["small", "linear-rope", "one-group"])
def test_llama_token_by_token(name: str, tmp_path: Path):
    module, weights = llama(name, tmp_path)
    expected = reference(name)
    state: dict[str, np.ndarray] = {}
    for end in range(1, len(expected.prompt) + 1):
        inputs = stream_tables(expected.prompt, end - 1, end)
        logits = run(module, weights=weights, inputs=inputs, state=state).outputs["logits"]
        np.testing.assert_allclose(logits[0], expected.logits[end - 1], atol=1e-4)


def test_llama_generates_the_tokens_of_transformers(tmp_path: Path):
    module, weights = llama("one-layer", tmp_path)
    expected = reference("one-layer")
    tokens, state, start = list(expected.prompt), {}, 0
    for token in expected.greedy:
        inputs = stream_tables(tokens, start)
        logits = run(module, weights=weights, inputs=inputs, state=state).outputs["logits"]
        start = len(tokens)
        tokens.append(int(np.argmax(logits[-1])))
        assert tokens[-1] == token


def test_streams_read_others_up_to_a_position(tmp_path: Path):
    """Stream 1 continues stream 0 after 5 tokens, stream 0 goes on otherwise; 2 is on its own."""
    module, weights = llama("small", tmp_path)
    expected = reference("small")
    prompt, shared = expected.prompt, 5
    other = (prompt[shared:] + 1) % 128
    stream = np.repeat([0, 1, 0, 2], [shared, len(prompt) - shared, len(other), len(prompt)])
    position = np.concatenate([np.arange(len(prompt)), np.arange(shared, len(prompt))])
    rows = {
        "stream": stream,
        "position": np.concatenate([position, np.arange(len(prompt))]),
        "token": np.concatenate([prompt, other, prompt]),
        "emit": stream != 0,
    }
    inputs = {
        "batch": rows,
        "context": rows,
        "visibility": {
            "stream": [0, 1, 1, 2],
            "source": [0, 0, 1, 2],
            "until": [EVERYTHING, shared, EVERYTHING, EVERYTHING],
        },
    }
    logits = run(module, weights=weights, inputs=inputs).outputs["logits"]
    np.testing.assert_allclose(logits[stream == 1], expected.logits[shared:], atol=1e-4)
    np.testing.assert_allclose(logits[stream == 2], expected.logits, atol=1e-4)
    assert np.ma.getmaskarray(logits)[stream == 0].all()
