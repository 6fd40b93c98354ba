"""`expand-vectors`, executed."""

from pathlib import Path

import pytest
from execution import stream_tables
from samples import CONVERT, SAMPLES, assert_same_state, laid_out, tensor_algebra
from xdsl.dialects.builtin import ModuleOp, VectorType

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import CallAttr, call, col, depth, walk
from tensorjoin.dialects.rel import RelationType
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.rel.expand_vectors import ExpandVectorsPass
from tensorjoin.passes.rel.patterns.cut_expressions import balanced
from tensorjoin.passes.rel.push_projections import PushProjectionsPass
from tensorjoin.passes.ten.row_to_column import RowToColumnPass
from tensorjoin.passes.ten.tile_weights import TileWeightsPass
from tensorjoin.pipelines import Layout
from tensorjoin.testing.modules import applied, assert_same_meaning, run

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


def assert_longest(module: ModuleOp, longest: int) -> None:
    """The tables of a module hold vectors up to that length."""
    tables = (op for op in module.walk() if isinstance(op, rel.TableOp))
    types = [type for table in tables for type in table.schema.values.values()]
    vectors = [type.get_shape()[0] for type in types if isinstance(type, VectorType)]
    assert max(vectors, default=0) <= longest
    assert vectors


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples_in_columns_of_vectors(sample: str, chunk: int):
    expanded = assert_same_meaning(sample, *laid_out("pivoted", chunk), CONVERT, EXPAND)
    if "ten.weight" in sample:
        assert_longest(expanded, chunk)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_rows_of_several_columns(width: int):
    for sample in (SAMPLES["contract"], SAMPLES["gather"]):
        tiled = (TileWeightsPass(2), RowToColumnPass(width))
        assert_longest(assert_same_meaning(sample, *tiled, CONVERT, EXPAND), 2)


@pytest.mark.parametrize(
    ("layout", "longest"),
    [
        ("columns 0 by 4", 0),
        ("columns 0 by 3", 0),
        ("columns 1 by 7", 0),
        ("pivoted 0 by 4 in 2", 2),
        ("pivoted 1 by 9 in 3", 3),
        ("pivoted 1 by 12 in 3", 4),
    ],
)
def test_chunks_of_any_axis(layout: str, longest: int):
    for sample in (SAMPLES["contract"], SAMPLES["gather"]):
        for weight in ("10x10", "7x10"):
            sample = sample.replace(
                f"] : tensor<{weight}xf32>", f"] layout <{layout}> : tensor<{weight}xf32>"
            )
        assert "layout" in sample
        expanded = assert_same_meaning(sample, CONVERT, EXPAND)
        if longest:
            assert_longest(expanded, longest)
        else:
            assert_no_vectors(expanded)


@pytest.mark.parametrize("layout", ["columns", "pivoted"])
def test_state(layout: Layout):
    assert_same_state(*laid_out(layout), CONVERT, EXPAND)


@pytest.mark.parametrize("layout", ["rows", "arrays"])
def test_what_is_not_stored_as_columns_stays(layout: str):
    module = applied(SAMPLES["contract"], *laid_out(layout), CONVERT)
    assert applied(module, EXPAND).is_structurally_equivalent(module)


@pytest.mark.parametrize("layout", ["columns", "pivoted"])
@pytest.mark.parametrize("rolled", [False, True])
def test_llama(tmp_path: Path, rolled: bool, layout: Layout):
    module, weights = tensor_algebra(tmp_path, layout, rolled)
    inputs = stream_tables([5, 3, 8, 1])
    passes = (CONVERT, PushProjectionsPass(), EXPAND)
    expanded = assert_same_meaning(module, *passes, weights=weights, inputs=inputs)
    if layout == "columns":
        assert_no_vectors(expanded)
    else:
        assert_longest(expanded, 24)


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


CUT = """
rel.table weight @w : <[i: 2], v: vector<6xf32>> from ["w"] layout <pivoted 0 by 6 in 2>
rel.table weight @u : <[i: 2], v: vector<6xf32>> from ["u"] layout <{}>
"""


def test_what_meets_is_cut_alike():
    module = applied(CUT.format("arrays 0 by 6"), EXPAND)
    layouts = {str(op.layout) for op in module.ops if isinstance(op, rel.TableOp)}
    assert layouts == {"#rel.layout<pivoted 0 by 6 in 2>"}


@pytest.mark.parametrize(("layout", "length"), [("pivoted 0 by 6 in 3", 2), ("columns 0 by 6", 1)])
def test_what_meets_cannot_be_cut_alike(layout: str, length: int):
    reason = f"vectors of 6 elements are in columns of 3 in one table and of {length} in another"
    with pytest.raises(TensorjoinError, match=reason):
        applied(CUT.format(layout), EXPAND)


def test_a_vector_that_is_no_column():
    with pytest.raises(TensorjoinError, match="no columns for the vector"):
        applied(
            MISSING.replace("u = pack(x, s, 3)", "u = max(x)")
            .replace("d = add(dot(v, u), element(u, 1)), u, ", "u = if(lt(i, 1), v, v), d = u, ")
            .replace("g = dot(u, u)", "g = d"),
            EXPAND,
        )
