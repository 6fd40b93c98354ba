"""`convert-ten-to-rel`, executed: each tensor op means the same as its relations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from execution import llama, stream_tables
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.backends.database import Database
from tensorjoin.backends.duckdb import DUCKDB
from tensorjoin.dialects import rel, sql
from tensorjoin.dialects.expression import PACKS, CallAttr
from tensorjoin.errors import TensorjoinError
from tensorjoin.interpreter.relations import table_of_tensor, tensor_of_table
from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.tile_weights import TileWeightsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.pipelines import to_relational, to_sql
from tensorjoin.testing.engines import execute
from tensorjoin.testing.modules import applied, assert_same_meaning, lowered, run

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
    "quotients": """
        %zero = arith.constant 0.0 : f32
        %c = arith.mulf %b, %zero : f32
        %d = arith.divf %a, %c : f32
        %e = math.sqrt %d : f32
        %f = math.absf %b : f32
        %g = arith.divf %a, %f fastmath<nnan,ninf> : f32
        %h = math.sqrt %f fastmath<nnan,ninf> : f32
        %i = arith.mulf %g, %h : f32
        %j = arith.addf %e, %i : f32
        ten.yield %j : f32""",
    "angles": """
        %c = math.tanh %a : f32
        %d = math.asin %c : f32
        %e = math.acos %c : f32
        %f = math.atanh %c : f32
        %g = math.atan %b : f32
        %h = math.tan %g : f32
        %i = math.sinh %d : f32
        %j = math.cosh %e : f32
        %k = math.asinh %f : f32
        %l = math.acosh %j : f32
        %m = arith.addf %h, %i : f32
        %n = arith.mulf %k, %l : f32
        %o = arith.subf %m, %n : f32
        ten.yield %o : f32""",
    "powers": """
        %c = math.absf %a : f32
        %d = math.powf %c, %b : f32
        %e = math.log %d : f32
        %f = math.floor %e : f32
        %g = math.ceil %b : f32
        %h = arith.subf %f, %g : f32
        ten.yield %h : f32""",
    "not a number": """
        %infinity = arith.constant 0x7F800000 : f32
        %less = arith.constant 0xFF800000 : f32
        %nan = arith.constant 0x7FC00000 : f32
        %c = math.log %a : f32
        %d = arith.cmpf uno, %c, %c : f32
        %e = arith.cmpf olt, %b, %less : f32
        %f = arith.select %d, %infinity, %c : f32
        %g = arith.select %e, %nan, %f : f32
        ten.yield %g : f32""",
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


def test_map_of_bits():
    """Of integers they are combined place by place, of booleans as truths."""
    assert_same_meaning(
        function(
            "%x: tensor<?xi64>, %y: tensor<5xi64>",
            "tensor<?x5xi64>",
            """
            %r = ten.map "p,i->pi"(%x, %y) : (tensor<?xi64>, tensor<5xi64>) -> tensor<?x5xi64> {
            ^bb0(%a: i64, %b: i64):
              %c = arith.andi %a, %b : i64
              %d = arith.ori %a, %b : i64
              %e = arith.xori %c, %d : i64
              %two = arith.constant 2 : i64
              %f = arith.shli %e, %two : i64
              %g = arith.shrsi %a, %two : i64
              %h = arith.cmpi slt, %a, %b : i64
              %i = arith.cmpi slt, %b, %two : i64
              %j = arith.xori %h, %i : i1
              %k = arith.ori %j, %h : i1
              %l = arith.andi %k, %j : i1
              %m = arith.extui %l : i1 to i64
              %n = arith.addi %f, %g : i64
              %o = arith.addi %n, %m : i64
              ten.yield %o : i64
            }
            """,
        ),
        CONVERT,
        arguments=[np.array([-9, -1, 0, 5, 2**40]), np.array([3, -4, 0, 1, 7])],
    )


def test_map_of_quotients_and_extremes_of_integers():
    assert_same_meaning(
        function(
            "%x: tensor<?xi64>, %y: tensor<4xi64>",
            "tensor<?x4xi64>",
            """
            %r = ten.map "p,i->pi"(%x, %y) : (tensor<?xi64>, tensor<4xi64>) -> tensor<?x4xi64> {
            ^bb0(%a: i64, %b: i64):
              %c = arith.divsi %a, %b : i64
              %d = arith.remsi %a, %b : i64
              %e = arith.maxsi %c, %d : i64
              %f = arith.minsi %a, %b : i64
              %g = math.absi %f : i64
              %h = arith.muli %e, %g : i64
              %i = arith.sitofp %h : i64 to f64
              %half = arith.constant 0.5 : f64
              %j = arith.mulf %i, %half : f64
              %k = arith.fptosi %j : f64 to i64
              ten.yield %k : i64
            }
            """,
        ),
        CONVERT,
        arguments=[np.array([-9, -1, 0, 5, 12]), np.array([3, -4, 1, 7])],
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


@pytest.mark.parametrize("size", [2, 4, 7, 8])
def test_ids_outside_of_a_chunked_axis_find_nothing(size: int):
    assert_same_meaning(
        function(
            "%ids: tensor<?xi32>",
            "tensor<?x10xf32, #ten.sparse>",
            f"""
            %t = ten.weight @t from ["t"] layout <arrays 0 by {size}> : tensor<7x10xf32>
            %r = ten.gather "ti,p->pi" %t, %ids
              : tensor<7x10xf32>, tensor<?xi32> -> tensor<?x10xf32, #ten.sparse>
            """,
        ),
        CONVERT,
        arguments=[np.array([6, -1, 0, 7, 3, -8, 8, 4, 5])],
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


def on_engine(database: Database, text: str, *arguments: npt.ArrayLike) -> npt.NDArray[Any]:
    """What a function of floats or integers returns on an engine; masked where there is no row."""
    module = lowered(text, database.target, *to_sql(database.target.profile))
    tables = {op.sym_name.data: op.schema for op in module.ops if isinstance(op, sql.CreateTableOp)}
    inputs = {
        f"arg{n}": table_of_tensor(np.ma.asarray(a), list(tables[f"arg{n}"].extents), "v")
        for n, a in enumerate(arguments)
    }
    result = tables["result0"].extents
    rows = execute(database, module, inputs)["result0"]
    return tensor_of_table(rows, list(result), "v", list(result.values()))


def assert_on_engine(
    database: Database, text: str, arguments: Sequence[npt.ArrayLike], expected: npt.ArrayLike
) -> None:
    """What a function returns on an engine is what numpy says."""
    actual = on_engine(database, text, *arguments)
    absent = np.ma.getmaskarray(expected)
    np.testing.assert_array_equal(np.ma.getmaskarray(actual), absent)
    np.testing.assert_allclose(
        np.ma.getdata(actual)[~absent].astype(float),
        np.ma.getdata(expected)[~absent].astype(float),
        rtol=1e-12,
    )


X = np.array([[0.5, -1.5, 2.0, 0.5], [3.0, 0.5, -1.5, 0.25], [8.0, 8.0, 8.0, -4.0]])
HOLES = np.array([[0, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 1]], np.bool_)
SPARSE = np.ma.array(X, mask=HOLES)
INTEGERS = np.array([[7, -7, 2**53 + 1, 7], [-3, 0, 5, -3], [1, 1, 1, -(2**53) - 1]])
DENSE, GAPS = "tensor<3x4xf64>", "tensor<3x4xf64, #ten.sparse>"
DENSE_INTEGERS, SPARSE_INTEGERS = "tensor<3x4xi64>", "tensor<3x4xi64, #ten.sparse>"


@pytest.mark.parametrize("extent", [0, 1, 64, 65, 200, 4096, 5000])
def test_iota(extent: int):
    type = f"tensor<{extent}xi64>"
    assert_same_meaning(function("", type, f"%r = ten.iota : {type}"), CONVERT)


@pytest.mark.parametrize("extent", [1, 64, 65, 200])
def test_iota_on_engines(database: Database, extent: int):
    type = f"tensor<{extent}xi64>"
    assert_on_engine(database, function("", type, f"%r = ten.iota : {type}"), [], np.arange(extent))


def concatenation(*pieces: str, axis: int, result: str) -> str:
    names = [f"%x{n}" for n in range(len(pieces))]
    return function(
        ", ".join(f"{name}: {type}" for name, type in zip(names, pieces, strict=True)),
        result,
        f"%r = ten.concat {', '.join(names)} axis {axis} : ({', '.join(pieces)}) -> {result}",
    )


@pytest.mark.parametrize(
    ("pieces", "axis", "result"),
    [
        (["3xf32"], 0, "3xf32"),
        (["3xf32", "1xf32", "5xf32"], 0, "9xf32"),
        (["?x4xf32", "?x3xf32"], 1, "?x7xf32"),
        (["2x?x4xi32", "3x?x4xi32"], 0, "5x?x4xi32"),
        (["3x4xi1", "3x4xi1"], 1, "3x8xi1"),
        (["3x4xf32, #ten.sparse", "2x4xf32, #ten.sparse"], 0, "5x4xf32, #ten.sparse"),
        (["3x4xf32", "3x4xf32, #ten.sparse"], 1, "3x8xf32, #ten.sparse"),
        (["3x4xi1, #ten.sparse", "3x4xi1"], 1, "3x8xi1, #ten.sparse"),
    ],
)
def test_concat(pieces: list[str], axis: int, result: str):
    text = concatenation(*(f"tensor<{p}>" for p in pieces), axis=axis, result=f"tensor<{result}>")
    assert_same_meaning(text, CONVERT)


def test_concat_of_one_tensor_with_itself():
    assert_same_meaning(
        function(
            "%x: tensor<3x4xf32>",
            "tensor<3x12xf32>",
            """
            %r = ten.concat %x, %x, %x axis 1
              : (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x12xf32>
            """,
        ),
        CONVERT,
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_concat_of_a_weight_in_chunks(axis: int):
    result = ["tensor<10x10xf32>", "tensor<7x13xf32>"][axis]
    other = ["tensor<3x10xf32>", "tensor<7x3xf32>"][axis]
    assert_same_meaning(
        function(
            f"%x: {other}",
            result,
            f"""
            %w = ten.weight @w from ["w"] layout <arrays 1 by 4> : tensor<7x10xf32>
            %r = ten.concat %w, %x axis {axis} : (tensor<7x10xf32>, {other}) -> {result}
            """,
        ),
        CONVERT,
    )


def test_concat_of_masks():
    """A mask has no column of elements."""
    assert_same_meaning(
        function(
            "%x: tensor<4xi1>, %y: tensor<8xf32>",
            "tensor<8xf32, #ten.sparse>",
            """
            %m = ten.sparsify %x : tensor<4xi1> -> tensor<4xi1, #ten.sparse>
            %n = ten.concat %m, %m axis 0
              : (tensor<4xi1, #ten.sparse>, tensor<4xi1, #ten.sparse>) -> tensor<8xi1, #ten.sparse>
            %r = ten.contract "i,i->i"(%n, %y)
              : (tensor<8xi1, #ten.sparse>, tensor<8xf32>) -> tensor<8xf32, #ten.sparse>
            """,
        ),
        CONVERT,
    )


def test_concat_on_engines(database: Database):
    text = concatenation(DENSE, GAPS, DENSE, axis=1, result="tensor<3x12xf64, #ten.sparse>")
    holes = np.concatenate([HOLES & False, HOLES, HOLES & False], axis=1)
    expected = np.ma.array(np.concatenate([X, X, -X], axis=1), mask=holes)
    assert_on_engine(database, text, [X, SPARSE, -X], expected)


def test_concat_of_integers_on_engines(database: Database):
    text = concatenation(DENSE_INTEGERS, DENSE_INTEGERS, axis=0, result="tensor<6x4xi64>")
    both = np.concatenate([INTEGERS, INTEGERS[::-1]])
    result = on_engine(database, text, INTEGERS, INTEGERS[::-1])
    np.testing.assert_array_equal(np.ma.getdata(result).astype(np.int64), both)


def filling(dense: str, value: str) -> str:
    sparse = dense.replace(">", ", #ten.sparse>")
    return function(f"%x: {sparse}", dense, f"%r = ten.fill %x with {value} : {sparse} -> {dense}")


FILLS = [
    ("f32", "0.0 : f32"),
    ("f64", "-2.5 : f64"),
    ("f64", "0x7FF0000000000000 : f64"),
    ("f64", "0xFFF0000000000000 : f64"),
    ("i32", "0 : i32"),
    ("i64", "-3 : i64"),
    ("i64", "9007199254740993 : i64"),
    ("i1", "false"),
    ("i1", "true"),
]


@pytest.mark.parametrize(("element", "value"), FILLS)
@pytest.mark.parametrize("shape", ["5x", "3x4x", "65x2x"])
def test_fill(shape: str, element: str, value: str):
    assert_same_meaning(filling(f"tensor<{shape}{element}>", value), CONVERT)


@pytest.mark.parametrize("absent", [False, True])
def test_fill_of_what_is_all_there_and_of_what_is_not(absent: bool):
    x = np.ma.array(X, mask=np.full((3, 4), absent))
    assert_same_meaning(filling(DENSE, "0.5 : f64"), CONVERT, arguments=[x])


@pytest.mark.parametrize("value", ["false", "true"])
def test_fill_of_a_mask(value: str):
    """A mask has no column of elements."""
    assert_same_meaning(
        function(
            "%x: tensor<4xi1>",
            "tensor<4xi1>",
            f"""
            %m = ten.sparsify %x : tensor<4xi1> -> tensor<4xi1, #ten.sparse>
            %r = ten.fill %m with {value} : tensor<4xi1, #ten.sparse> -> tensor<4xi1>
            """,
        ),
        CONVERT,
        arguments=[np.array([True, False, True, False])],
    )


def test_fill_of_an_axis_with_any_letter():
    """No helper of the conversion has the name of an axis."""
    for letter in "abcdefghijklmnopqrstuwyz":
        other = "a" if letter != "a" else "b"
        assert_same_meaning(
            function(
                f"%x: {GAPS}",
                "tensor<4xf64>",
                f"""
                %f = ten.fill %x with 0.5 : f64 : {GAPS} -> {DENSE}
                %r = ten.reduce sum "{letter}{other}->{other}" %f : {DENSE} -> tensor<4xf64>
                """,
            ),
            CONVERT,
            arguments=[SPARSE],
        )


def test_fill_on_engines(database: Database):
    expected = np.where(HOLES, -2.5, X)
    assert_on_engine(database, filling(DENSE, "-2.5 : f64"), [SPARSE], expected)


def test_fill_of_integers_on_engines(database: Database):
    text = filling(DENSE_INTEGERS, "9007199254740993 : i64")
    result = on_engine(database, text, np.ma.array(INTEGERS, mask=HOLES))
    expected = np.where(HOLES, 2**53 + 1, INTEGERS)
    np.testing.assert_array_equal(np.ma.getdata(result).astype(np.int64), expected)


@pytest.mark.parametrize("value", [False, True])
def test_fill_of_booleans_on_engines(database: Database, value: bool):
    """From a comparison to a choice, as engines hold booleans only in between."""
    sparse, dense = "tensor<3x4xi1, #ten.sparse>", "tensor<3x4xi1>"
    text = function(
        f"%x: {GAPS}",
        DENSE_INTEGERS,
        f"""
        %b = ten.map "ij->ij"(%x) : ({GAPS}) -> {sparse} {{
        ^bb0(%a: f64):
          %half = arith.constant 0.5 : f64
          %c = arith.cmpf ogt, %a, %half : f64
          ten.yield %c : i1
        }}
        %f = ten.fill %b with {str(value).lower()} : {sparse} -> {dense}
        %r = ten.map "ij->ij"(%f) : ({dense}) -> {DENSE_INTEGERS} {{
        ^bb0(%d: i1):
          %n = arith.extui %d : i1 to i64
          ten.yield %n : i64
        }}
        """,
    )
    assert_on_engine(database, text, [SPARSE], np.where(HOLES, value, X > 0.5))


def test_fill_keeps_what_is_not_a_number(database: Database):
    x = np.ma.array([np.nan, np.inf, 0.0, -np.inf], mask=[0, 0, 1, 0])
    text = filling("tensor<4xf64>", "0.5 : f64")
    assert_on_engine(database, text, [x], np.array([np.nan, np.inf, 0.5, -np.inf]))


def scattering(kind: str, indices: str, x: str, ids: str, result: str) -> str:
    by = f" by {kind}" if kind else ""
    return function(
        f"%x: {x}, %n: {ids}",
        result,
        f'%r = ten.scatter "{indices}" %x, %n{by} : {x}, {ids} -> {result}',
    )


@pytest.mark.parametrize("kind", ["sum", "max", "min"])
@pytest.mark.parametrize(
    ("indices", "x", "ids", "result"),
    [
        ("ij,i->rj", DENSE, "3xi64", "2x4xf64, #ten.sparse"),
        ("ij,i->jr", DENSE, "3xi32", "4x2xf64, #ten.sparse"),
        ("ij,i->rj", DENSE_INTEGERS, "3xi64", "2x4xi64, #ten.sparse"),
        ("ij,ij->ir", DENSE, "3x4xi64", "3x2xf64, #ten.sparse"),
        ("ij,ik->rjk", DENSE, "3x2xi64", "2x4x2xf64, #ten.sparse"),
        # No axis of the input is left.
        ("ij,ij->r", DENSE, "3x4xi64", "3xf64, #ten.sparse"),
        ("ij,j->r", DENSE, "4xi64", "3xf64, #ten.sparse"),
        # Absent elements, and elements that go nowhere.
        ("ij,i->rj", GAPS, "3xi64", "2x4xf64, #ten.sparse"),
        ("ij,i->rj", DENSE, "3xi64, #ten.sparse", "2x4xf64, #ten.sparse"),
    ],
    ids=[
        *("rows", "transposed", "integers", "elements", "pairs", "all axes lost"),
        *("all axes lost to a vector", "absent elements", "absent ids"),
    ],
)
def test_scatter(kind: str, indices: str, x: str, ids: str, result: str):
    """Some ids are out of range; some places are met twice, and some never."""
    generator = np.random.default_rng(1)
    shape = [int(extent) for extent in ids.split("x")[:-1]]
    numbers = generator.integers(-1, 4, shape)
    if "sparse" in ids:
        numbers = np.ma.array(numbers, mask=[0, 1, 0])
    data = {DENSE: X, GAPS: SPARSE, DENSE_INTEGERS: INTEGERS}[x]
    text = scattering(kind, indices, x, f"tensor<{ids}>", f"tensor<{result}>")
    assert_same_meaning(text, CONVERT, arguments=[data, numbers])


@pytest.mark.parametrize(
    ("indices", "x", "ids", "numbers", "result"),
    [
        ("ij,i->rj", DENSE, "3xi64", [2, 0, 1], "3x4xf64"),
        ("ij,i->jr", DENSE, "3xi64", [4, -1, 0], "4x4xf64, #ten.sparse"),
        (
            "ij,ij->ir",
            DENSE_INTEGERS,
            "3x4xi64",
            [[3, 2, 1, 0], [0, 1, 2, 3], [1, 0, 3, 2]],
            "3x4xi64",
        ),
        ("ij,i->rj", GAPS, "3xi64", [5, 4, 0], "6x4xf64, #ten.sparse"),
    ],
    ids=["a permutation", "out of range", "elements", "absent elements"],
)
def test_scatter_without_a_reduction(
    indices: str, x: str, ids: str, numbers: list[int], result: str
):
    data = {DENSE: X, GAPS: SPARSE, DENSE_INTEGERS: INTEGERS}[x]
    text = scattering("", indices, x, f"tensor<{ids}>", f"tensor<{result}>")
    assert_same_meaning(text, CONVERT, arguments=[data, np.array(numbers)])


IDS = np.array([4, -1, 4])
"""Two rows meet, and one goes nowhere."""


@pytest.mark.parametrize("kind", ["sum", "max", "min"])
def test_scatter_on_engines(database: Database, kind: str):
    result = "tensor<5x4xf64, #ten.sparse>"
    text = scattering(kind, "ij,i->rj", GAPS, "tensor<3xi64>", result)
    fold = {"sum": np.ma.sum, "max": np.ma.max, "min": np.ma.min}[kind]
    expected = np.ma.masked_all((5, 4))
    expected[4] = fold(SPARSE[[0, 2]], axis=0)
    assert_on_engine(database, text, [SPARSE, IDS], expected)


def test_scatter_without_a_reduction_on_engines(database: Database):
    result = "tensor<4x5xf64, #ten.sparse>"
    text = scattering("", "ij,i->jr", DENSE, "tensor<3xi64>", result)
    expected = np.ma.masked_all((4, 5))
    expected[:, 3], expected[:, 0] = X[0], X[2]
    assert_on_engine(database, text, [X, [3, 5, 0]], expected)


def test_scatter_of_integers_is_exact_on_engines(database: Database):
    text = scattering("max", "ij,i->jr", DENSE_INTEGERS, "tensor<3xi64>", "tensor<4x1xi64>")
    result = on_engine(database, text, INTEGERS, [0, 0, 0])
    expected = INTEGERS.max(axis=0)[:, None]
    np.testing.assert_array_equal(np.ma.getdata(result).astype(np.int64), expected)


def test_a_histogram_on_engines(database: Database):
    text = scattering("sum", "ij,ij->r", DENSE_INTEGERS, DENSE_INTEGERS, "tensor<3xi64>")
    ids = np.array([[0, 1, 2, 2], [2, 2, 0, 9], [1, -1, 1, 2]])
    counts = [(ids == n).sum() for n in range(3)]
    assert_on_engine(database, text, [np.ones((3, 4), np.int64), ids], counts)


def ranking(x: str, axis: int, descending: bool) -> str:
    result = x.replace("f64", "i64").replace("i1", "i64")
    order = "descending " if descending else ""
    return function(f"%x: {x}", result, f"%r = ten.rank {order}%x axis {axis} : {x} -> {result}")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    ("type", "x"),
    [(DENSE, X), (GAPS, SPARSE), (DENSE_INTEGERS, INTEGERS), ("tensor<3x4xi1>", X > 0)],
    ids=["floats", "absent", "integers", "booleans"],
)
def test_rank(type: str, x: npt.NDArray[Any], axis: int, descending: bool):
    assert_same_meaning(ranking(type, axis, descending), CONVERT, arguments=[x])


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_rank_on_engines(database: Database, axis: int, descending: bool):
    """Of equals the first comes first."""
    order = np.argsort(-X if descending else X, axis, kind="stable")
    places = np.argsort(order, axis)
    assert_on_engine(database, ranking(DENSE, axis, descending), [X], places)


def test_rank_counts_only_what_is_there_on_engines(database: Database):
    before = np.indices((3, 4, 4))[2] < np.indices((3, 4, 4))[1]
    left, right = X[:, None, :], X[:, :, None]
    earlier = ((left < right) | (left == right) & before) & ~HOLES[:, None, :]
    expected = np.ma.array(earlier.sum(axis=2), mask=HOLES)
    assert_on_engine(database, ranking(GAPS, 1, False), [SPARSE], expected)


def running(x: str, axis: int) -> str:
    return function(f"%x: {x}", x, f"%r = ten.running_sum %x axis {axis} : {x} -> {x}")


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    ("type", "x"),
    [
        (DENSE, X),
        (GAPS, SPARSE),
        (DENSE_INTEGERS, INTEGERS),
        (SPARSE_INTEGERS, np.ma.array(INTEGERS, mask=HOLES)),
        ("tensor<?x4xf64>", X),
    ],
    ids=["floats", "absent", "integers", "absent integers", "unknown extent"],
)
def test_running_sum(type: str, x: npt.NDArray[Any], axis: int):
    assert_same_meaning(running(type, axis), CONVERT, arguments=[x])


@pytest.mark.parametrize("axis", [0, 1])
def test_running_sum_on_engines(database: Database, axis: int):
    sums = np.ma.array(np.cumsum(np.where(HOLES, 0, X), axis), mask=HOLES)
    assert_on_engine(database, running(GAPS, axis), [SPARSE], sums)


def test_running_sum_of_integers_on_engines(database: Database):
    result = on_engine(database, running(DENSE_INTEGERS, 1), INTEGERS)
    expected = np.cumsum(INTEGERS, axis=1)
    np.testing.assert_array_equal(np.ma.getdata(result).astype(np.int64), expected)


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
        *([TileWeightsPass(24), AssignLayoutsPass(layout="arrays")] if layout == "arrays" else []),
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
              %b = math.cbrt %a : f32
              ten.yield %b : f32
            }
            """,
            )
        )
        == "math.cbrt has no relational form"
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
    layout = "arrays" if database.target.profile.vectors else "columns"
    stages = to_sql(database.target.profile, layout)
    module = lowered(SPARSE_ROWS.replace("LAYOUT", layout), database.target, *stages)
    p, i = (axis.ravel() for axis in np.indices((2, 8)))
    o, chunk = (axis.ravel() for axis in np.indices((3, 2)))
    parts = m.reshape(6, 4).astype(np.float32)
    columns = (
        {"v": parts}
        if database.target.profile.vectors
        else {f"v_{k}": parts[:, k] for k in range(4)}
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


def test_logits_of_some_rows_are_packed_as_others(tmp_path: Path):
    """Which rows emit says nothing of their elements: no slot needs a sum of its own."""
    module, _ = llama("one-layer", tmp_path)
    relational = lowered(module, DUCKDB, *to_relational(DUCKDB.profile, "arrays"))
    packs = {
        e.function.data
        for op in relational.walk()
        if isinstance(op, rel.AggregateOp)
        for e in rel.expressions(op.values).values()
        if isinstance(e, CallAttr) and e.function.data in PACKS
    }
    assert packs == {"pack"}
