"""`convert-ten-to-rel`, executed: each tensor op means the same as its relations."""

from pathlib import Path

import numpy as np
import pytest
from engines import execute
from execution import applied, assert_same_meaning, llama, run, stream_tables
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.backends.database import Database
from tensorjoin.dialects import rel
from tensorjoin.errors import TensorjoinError
from tensorjoin.passes.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.passes.decompose import DecomposePass
from tensorjoin.passes.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.roll_layers import RollLayersPass
from tensorjoin.passes.tile_weights import TileWeightsPass
from tensorjoin.pipelines import to_sql

CONVERT = ConvertTenToRelPass()

CHUNKED = ("arrays 1 by 4", "columns 1 by 4", "arrays 0 by 3", "arrays 1 by 5", "columns 1 by 10")
"""Of a weight [7, 10]: with and without padding, the whole axis, and the other axis."""


def function(arguments: str, result: str, body: str) -> str:
    """A function that returns %r, which `body` computes."""
    return f"""
    func.func @forward({arguments}) -> {result} {{
      {body}
      func.return %r : {result}
    }}
    """


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("indices", "x", "y", "r"),
    [
        ("pi,oi->po", "?x10", "7x10", "?x7"),
        ("pi,io->op", "?x10", "10x7", "7x?"),
        ("phd,chd->phc", "?x2x4", "?x2x4", "?x2x?"),
        ("pi,i->pi", "?x10", "10", "?x10"),
        ("p,o->po", "?", "7", "?x7"),
        ("pi,pi->", "?x10", "?x10", ""),
        ("pi,oi->po", "?x1", "7x1", "?x7"),
    ],
)
def test_contract(indices: str, x: str, y: str, r: str, swapped: bool):
    left, _, right = indices.partition("->")
    first, second = left.split(",")
    types = [f"tensor<{shape + 'x' if shape else ''}f32>" for shape in (x, y, r)]
    operands, shapes = f"{first},{second}", f"{types[0]}, {types[1]}"
    names = "%x, %y"
    if swapped:
        operands, shapes = f"{second},{first}", f"{types[1]}, {types[0]}"
        names = "%y, %x"
    assert_same_meaning(
        function(
            f"%x: {types[0]}, %y: {types[1]}",
            types[2],
            f'%r = ten.contract "{operands}->{right}"({names}) : ({shapes}) -> {types[2]}',
        ),
        CONVERT,
    )


def test_contract_of_one_and_of_three():
    assert_same_meaning(
        function(
            "%x: tensor<?x4xf32>, %y: tensor<4x5xf32>, %z: tensor<5xf32>",
            "tensor<?xf32>",
            """
            %s = ten.contract "pi->ip"(%x) : (tensor<?x4xf32>) -> tensor<4x?xf32>
            %r = ten.contract "ip,ij,j->p"(%s, %y, %z)
              : (tensor<4x?xf32>, tensor<4x5xf32>, tensor<5xf32>) -> tensor<?xf32>
            """,
        ),
        CONVERT,
    )


def test_contract_with_a_mask():
    assert_same_meaning(
        function(
            "%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %m: tensor<?x?xi1, #ten.sparse>",
            "tensor<?x?xf32, #ten.sparse>",
            """
            %r = ten.contract "pd,cd,pc->pc"(%q, %k, %m)
              : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse>)
              -> tensor<?x?xf32, #ten.sparse>
            """,
        ),
        CONVERT,
        rows=5,
    )


def test_contract_of_masks_counts():
    assert_same_meaning(
        function(
            "%m: tensor<?x4xi1, #ten.sparse>",
            "tensor<?xf32, #ten.sparse>",
            """
            %r = ten.contract "pi,pi->p"(%m, %m)
              : (tensor<?x4xi1, #ten.sparse>, tensor<?x4xi1, #ten.sparse>)
              -> tensor<?xf32, #ten.sparse>
            """,
        ),
        CONVERT,
    )


