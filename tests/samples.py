"""Small modules of `ten` on which the tests execute relational passes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from execution import llama
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from tensorjoin.passes.nn.decompose import DecomposePass
from tensorjoin.passes.nn.roll_layers import RollLayersPass
from tensorjoin.passes.ten.assign_layouts import AssignLayoutsPass
from tensorjoin.passes.ten.fuse_contractions import FuseContractionsPass
from tensorjoin.passes.ten.tile_weights import TileWeightsPass
from tensorjoin.passes.ten_to_rel.convert_ten_to_rel import ConvertTenToRelPass
from tensorjoin.pipelines import Layout
from tensorjoin.testing.modules import applied, random_weights, run

CONVERT = ConvertTenToRelPass()

CONTRACT = """
func.func @forward(%x: tensor<?x10xf32>) -> (tensor<?x7xf32>, tensor<?x3xf32>) {
  %w = ten.weight @w from ["a", "b"] : tensor<10x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x10xf32>, tensor<10x10xf32>) -> tensor<?x10xf32>
  %u = ten.slice %y axis 1 from 0 : tensor<?x10xf32> -> tensor<?x7xf32>
  %v = ten.slice %y axis 1 from 7 : tensor<?x10xf32> -> tensor<?x3xf32>
  func.return %u, %v : tensor<?x7xf32>, tensor<?x3xf32>
}
"""

GATHER = """
func.func @forward(%ids: tensor<?xi32>) -> (tensor<?x10xf32>, tensor<?x5xf32>) {
  %t = ten.weight @t from ["t"] : tensor<7x10xf32>
  %w = ten.weight @w from ["w"] : tensor<5x10xf32>
  %x = ten.gather "ti,p->pi" %t, %ids : tensor<7x10xf32>, tensor<?xi32> -> tensor<?x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x10xf32>, tensor<5x10xf32>) -> tensor<?x5xf32>
  func.return %x, %y : tensor<?x10xf32>, tensor<?x5xf32>
}
"""

ATTENTION = """
func.func @forward(%x: tensor<?x8xf32>, %seen: tensor<?x?xi1, #ten.sparse>) -> tensor<?x8xf32> {
  %q = ten.reshape %x : tensor<?x8xf32> -> tensor<?x2x4xf32>
  %scores = ten.contract "phd,chd,pc->phc"(%q, %q, %seen)
    : (tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x?xi1, #ten.sparse>)
    -> tensor<?x2x?xf32, #ten.sparse>
  %top = ten.reduce max "phc->ph" %scores : tensor<?x2x?xf32, #ten.sparse> -> tensor<?x2xf32>
  %e = ten.map "phc,ph->phc"(%scores, %top)
    : (tensor<?x2x?xf32, #ten.sparse>, tensor<?x2xf32>) -> tensor<?x2x?xf32, #ten.sparse> {
  ^bb0(%s: f32, %t: f32):
    %d = arith.subf %s, %t : f32
    %n = math.exp %d : f32
    ten.yield %n : f32
  }
  %sum = ten.reduce sum "phc->ph" %e : tensor<?x2x?xf32, #ten.sparse> -> tensor<?x2xf32>
  %mixed = ten.contract "phc,chd->phd"(%e, %q)
    : (tensor<?x2x?xf32, #ten.sparse>, tensor<?x2x4xf32>) -> tensor<?x2x4xf32>
  %y = ten.map "phd,ph->phd"(%mixed, %sum)
    : (tensor<?x2x4xf32>, tensor<?x2xf32>) -> tensor<?x2x4xf32> {
  ^bb0(%v: f32, %s: f32):
    %r = math.sqrt %s : f32
    %w = arith.divf %v, %r : f32
    %c = math.cos %w : f32
    %z = arith.mulf %c, %w : f32
    ten.yield %z : f32
  }
  %r = ten.reshape %y : tensor<?x2x4xf32> -> tensor<?x8xf32>
  func.return %r : tensor<?x8xf32>
}
"""

LOOP = """
func.func @forward(%x: tensor<?x4xf32>, %n: tensor<?xi32>) -> (tensor<?x4xf32>, tensor<?xi32>) {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : index
  %one = arith.constant 1 : index
  %scale = ten.contract "pi,pi->p"(%x, %x) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?xf32>
  %y, %m = scf.for %l = %zero to %three step %one iter_args(%z = %x, %k = %n)
      -> (tensor<?x4xf32>, tensor<?xi32>) {
    %w = ten.weight @w from ["layers.{}.w"] at %l of 3 : i64 : tensor<4x4xf32>
    %h = ten.contract "pi,oi->po"(%z, %w) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %s = ten.map "pi,p,p->pi"(%h, %k, %scale)
        : (tensor<?x4xf32>, tensor<?xi32>, tensor<?xf32>) -> tensor<?x4xf32> {
    ^bb0(%a: f32, %b: i32, %t: f32):
      %c = arith.sitofp %b : i32 to f32
      %d = arith.addf %a, %c : f32
      %e = arith.divf %d, %t : f32
      ten.yield %e : f32
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

SWAP = """
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
"""

CONSTANTS = """
func.func @forward(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c = ten.constant dense<[[1.0, -2.5], [3.0, 4.0]]> : tensor<2x2xf64> : tensor<2x2xf64>
  %s = ten.constant dense<0.5> : tensor<f32> : tensor<f32>
  %y = ten.contract "pi,ij->pj"(%x, %c) : (tensor<?x2xf32>, tensor<2x2xf64>) -> tensor<?x2xf32>
  %r = ten.map "pj,->pj"(%y, %s) : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.mulf %a, %b : f32
    %e = math.sin %d : f32
    ten.yield %e : f32
  }
  func.return %r : tensor<?x2xf32>
}
"""

SAMPLES = {
    "contract": CONTRACT,
    "gather": GATHER,
    "attention": ATTENTION,
    "loop": LOOP,
    "swap": SWAP,
    "constants": CONSTANTS,
}

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
    %s = ten.reduce sum "cd->d" %all : tensor<?x3xf32> -> tensor<3xf32>
    %n = ten.contract "pd,d->p"(%k, %s) : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?xf32>
    scf.yield %n : tensor<?xf32>
  }
  %before = ten.read @sums ["c"] : tensor<?xf32>
  ten.append %y to @sums ["c"] : tensor<?xf32>
  %sums = ten.read @sums ["c"] : tensor<?xf32>
  %total = ten.reduce sum "c->" %sums : tensor<?xf32> -> tensor<f32>
  ten.output %y to @y ["p"] : tensor<?xf32>
  ten.output %before to @before ["c"] : tensor<?xf32>
  ten.output %total to @total [] : tensor<f32>
  func.return
}
"""
"""Reads a state before and after it grows."""


def laid_out(layout: Layout, chunk: int = 4) -> tuple[ModulePass, ...]:
    """Weights in chunks of at most `chunk`, in that storage; or, by rows, as they are."""
    if layout == "rows":
        return ()
    target = "sqlite" if layout == "columns" else "duckdb"
    return (TileWeightsPass(chunk), AssignLayoutsPass(target, layout))


def assert_same_state(*passes: ModulePass) -> None:
    """STATE means the same after the passes, in several runs over one state."""
    before, after = applied(STATE), applied(STATE, *passes)
    generator = np.random.default_rng(0)
    weights = random_weights(before, generator)
    states: tuple[dict[str, Any], ...] = ({}, {})
    for rows in ([0, 1], [2], [3, 4, 5]):
        inputs: Mapping[str, Mapping[str, npt.ArrayLike]] = {
            "batch": {"p": rows, "v": generator.standard_normal(len(rows))}
        }
        first, second = (
            run(module, weights=weights, inputs=inputs, state=state).outputs
            for module, state in zip((before, after), states, strict=True)
        )
        for name in ("y", "before", "total"):
            values = np.atleast_1d(first[name])
            written = second.get(name, {"v": np.zeros(0)})["v"]
            np.testing.assert_allclose(written, values, rtol=1e-6, err_msg=name)
    assert len(states[1]["keys.{}"]["v"]) == 2 * 6 * 3


def tensor_algebra(
    directory: Path, layout: Layout = "rows", rolled: bool = True
) -> tuple[ModuleOp, dict[str, npt.NDArray[Any]]]:
    """The smallest test model in tensor algebra, and its weights."""
    module, weights = llama("small", directory)
    passes = [*([RollLayersPass()] if rolled else []), DecomposePass(), FuseContractionsPass()]
    return applied(module, *passes, *laid_out(layout, 24)), weights


LAYOUTS: tuple[Layout, ...] = ("rows", "arrays", "columns", "pivoted")
