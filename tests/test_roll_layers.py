"""A loop over layers means what the layers mean, one after the other."""

from pathlib import Path

import pytest
from execution import llama, stream_tables
from models.llama import CONFIGURATIONS
from models.references import reference
from xdsl.dialects import scf
from xdsl.dialects.builtin import IntegerAttr, ModuleOp

from tensorjoin.dialects import nn
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.testing.modules import applied, assert_same_meaning

T = "tensor<?x4xf32>"


def loops(module: ModuleOp) -> list[scf.ForOp]:
    return [op for op in module.walk() if isinstance(op, scf.ForOp)]


def function(*ops: str, result: str) -> str:
    """A function of %x and %z, from lines such as `weight l.0.w`, and `add y x z` for y = x + z."""
    lines = []
    for op in ops:
        match op.split():
            case ["weight", name]:
                lines.append(f'%{name.replace(".", "")} = nn.weight @"{name}" : tensor<4x4xf32>')
            case ["linear", y, x, w]:
                lines.append(f"%{y} = nn.linear %{x}, %{w} : {T}, tensor<4x4xf32> -> {T}")
            case ["silu", y, x]:
                lines.append(f"%{y} = nn.silu %{x} : {T} -> {T}")
            case [("add" | "mul") as name, y, a, b]:
                lines.append(f"%{y} = nn.{name} %{a}, %{b} : {T}, {T} -> {T}")
    body = "\n".join(lines)
    return f"func.func @f(%x: {T}, %z: {T}) -> {T} {{\n{body}\nfunc.return %{result} : {T}\n}}"


def rolled(text: str, count: int, carried: int = 1) -> None:
    """Checks that a function is rolled into one loop without changing its meaning."""
    (loop,) = loops(assert_same_meaning(text, RollLayersPass()))
    bound = loop.ub.owner.properties["value"]
    assert isinstance(bound, IntegerAttr)
    assert bound.value.data == count
    assert len(loop.results) == carried


def kept(text: str) -> None:
    """Checks that a function is left as it is."""
    assert str(applied(text, RollLayersPass())) == str(applied(text))


def test_a_chain_of_layers():
    text = function(
        *("weight l.0.w", "linear y0 x l0w"),
        *("weight l.1.w", "linear y1 y0 l1w"),
        *("weight l.2.w", "linear y2 y1 l2w"),
        result="y2",
    )
    rolled(text, 3)


def test_layers_with_something_before_and_after():
    text = function(
        *("mul a x z", "silu b a"),
        *("weight l.0.w", "linear y0 b l0w", "add c0 y0 b"),
        *("weight l.1.w", "linear y1 c0 l1w", "add c1 y1 c0"),
        *("mul d c1 z", "add e d c1"),
        result="e",
    )
    rolled(text, 2)


def test_a_value_from_outside_that_all_layers_use():
    text = function(
        *("weight l.0.w", "linear y0 x l0w", "add c0 y0 z"),
        *("weight l.1.w", "linear y1 c0 l1w", "add c1 y1 z"),
        result="c1",
    )
    rolled(text, 2)


def test_layers_that_all_use_the_first_input_are_left():
    text = function(
        *("weight l.0.w", "linear y0 x l0w", "add c0 y0 x"),
        *("weight l.1.w", "linear y1 c0 l1w", "add c1 y1 x"),
        result="c1",
    )
    kept(text)


def test_two_values_carried():
    text = function(
        *("weight l.0.w", "linear a0 x l0w", "add b0 z a0"),
        *("weight l.1.w", "linear a1 a0 l1w", "add b1 b0 a1"),
        *("weight l.2.w", "linear a2 a1 l2w", "add b2 b1 a2"),
        "add r a2 b2",
        result="r",
    )
    rolled(text, 3, carried=2)


def test_values_that_change_places():
    text = function(
        *("weight l.0.w", "linear a0 x l0w", "add b0 a0 z"),
        *("weight l.1.w", "linear a1 b0 l1w", "add b1 a1 a0"),
        *("weight l.2.w", "linear a2 b1 l2w", "add b2 a2 a1"),
        result="b2",
    )
    rolled(text, 3, carried=2)