def test_contract_of_sparse_values_is_total():
    assert_same_meaning(
        function(
            "%w: tensor<?x?xf32, #ten.sparse>, %v: tensor<?x4xf32>",
            "tensor<?x4xf32>",
            """
            %r = ten.contract "pc,cd->pd"(%w, %v)
              : (tensor<?x?xf32, #ten.sparse>, tensor<?x4xf32>) -> tensor<?x4xf32>
            """,
        ),
        CONVERT,
        rows=5,
    )


@pytest.mark.parametrize("layout", ["rows", *CHUNKED])
@pytest.mark.parametrize(
    "use",
    [
        """
        %r = ten.contract "pi,oi->po"(%x, %w) : (TX, TW) -> tensor<?x7xf32>
        """,
        """
        %r = ten.contract "oi,pi->po"(%w, %x) : (TW, TX) -> tensor<?x7xf32>
        """,
        # The axis that is cut may be one that stays, or one that three inputs share.
        """
        %r = ten.contract "pi,oi->pio"(%x, %w) : (TX, TW) -> tensor<?x10x7xf32>
        """,
        """
        %r = ten.contract "pi,oi,pi->po"(%x, %w, %x) : (TX, TW, TX) -> tensor<?x7xf32>
        """,
        """
        %s = ten.reduce max "oi->o" %w : TW -> tensor<7xf32>
        %r = ten.contract "pi,oi,o->po"(%x, %w, %s) : (TX, TW, tensor<7xf32>) -> tensor<?x7xf32>
        """,
        """
        %r = ten.map "oi->io"(%w) : (TW) -> tensor<10x7xf32> {
        ^bb0(%a: f32):
          %b = arith.negf %a : f32
          ten.yield %b : f32
        }
        """,
        '%r = ten.reduce sum "oi->i" %w : TW -> tensor<10xf32>',
        "%r = ten.reshape %w : TW -> tensor<7x2x5xf32>",
        "%r = ten.reshape %w : TW -> tensor<70xf32>",
        "%r = ten.slice %w axis 1 from 3 : TW -> tensor<7x6xf32>",
        "%r = ten.slice %w axis 0 from 2 : TW -> tensor<5x10xf32>",
    ],
)
def test_chunked_weights(layout: str, use: str):
    result = use.rpartition("->")[2].partition("{")[0].strip()
    use = use.replace("TX", "tensor<?x10xf32>").replace("TW", "tensor<7x10xf32>")
    assert_same_meaning(
        function(
            "%x: tensor<?x10xf32>",
            result,
            f'%w = ten.weight @w from ["a"] layout <{layout}> : tensor<7x10xf32>\n{use}',
        ),
        CONVERT,
    )


@pytest.mark.parametrize("other", ["rows", "arrays 1 by 3", "arrays 1 by 4", "columns 0 by 2"])
def test_a_contraction_of_two_chunked_weights(other: str):
    assert_same_meaning(
        function(
            "",
            "tensor<7x5xf32>",
            f"""
            %w = ten.weight @w from ["w"] layout <arrays 1 by 4> : tensor<7x10xf32>
            %u = ten.weight @u from ["u"] layout <{other}> : tensor<5x10xf32>
            %r = ten.contract "oi,ni->on"(%w, %u)
              : (tensor<7x10xf32>, tensor<5x10xf32>) -> tensor<7x5xf32>
            """,
        ),
        CONVERT,
    )


def test_a_mask_over_an_axis_in_chunks():
    assert_same_meaning(
        function(
            "%m: tensor<10xi1, #ten.sparse>",
            "tensor<7xf32>",
            """
            %w = ten.weight @w from ["w"] layout <arrays 1 by 4> : tensor<7x10xf32>
            %r = ten.contract "oi,i->o"(%w, %m)
              : (tensor<7x10xf32>, tensor<10xi1, #ten.sparse>) -> tensor<7xf32>
            """,
        ),
        CONVERT,
    )


