"""What reads a product whose elements along an axis stand abreast, executed."""

import pytest
from samples import CONVERT

from tensorjoin.errors import TensorjoinError
from tensorjoin.testing.modules import assert_same_meaning, parse

WEIGHT = """  %w = ten.weight @w from ["w"] layout <arrays 3 by 4 parts 2 of 1> : tensor<3x2x3x10xf32>
"""
PRODUCT = """  %y = ten.contract "pi,hrfi->phrf"(%x, %w)
    : (tensor<?x10xf32>, tensor<3x2x3x10xf32>) -> tensor<?x3x2x3xf32>
"""
Y = "tensor<?x3x2x3xf32>"


def function(body: str, returned: str, types: str, arguments: str = "") -> str:
    return f"""func.func @forward(%x: tensor<?x10xf32>{arguments}) -> ({types}) {{
{body}  func.return {returned} : {types}
}}
"""


def contraction(indices: str, others: dict[str, str], result: str, place: int = 0) -> str:
    """A module that contracts the product with arguments, between which it has a place."""
    names, types = list(others), list(others.values())
    names.insert(place, "%y")
    types.insert(place, Y)
    body = f'{WEIGHT}{PRODUCT}  %q = ten.contract "{indices}"({", ".join(names)})'
    body = f"{body} : ({', '.join(types)}) -> {result}\n"
    arguments = "".join(f", {name}: {type}" for name, type in others.items())
    return function(body, "%q", result, arguments)


@pytest.mark.parametrize(
    "module",
    [
        function(WEIGHT + PRODUCT, "%y", Y),
        contraction("phrf,psrf->phsf", {"%r": "tensor<?x2x2x3xf32>"}, Y),
        contraction("r,phrf->phf", {"%v": "tensor<2xf32>"}, "tensor<?x3x3xf32>", place=1),
        contraction(
            "r,phrf,f->ph", {"%v": "tensor<2xf32>", "%u": "tensor<3xf32>"}, "tensor<?x3xf32>", 1
        ),
        contraction(
            "r,phrf,rf->ph", {"%v": "tensor<2xf32>", "%u": "tensor<2x3xf32>"}, "tensor<?x3xf32>", 1
        ),
        contraction("phrf,pgrf->phg", {"%y": Y}, "tensor<?x3x3xf32>").replace(f", %y: {Y}", "", 1),
        contraction(
            "phrf,pr->ph",
            {"%m": "tensor<?x2xi1, #ten.sparse>"},
            "tensor<?x3xf32, #ten.sparse>",
        ),
        contraction(
            "phrf,pr->phf",
            {"%m": "tensor<?x2xf32, #ten.sparse>"},
            "tensor<?x3x3xf32, #ten.sparse>",
        ),
        contraction("phrf,pr->phf", {"%m": "tensor<?x2xf32, #ten.sparse>"}, "tensor<?x3x3xf32>"),
    ],
    ids=["none", "rotation", "vector", "two", "two along it", "itself", "mask", "sparse", "filled"],
)
def test_contractions(module: str):
    assert_same_meaning(module, CONVERT)


@pytest.mark.parametrize(
    ("axis", "offset", "shape"), [(1, 1, "2x2x3"), (2, 1, "3x1x3"), (3, 1, "3x2x2")]
)
def test_slices(axis: int, offset: int, shape: str):
    sliced = f"tensor<?x{shape}xf32>"
    body = f"{WEIGHT}{PRODUCT}  %z = ten.slice %y axis {axis} from {offset} : {Y} -> {sliced}\n"
    assert_same_meaning(function(body, "%z", sliced), CONVERT)


@pytest.mark.parametrize(
    "body",
    [
        PRODUCT.replace("pi,hrfi", "hrfi,pi")
        .replace("(%x, %w)", "(%w, %x)")
        .replace(
            "(tensor<?x10xf32>, tensor<3x2x3x10xf32>)", "(tensor<3x2x3x10xf32>, tensor<?x10xf32>)"
        ),
        PRODUCT.replace("->phrf", "->phf").replace(
            "-> tensor<?x3x2x3xf32>", "-> tensor<?x3x3xf32>"
        ),
        '  %y = ten.reduce sum "hrfi->hrf" %w : tensor<3x2x3x10xf32> -> tensor<3x2x3xf32>\n',
    ],
    ids=["first factor", "summed parts", "sum"],
)
def test_other_readers_of_the_weight_are_refused(body: str):
    type = body.strip().rsplit("-> ", 1)[1]
    module = parse(function(WEIGHT + body, "%y", type))
    with pytest.raises(TensorjoinError, match="a weight in parts is read by products"):
        assert_same_meaning(module, CONVERT)
