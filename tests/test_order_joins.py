"""`order-joins`, executed."""

from pathlib import Path

import pytest
from execution import stream_tables
from samples import CONVERT, LAYOUTS, SAMPLES, assert_same_state, laid_out, tensor_algebra
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import rel
from tensorjoin.passes.rel.order_joins import OrderJoinsPass
from tensorjoin.testing.modules import applied, assert_same_meaning

ORDERS = [
    OrderJoinsPass(),
    OrderJoinsPass(dynamic=1),
    OrderJoinsPass(dynamic=1000),
    OrderJoinsPass(target="sqlite"),
    OrderJoinsPass(target="postgres"),
]


def joins(module: ModuleOp) -> list[list[str]]:
    """The tables, or names, behind the inputs of each join."""
    return [
        [str(value.name_hint) for value in op.inputs]
        for op in module.walk()
        if isinstance(op, rel.JoinOp)
    ]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.target}-{order.dynamic}")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: str, layout: str, order: OrderJoinsPass):
    assert_same_meaning(sample, *laid_out(layout), CONVERT, order)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.target}-{order.dynamic}")
def test_state(order: OrderJoinsPass):
    assert_same_state(CONVERT, order)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_llama(tmp_path: Path, layout: str):
    module, weights = tensor_algebra(tmp_path, layout)
    inputs = stream_tables([5, 3, 8, 1])
    assert_same_meaning(module, CONVERT, OrderJoinsPass(), weights=weights, inputs=inputs)


SINGLE = """
rel.table scratch @x : <[p: ?], x: f32>
rel.table weight @w : <[o: 100, i: 1], y: f32> from ["w"]
rel.table scratch @r : <[p: ?, o: 100], v: f32>
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[p: ?], x: f32>
  %w = rel.scan @w : !rel.relation<[o: 100, i: 1], y: f32>
  %o = rel.project %w [o] {y}
  %j = rel.join %o, %x on []
  %r = rel.project %j [p, o] {v = mul(x, y)}
  rel.insert %r into @r
  func.return
}
"""


def test_a_key_with_one_value_leaves_an_index():
    """The rows without it are still those of a table: the few rows are outside of the many."""
    assert joins(applied(SINGLE, OrderJoinsPass(target="sqlite"))) == [["x", "o"]]


def test_a_key_with_one_value_that_leads_an_index_hides_it():
    """No condition says that it is 0."""
    leads = SINGLE.replace("[o: 100, i: 1]", "[i: 1, o: 100]").replace(
        "@x : <[p: ?]", "@x : <[o: 100]"
    )
    leads = leads.replace("relation<[p: ?], x", "relation<[o: 100], x").replace("on []", "on [o]")
    leads = (
        leads.replace("[p: ?, o: 100], v", "[o: 100], v")
        .replace("%j [p, o]", "%j [o]")
        .replace("%o, %x", "%x, %o")
    )
    assert joins(applied(leads, OrderJoinsPass(target="sqlite"))) == [["o", "x"]]


TWO = """
rel.table input @small : <[p: ?, i: 4], x: f32>
rel.table input @large : <[o: 100, i: 4], y: f32>
func.func @forward() {{
  %small = rel.scan @small : !rel.relation<[p: ?, i: 4], x: f32>
  %large = rel.scan @large : !rel.relation<[o: 100, i: 4], y: f32>
  %j = rel.join {} on [i]
  %r = rel.project %j [p, o, i] {{v = mul(x, y)}}
  rel.insert %r into @r
  func.return
}}
"""


@pytest.mark.parametrize("written", ["%small, %large", "%large, %small"])
@pytest.mark.parametrize(("dynamic", "best"), [(1, ["small", "large"]), (1000, ["large", "small"])])
def test_the_order_depends_on_sizes_alone(written: str, dynamic: int, best: list[str]):
    """Neither can be looked up by i, so that each row of the first reads the second: the number of
    rows it is read for is what counts."""
    loops = OrderJoinsPass(dynamic, target="postgres")
    ordered = applied(TWO.format(written), loops)
    assert joins(ordered) == [best]
    assert applied(ordered, loops).is_structurally_equivalent(ordered)