def test_absent_elements_of_an_axis_in_chunks():
    """What is absent takes part in nothing, and nothing moves into its place."""
    assert_same_meaning(
        function(
            "%x: tensor<?x10xf32, #ten.sparse>",
            "tensor<?x7xf32>",
            """
            %w = ten.weight @w from ["w"] layout <arrays 1 by 4> : tensor<7x10xf32>
            %r = ten.contract "pi,oi->po"(%x, %w)
              : (tensor<?x10xf32, #ten.sparse>, tensor<7x10xf32>) -> tensor<?x7xf32>
            """,
        ),
        CONVERT,
    )


def test_weights_that_follow_each_other_in_chunks_of_their_rows():
    assert_same_meaning(
        function(
            "%x: tensor<?x7xf32>",
            "tensor<?x3xf32>",
            """
            %w = ten.weight @w from ["a", "b"] layout <arrays 0 by 5> : tensor<14x3xf32>
            %u = ten.slice %w axis 0 from 7 : tensor<14x3xf32> -> tensor<7x3xf32>
            %r = ten.contract "pi,io->po"(%x, %u)
              : (tensor<?x7xf32>, tensor<7x3xf32>) -> tensor<?x3xf32>
            """,
        ),
        CONVERT,
    )


SCALARS = {
    "arith": """
        %c = arith.subf %a, %b : f32
        %d = arith.mulf %c, %b : f32
        %e = arith.divf %d, %a : f32
        %f = arith.negf %e : f32
        %g = arith.addf %f, %b : f32
        ten.yield %g : f32""",
    "extremes": """
        %c = arith.maximumf %a, %b : f32
        %d = arith.minimumf %a, %b : f32
        %e = arith.divf %d, %c : f32
        %f = math.absf %e : f32
        ten.yield %f : f32""",
    "functions": """
        %c = math.exp %a : f32
        %d = math.rsqrt %c : f32
        %e = math.sqrt %d : f32
        %f = math.sin %e : f32
        %g = math.cos %b : f32
        %h = arith.mulf %f, %g : f32
        ten.yield %h : f32""",
    "choice": """
        %zero = arith.constant 0.0 : f32
        %c = arith.cmpf olt, %a, %zero : f32
        %d = arith.cmpf oge, %b, %zero : f32
        %e = arith.andi %c, %d : i1
        %f = arith.ori %c, %d : i1
        %g = arith.select %f, %a, %b : f32
        %h = arith.select %e, %b, %g : f32
        ten.yield %h : f32""",
    "precision": """
        %c = arith.extf %a : f32 to f64
        %d = arith.extf %b : f32 to f64
        %e = arith.mulf %c, %d : f64
        %f = arith.truncf %e : f64 to f32
        ten.yield %f : f32""",
}


@pytest.mark.parametrize("body", SCALARS.values(), ids=SCALARS)
@pytest.mark.parametrize(
    ("indices", "x", "y", "r"),
    [
        ("pi,p->pi", "?x4", "?", "?x4"),
        ("i,pi->ip", "4", "?x4", "4x?"),
        ("p,i->pi", "?", "4", "?x4"),
        (",pi->pi", "", "?x4", "?x4"),
        (",->", "", "", ""),
    ],
)
def test_map(indices: str, x: str, y: str, r: str, body: str):
    x, y, r = (f"tensor<{shape + 'x' if shape else ''}f32>" for shape in (x, y, r))
    assert_same_meaning(
        function(
            f"%x: {x}, %y: {y}",
            r,
            f'%r = ten.map "{indices}"(%x, %y) : ({x}, {y}) -> {r} {{\n'
            f"^bb0(%a: f32, %b: f32):\n{body}\n}}",
        ),
        CONVERT,
    )


@pytest.mark.parametrize("predicate", ["eq", "ne", "slt", "sle", "sgt", "sge"])
def test_map_of_integers(predicate: str):
    assert_same_meaning(
        function(
            "%x: tensor<?xi32>, %y: tensor<5xi32>",
            "tensor<?x5xf32>",
            f"""
            %r = ten.map "p,i->pi"(%x, %y) : (tensor<?xi32>, tensor<5xi32>) -> tensor<?x5xf32> {{
            ^bb0(%a: i32, %b: i32):
              %one = arith.constant 1 : i32
              %c = arith.addi %a, %one : i32
              %d = arith.muli %c, %b : i32
              %e = arith.subi %d, %a : i32
              %f = arith.cmpi {predicate}, %a, %b : i32
              %g = arith.select %f, %e, %b : i32
              %h = arith.sitofp %g : i32 to f32
              ten.yield %h : f32
            }}
            """,
        ),
        CONVERT,
    )