def test_one_value_for_two_places_is_left():
    text = function(
        *("weight l.0.w", "linear a0 x l0w", "add b0 a0 x"),
        *("weight l.1.w", "linear a1 b0 l1w", "add b1 a1 a0"),
        *("weight l.2.w", "linear a2 b1 l2w", "add b2 a2 a1"),
        result="b2",
    )
    kept(text)


def test_one_layer_is_left():
    kept(function("weight l.0.w", "linear y0 x l0w", result="y0"))


def test_layers_that_are_not_numbered_from_0_are_left():
    kept(
        function(
            *("weight l.1.w", "linear y0 x l1w"), *("weight l.2.w", "linear y1 y0 l2w"), result="y1"
        )
    )
    kept(
        function(
            *("weight l.1.w", "linear y0 x l1w"), *("weight l.0.w", "linear y1 y0 l0w"), result="y1"
        )
    )


def test_layers_that_differ_are_left():
    kept(
        function(
            *("weight l.0.w", "linear y0 x l0w", "add c0 y0 z"),
            *("weight l.1.w", "linear y1 c0 l1w", "mul c1 y1 z"),
            result="c1",
        )
    )
    kept(
        function(
            *("weight l.0.a", "linear y0 x l0a"), *("weight l.1.b", "linear y1 y0 l1b"), result="y1"
        )
    )


def test_layers_wired_differently_are_left():
    kept(
        function(
            *("weight l.0.w", "linear y0 x l0w", "add c0 y0 z"),
            *("weight l.1.w", "linear y1 c0 l1w", "add c1 z y1"),
            *("weight l.2.w", "linear y2 c1 l2w", "add c2 y2 z"),
            result="c2",
        )
    )


def test_a_first_layer_that_uses_a_value_of_its_own_is_left():
    kept(
        function(
            *("weight l.0.w", "linear y0 x l0w", "add c0 y0 z"),
            *("weight l.1.w", "linear y1 c0 l1w", "add c1 c0 z"),
            result="c1",
        )
    )


def test_a_layer_whose_inside_is_used_later_is_left():
    kept(
        function(
            *("weight l.0.w", "linear y0 x l0w", "silu c0 y0"),
            *("weight l.1.w", "linear y1 c0 l1w", "silu c1 y1"),
            "add r c1 y1",
            result="r",
        )
    )
    kept(
        function(
            *("weight l.0.w", "linear y0 x l0w"),
            *("weight l.1.w", "linear y1 y0 l1w"),
            "add r y1 y0",
            result="r",
        )
    )


def test_layers_whose_maps_differ_are_left():
    def layer(number: int, x: str, op: str) -> str:
        return f"""
            %w{number} = nn.weight @"l.{number}.w" : tensor<4x4xf32>
            %y{number} = nn.linear %{x}, %w{number} : {T}, tensor<4x4xf32> -> {T}
            %z{number} = ten.map "pi->pi" (%y{number}) : ({T}) -> {T} {{
            ^bb0(%a: f32):
              %b = arith.{op} %a, %a : f32
              ten.yield %b : f32
            }}"""

    kept(f"""
        func.func @f(%x: {T}) -> {T} {{
          {layer(0, "x", "mulf")}
          {layer(1, "z0", "addf")}
          func.return %z1 : {T}
        }}""")


def test_operators_without_layers_are_left():
    kept(function("silu a x", "silu b a", "silu c b", result="c"))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_models(name: str, tmp_path: Path):
    module, weights = llama(name, tmp_path)
    inputs = stream_tables(reference(name).prompt)
    result = assert_same_meaning(module, RollLayersPass(), weights=weights, inputs=inputs)
    layers = CONFIGURATIONS[name].config["num_hidden_layers"]
    assert len(loops(result)) == (layers > 1)
    assert sum(isinstance(op, nn.AttentionOp) for op in result.walk()) == 1
    assert_same_meaning(module, RollLayersPass(), DecomposePass(), weights=weights, inputs=inputs)


def test_rolling_twice_changes_nothing(tmp_path: Path):
    module, _ = llama("stories", tmp_path)
    once = applied(module, RollLayersPass())
    assert str(applied(once, RollLayersPass())) == str(once)
