"""`expand-vectors`, executed."""

from pathlib import Path

import pytest
from execution import applied, assert_same_meaning, run, stream_tables
from samples import CONVERT, SAMPLES, assert_same_state, laid_out, tensor_algebra
from xdsl.dialects.builtin import ModuleOp, VectorType

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, call, col, depth, walk
from tensorjoin.dialects.rel import RelationType
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.expand_vectors import ExpandVectorsPass, balanced
from tensorjoin.passes.push_projections import PushProjectionsPass

EXPAND = ExpandVectorsPass()


def assert_no_vectors(module: ModuleOp) -> None:
    for op in module.walk():
        types = [result.type for result in op.results]
        if isinstance(op, rel.TableOp):
            types = [op.schema]
        for type in types:
            if isinstance(type, RelationType):
                assert not any(isinstance(t, VectorType) for t in type.values.values())
        for attribute in op.properties.values():
            if isinstance(attribute, rel.ArrayAttr):
                for assigned in attribute:
                    if isinstance(assigned, rel.AssignmentAttr):
                        for e in walk(assigned.expression):
                            if isinstance(e, CallAttr):
                                assert e.function.data not in (
                                    "dot",
                                    "element",
                                    "pack",
                                    "pack_sparse",
                                )


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 5, 7, 10, 64])
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, chunk: int):
    expanded = assert_same_meaning(sample, *laid_out("columns", chunk), CONVERT, EXPAND)
    assert_no_vectors(expanded)


@pytest.mark.parametrize("layout", ["columns 0 by 4", "columns 0 by 3", "columns 1 by 7"])
def test_chunks_of_any_axis(layout: str):
    for sample in (SAMPLES["contract"], SAMPLES["gather"]):
        for weight in ("10x10", "7x10"):
            sample = sample.replace(
                f"] : tensor<{weight}xf32>", f"] layout <{layout}> : tensor<{weight}xf32>"
            )
        assert "layout" in sample
        assert_no_vectors(assert_same_meaning(sample, CONVERT, EXPAND))


def test_state():
    assert_same_state(*laid_out("columns"), CONVERT, EXPAND)


@pytest.mark.parametrize("layout", ["rows", "arrays"])
def test_what_is_not_stored_as_columns_stays(layout: str):
    module = applied(SAMPLES["contract"], *laid_out(layout), CONVERT)
    assert applied(module, EXPAND).is_structurally_equivalent(module)


@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool):
    module, weights = tensor_algebra(tmp_path, "columns", rolled)
    inputs = stream_tables([5, 3, 8, 1])
    passes = (CONVERT, PushProjectionsPass(), EXPAND)
    assert_no_vectors(assert_same_meaning(module, *passes, weights=weights, inputs=inputs))


MISSING = """
rel.table weight @w : <[i: 2], v: vector<3xf32>> from ["w"] layout <columns 0 by 3>
rel.table input @x : <[j: ?], k: i32, x: f32>
func.func @forward() {
  %w = rel.scan @w : !rel.relation<[i: 2], v: vector<3xf32>>
  %x = rel.scan @x : !rel.relation<[j: ?], k: i32, x: f32>
  %y = rel.project %x [i = idiv(k, 3) to 2, s = mod(k, 3) to 3] {x}
  %p = rel.aggregate %y by [i] {u = pack(x, s, 3)}
  %j = rel.join %w, %p on [i]
  %r = rel.project %j [i] {d = add(dot(v, u), element(u, 1)), u, e = element(v, mod(i, 2))}
  %q = rel.project %r [i] {d, e, f = element(u, 2), g = dot(u, u)}
  rel.insert %q into @q
  func.return
}
"""


def test_slots_without_a_row_are_zero():
    data = {"x": {"j": [0, 1, 2], "k": [5, 0, 2], "x": [0.5, 2.0, 3.0]}}
    weights = {"w": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
    for passes in ((), (EXPAND,)):
        q = run(applied(MISSING, *passes), inputs=data, weights=weights).outputs["q"]
        rows = sorted(zip(*(q[name].tolist() for name in "idefg"), strict=True))
        # u is (2, 0, 3) for i = 0 and (0, 0, 0.5) for i = 1.
        assert rows == [(0, 2.0 + 9.0 + 0.0, 1.0, 3.0, 13.0), (1, 3.0 + 0.0, 5.0, 0.5, 0.25)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 100])
def test_trees_are_balanced(size: int):
    tree = balanced(lambda _, x, y: call("add", x, y), [col(f"x{n}") for n in range(size)])
    assert [e.column.data for e in walk(tree) if not isinstance(e, CallAttr)] == [
        f"x{n}" for n in range(size)
    ]
    assert 2 ** (depth(tree) - 1) < 2 * size


def test_a_vector_that_is_no_column():
    with pytest.raises(TensorjoinError, match="no columns for the vector"):
        applied(
            MISSING.replace("u = pack(x, s, 3)", "u = max(x)")
            .replace("d = add(dot(v, u), element(u, 1)), u, ", "u = if(lt(i, 1), v, v), d = u, ")
            .replace("g = dot(u, u)", "g = d"),
            EXPAND,
        )