def test_map_with_absent_elements():
    assert_same_meaning(
        function(
            "%x: tensor<?x4xf32>, %m: tensor<?x4xi1, #ten.sparse>, %y: tensor<4xf32, #ten.sparse>",
            "tensor<?x4xf32, #ten.sparse>",
            """
            %r = ten.map "pi,pi,i->pi"(%x, %m, %y)
              : (tensor<?x4xf32>, tensor<?x4xi1, #ten.sparse>, tensor<4xf32, #ten.sparse>)
              -> tensor<?x4xf32, #ten.sparse> {
            ^bb0(%a: f32, %flag: i1, %b: f32):
              %c = arith.addf %a, %b : f32
              ten.yield %c : f32
            }
            """,
        ),
        CONVERT,
        rows=5,
    )


def test_map_that_reads_a_mask():
    assert_same_meaning(
        function(
            "%x: tensor<?x4xf32>, %m: tensor<?xi1, #ten.sparse>",
            "tensor<?x4xf32, #ten.sparse>",
            """
            %r = ten.map "pi,p->pi"(%x, %m)
              : (tensor<?x4xf32>, tensor<?xi1, #ten.sparse>) -> tensor<?x4xf32, #ten.sparse> {
            ^bb0(%a: f32, %flag: i1):
              %zero = arith.constant 0.0 : f32
              %c = arith.select %flag, %a, %zero : f32
              ten.yield %c : f32
            }
            """,
        ),
        CONVERT,
        arguments=[
            np.arange(12.0).reshape(3, 4),
            np.ma.array(np.zeros(3) < [1, 1, 1], mask=[0, 1, 0]),
        ],
    )


@pytest.mark.parametrize("kind", ["sum", "max", "min"])
@pytest.mark.parametrize(("indices", "r"), [("phc->ph", "?x3"), ("phc->ch", "4x3"), ("phc->", "")])
def test_reduce(kind: str, indices: str, r: str):
    result = f"tensor<{r + 'x' if r else ''}f32>"
    assert_same_meaning(
        function(
            "%x: tensor<?x3x4xf32>",
            result,
            f'%r = ten.reduce {kind} "{indices}" %x : tensor<?x3x4xf32> -> {result}',
        ),
        CONVERT,
    )


@pytest.mark.parametrize("result", ["tensor<?xf32>", "tensor<?xf32, #ten.sparse>"])
def test_reduce_of_absent_elements(result: str):
    assert_same_meaning(
        function(
            "%x: tensor<?x?xf32, #ten.sparse>",
            result,
            f'%r = ten.reduce max "pc->p" %x : tensor<?x?xf32, #ten.sparse> -> {result}',
        ),
        CONVERT,
        rows=5,
    )


GATHERS = ["rows", *CHUNKED, "columns 0 by 4"]


@pytest.mark.parametrize("layout", GATHERS)
@pytest.mark.parametrize(
    ("indices", "result"),
    [("ti,p->pi", "tensor<?x10xf32>"), ("ti,p->ip", "tensor<10x?xf32>")],
)
def test_gather(layout: str, indices: str, result: str):
    module = applied(
        function(
            "%ids: tensor<?xi32>",
            result,
            f"""
            %t = ten.weight @t from ["t"] layout <{layout}> : tensor<7x10xf32>
            %r = ten.gather "{indices}" %t, %ids
              : tensor<7x10xf32>, tensor<?xi32> -> {result}
            """,
        )
    )
    assert_same_meaning(module, CONVERT, arguments=[np.array([6, 0, 3, 3])])


@pytest.mark.parametrize("layout", GATHERS)
def test_a_gather_that_is_contracted(layout: str):
    """Chunks of the embedding stay chunks, up to the product with another weight."""
    assert_same_meaning(
        function(
            "%ids: tensor<?xi32>",
            "tensor<?x5xf32>",
            f"""
            %t = ten.weight @t from ["t"] layout <{layout}> : tensor<7x10xf32>
            %w = ten.weight @w from ["w"] layout <arrays 1 by 4> : tensor<5x10xf32>
            %x = ten.gather "ti,p->pi" %t, %ids
              : tensor<7x10xf32>, tensor<?xi32> -> tensor<?x10xf32>
            %r = ten.contract "pi,oi->po"(%x, %w)
              : (tensor<?x10xf32>, tensor<5x10xf32>) -> tensor<?x5xf32>
            """,
        ),
        CONVERT,
        arguments=[np.array([6, 0, 3, 3])],
    )


def test_gather_of_two_axes_by_absent_ids():
    """What has no id is absent."""
    assert_same_meaning(
        function(
            "%t: tensor<7x3xf32>, %ids: tensor<?x2xi32, #ten.sparse>",
            "tensor<3x?x2xf32, #ten.sparse>",
            """
            %r = ten.gather "ti,pk->ipk" %t, %ids
              : tensor<7x3xf32>, tensor<?x2xi32, #ten.sparse> -> tensor<3x?x2xf32, #ten.sparse>
            """,
        ),
        CONVERT,
        rows=4,
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("?x64", "?x8x8"),
        ("?x8x2x4", "?x4x2x8"),
        ("?x2x3x4", "?x24"),
        ("?x6x5", "?x10x3"),
        ("?x1x6", "?x6x1"),
        ("?x6", "1x?x1x6"),
        ("24", "1x2x3x4x1"),
        ("1", ""),
        ("", "1x1"),
        ("4x?x6", "2x2x?x3x2"),
        ("12x5", "60"),
        ("60", "3x4x5"),
    ],
)
def test_reshape(old: str, new: str):
    old, new = (f"tensor<{shape + 'x' if shape else ''}f32>" for shape in (old, new))
    assert_same_meaning(
        function(f"%x: {old}", new, f"%r = ten.reshape %x : {old} -> {new}"), CONVERT
    )


@pytest.mark.parametrize(
    ("axis", "offset", "new"), [(1, 0, "?x4x3"), (1, 5, "?x4x3"), (2, 2, "?x9x1"), (2, 0, "?x9x3")]
)
def test_slice(axis: int, offset: int, new: str):
    assert_same_meaning(
        function(
            "%x: tensor<?x9x3xf32>",
            f"tensor<{new}xf32>",
            f"%r = ten.slice %x axis {axis} from {offset} : tensor<?x9x3xf32> -> tensor<{new}xf32>",
        ),
        CONVERT,
    )


SPARSE_BOOLEANS = "tensor<?x6xi1, #ten.sparse>"


@pytest.mark.parametrize(
    ("result", "op"),
    [
        (SPARSE_BOOLEANS, f"%r = ten.sparsify %f : tensor<?x6xi1> -> {SPARSE_BOOLEANS}"),
        (
            "tensor<?x2x3xi1, #ten.sparse>",
            f"%r = ten.reshape %m : {SPARSE_BOOLEANS} -> tensor<?x2x3xi1, #ten.sparse>",
        ),
        (
            "tensor<?x2xi1, #ten.sparse>",
            f"%r = ten.slice %m axis 1 from 3 : {SPARSE_BOOLEANS} -> tensor<?x2xi1, #ten.sparse>",
        ),
    ],
)
def test_masks_change_shape(result: str, op: str):
    shape = "".join(result.partition("xi1")[:1]).removeprefix("tensor<")
    letters = "pijk"[: shape.count("x") + 1]
    floats = f"tensor<{shape}xf32>"
    sparse = f"tensor<{shape}xf32, #ten.sparse>"
    assert_same_meaning(
        function(
            f"%f: tensor<?x6xi1>, %y: {floats}",
            sparse,
            f"""
            %m = ten.sparsify %f : tensor<?x6xi1> -> {SPARSE_BOOLEANS}
            {op.replace("%r", "%n")}
            %r = ten.contract "{letters},{letters}->{letters}"(%n, %y)
              : ({result}, {floats}) -> {sparse}
            """,
        ),
        CONVERT,
    )


def test_constants():
    assert_same_meaning(
        function(
            "%x: tensor<?x2xf32>",
            "tensor<?x2xf32>",
            """
            %c = ten.constant dense<[[1.0, -2.5], [3.0, 4.0]]> : tensor<2x2xf64> : tensor<2x2xf64>
            %n = ten.constant dense<[2, -1]> : tensor<2xi32> : tensor<2xi32>
            %s = ten.constant dense<0.5> : tensor<f32> : tensor<f32>
            %d = ten.constant dense<7.0> : tensor<2xf32> : tensor<2xf32>
            %y = ten.contract "pi,ij->pj"(%x, %c)
              : (tensor<?x2xf32>, tensor<2x2xf64>) -> tensor<?x2xf32>
            %r = ten.map "pj,j,,j->pj"(%y, %n, %s, %d)
              : (tensor<?x2xf32>, tensor<2xi32>, tensor<f32>, tensor<2xf32>) -> tensor<?x2xf32> {
            ^bb0(%a: f32, %b: i32, %c0: f32, %e: f32):
              %b0 = arith.sitofp %b : i32 to f32
              %f = arith.mulf %a, %b0 : f32
              %g = arith.mulf %f, %c0 : f32
              %h = arith.addf %g, %e : f32
              ten.yield %h : f32
            }
            """,
        ),
        CONVERT,
    )


LOOP = """
func.func @forward(%x: tensor<?x4xf32>, %n: tensor<?xi32>) -> (tensor<?x4xf32>, tensor<?xi32>) {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : index
  %one = arith.constant 1 : index
  %y, %m = scf.for %l = %zero to %three step %one iter_args(%z = %x, %k = %n)
      -> (tensor<?x4xf32>, tensor<?xi32>) {
    %w = ten.weight @w from ["layers.{}.w"] at %l of 3 : i64 layout <LAYOUT> : tensor<4x4xf32>
    %h = ten.contract "pi,oi->po"(%z, %w) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %s = ten.map "pi,p->pi"(%h, %k) : (tensor<?x4xf32>, tensor<?xi32>) -> tensor<?x4xf32> {
    ^bb0(%a: f32, %b: i32):
      %c = arith.sitofp %b : i32 to f32
      %d = arith.addf %a, %c : f32
      ten.yield %d : f32
    }
    %k1 = ten.map "p,p->p"(%k, %n) : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32> {
    ^bb0(%a: i32, %b: i32):
      %c = arith.addi %a, %b : i32
      ten.yield %c : i32
    }
    scf.yield %s, %k1 : tensor<?x4xf32>, tensor<?xi32>
  }
  func.return %y, %m : tensor<?x4xf32>, tensor<?xi32>
}
"""


@pytest.mark.parametrize("layout", ["rows", "arrays 1 by 3", "columns 1 by 2"])
def test_loop(layout: str):
    assert_same_meaning(LOOP.replace("LAYOUT", layout), CONVERT)


def test_a_loop_that_swaps_what_it_carries():
    """The names of keys differ inside and outside, and between what is carried."""
    assert_same_meaning(
        """
        func.func @forward(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>) -> tensor<4x4xf32> {
          %zero = arith.constant 0 : index
          %three = arith.constant 3 : index
          %one = arith.constant 1 : index
          %a, %b = scf.for %l = %zero to %three step %one iter_args(%z = %x, %k = %y)
              -> (tensor<4x4xf32>, tensor<4x4xf32>) {
            %h = ten.contract "pi,ij->pj"(%z, %k)
              : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
            scf.yield %k, %h : tensor<4x4xf32>, tensor<4x4xf32>
          }
          %r = ten.contract "ij,kj->ik"(%a, %b)
            : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
          func.return %r : tensor<4x4xf32>
        }
        """,
        CONVERT,
    )


STATE = """
func.func @forward() {
  %x = ten.input @batch ["p"] "v" : tensor<?xf32>
  %zero = arith.constant 0 : index
  %two = arith.constant 2 : index
  %one = arith.constant 1 : index
  %y = scf.for %l = %zero to %two step %one iter_args(%z = %x) -> (tensor<?xf32>) {
    %w = ten.weight @w from ["layers.{}.w"] at %l of 2 : i64 : tensor<3xf32>
    %k = ten.contract "p,d->pd"(%z, %w) : (tensor<?xf32>, tensor<3xf32>) -> tensor<?x3xf32>
    ten.append %k to @"keys.{}" ["c", "d"] at %l of 2 : i64 : tensor<?x3xf32>
    %all = ten.read @"keys.{}" ["c", "d"] at %l of 2 : i64 : tensor<?x3xf32>
    %s = ten.reduce max "cd->d" %all : tensor<?x3xf32> -> tensor<3xf32>
    %n = ten.contract "pd,d->p"(%k, %s) : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?xf32>
    scf.yield %n : tensor<?xf32>
  }
  ten.append %y to @sums ["c"] : tensor<?xf32>
  %sums = ten.read @sums ["c"] : tensor<?xf32>
  %total = ten.reduce sum "c->" %sums : tensor<?xf32> -> tensor<f32>
  ten.output %y to @y ["p"] : tensor<?xf32>
  ten.output %total to @total [] : tensor<f32>
  func.return
}
"""


def test_state_is_kept_from_run_to_run():
    before, after = applied(STATE), applied(STATE, CONVERT)
    generator = np.random.default_rng(0)
    weights = {f"layers.{layer}.w": generator.standard_normal(3) for layer in range(2)}
    states = ({}, {})
    for rows in ([0, 1], [2], [3, 4, 5]):
        batch = {"p": np.array(rows), "v": generator.standard_normal(len(rows))}
        first = run(before, weights=weights, inputs={"batch": batch}, state=states[0])
        second = run(after, weights=weights, inputs={"batch": batch}, state=states[1])
        total = second.outputs["total"]["v"]
        np.testing.assert_allclose(total, [first.outputs["total"]], rtol=1e-6)
        np.testing.assert_allclose(second.outputs["y"]["v"], first.outputs["y"], rtol=1e-6)
        np.testing.assert_array_equal(second.outputs["y"]["p"], rows)
    assert len(states[1]["keys.{}"]["v"]) == 2 * 6 * 3


def test_two_columns_of_one_table():
    after = assert_same_meaning(
        """
        func.func @forward() {
          %a = ten.input @batch ["p"] "a" : tensor<?xf32>
          %b = ten.input @batch ["p"] "b" : tensor<?xi32>
          %r = ten.map "p,p->p"(%a, %b) : (tensor<?xf32>, tensor<?xi32>) -> tensor<?xf32> {
          ^bb0(%v: f32, %n: i32):
            %m = arith.sitofp %n : i32 to f32
            %w = arith.mulf %v, %m : f32
            ten.yield %w : f32
          }
          ten.output %r to @r ["p"] : tensor<?xf32>
          func.return
        }
        """,
        CONVERT,
        inputs={"batch": {"p": [0, 1], "a": [0.5, 1.5], "b": [3, -2]}},
    )
    (batch,) = (o for o in after.ops if isinstance(o, rel.TableOp) and o.sym_name.data == "batch")
    assert list(batch.schema.types) == ["p", "a", "b"]


@pytest.mark.parametrize("rolled", [False, True])
@pytest.mark.parametrize("layout", ["rows", "arrays"])
def test_llama(tmp_path: Path, rolled: bool, layout: str):
    module, weights = llama("small", tmp_path)
    module = applied(
        module,
        *([RollLayersPass()] if rolled else []),
        DecomposePass(),
        FuseContractionsPass(),
        *([TileWeightsPass(24), AssignLayoutsPass()] if layout == "arrays" else []),
    )
    inputs = stream_tables([5, 3, 8, 1])
    assert_same_meaning(module, CONVERT, weights=weights, inputs=inputs)


def refusal(text: str) -> str:
    with pytest.raises(TensorjoinError) as refused:
        applied(text, CONVERT)
    return str(refused.value)


def test_what_has_no_relational_form():
    assert (
        refusal(
            function(
                "%x: tensor<?xf32>",
                "tensor<?xf32>",
                """
            %r = ten.map "p->p"(%x) : (tensor<?xf32>) -> tensor<?xf32> {
            ^bb0(%a: f32):
              %b = math.tanh %a : f32
              ten.yield %b : f32
            }
            """,
            )
        )
        == "math.tanh has no relational form"
    )
    assert "no tensor" in refusal("func.func @forward(%x: index) {\n func.return\n }")
    assert "count from 0 by 1" in refusal(
        LOOP.replace("LAYOUT", "rows").replace("constant 0", "constant 1")
    )


def test_a_table_with_two_keys_is_refused():
    assert "is keyed by" in refusal(
        """
        func.func @forward() {
          %a = ten.input @batch ["p"] "a" : tensor<?xf32>
          %b = ten.input @batch ["q"] "b" : tensor<?xf32>
          ten.output %a to @a ["p"] : tensor<?xf32>
          ten.output %b to @b ["p"] : tensor<?xf32>
          func.return
        }
        """
    )


def test_an_empty_module():
    assert [op.name for op in applied(ModuleOp([]), CONVERT).ops] == []


SPARSE_ROWS = """
func.func @forward(%x: tensor<2x8xf32>, %w: tensor<8xi32>) -> tensor<2x3xf32> {
  %raised = ten.map "i->i"(%w) : (tensor<8xi32>) -> tensor<8xi1> {
  ^bb0(%flag: i32):
    %zero = arith.constant 0 : i32
    %is = arith.cmpi ne, %flag, %zero : i32
    ten.yield %is : i1
  }
  %mask = ten.sparsify %raised : tensor<8xi1> -> tensor<8xi1, #ten.sparse>
  %kept = ten.map "pi,i->pi"(%x, %mask)
    : (tensor<2x8xf32>, tensor<8xi1, #ten.sparse>) -> tensor<2x8xf32, #ten.sparse> {
  ^bb0(%v: f32, %m: i1):
    ten.yield %v : f32
  }
  %m = ten.weight @m from ["m"] layout <LAYOUT 1 by 4> : tensor<3x8xf32>
  %y = ten.contract "pi,oi->po"(%kept, %m)
    : (tensor<2x8xf32, #ten.sparse>, tensor<3x8xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}
"""


def test_chunks_of_a_tensor_with_gaps(database: Database):
    """A chunk keeps its elements in their places where others of it are absent."""
    generator = np.random.default_rng(3)
    x, m = generator.normal(size=(2, 8)), generator.normal(size=(3, 8))
    flags = np.array([0, 0, 1, 0, 0, 1, 1, 0])
    layout = "arrays" if database.profile.vectors else "columns"
    module = applied(SPARSE_ROWS.replace("LAYOUT", layout), *to_sql(database.profile))
    p, i = (axis.ravel() for axis in np.indices((2, 8)))
    o, chunk = (axis.ravel() for axis in np.indices((3, 2)))
    parts = m.reshape(6, 4).astype(np.float32)
    columns = (
        {"v": parts} if database.profile.vectors else {f"v_{k}": parts[:, k] for k in range(4)}
    )
    tables = {
        "arg0": {"p": p, "i": i, "v": x.ravel()},
        "arg1": {"i": np.arange(8), "v": flags},
        "m": {"o": o, "i": chunk, **columns},
    }
    result = execute(database, module, tables)["result0"]
    expected = (x * flags) @ m.T
    order = np.lexsort((result["b"], result["a"]))
    np.testing.assert_allclose(np.asarray(result["v"])[order], expected.ravel(), rtol=1e-5)
