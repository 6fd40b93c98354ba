"""The number of its layer in what an op of `nn` is called."""

import re
from collections.abc import Mapping
from dataclasses import replace

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Operation

from tensorjoin.dialects import nn
from tensorjoin.dialects.transform import TransformAttr

NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")

LAYERED: Mapping[type[Operation], str] = {nn.WeightOp: "symbol", nn.AttentionOp: "cache"}
"""The operators that may differ from layer to layer, and the symbol in which they do."""


def layer_pattern(symbol: str) -> str:
    """ "layers.3.up" -> "layers.{}.up" """
    return NUMBER.sub("{}", symbol, count=1)


def layer_number(symbol: str) -> int | None:
    match = NUMBER.search(symbol)
    return None if match is None else int(match.group())


def symbol_of(op: Operation) -> str | None:
    """The symbol of an op that may differ from layer to layer."""
    if (name := LAYERED.get(type(op))) is None:
        return None
    symbol = op.properties[name]
    assert isinstance(symbol, SymbolRefAttr)
    return symbol.string_value()


def transform_pattern(op: Operation) -> TransformAttr | None:
    """The transform of a weight, with `{}` for the number in the name of its tensor."""
    if not isinstance(op, nn.WeightOp) or op.transform is None:
        return None
    transform = op.transform.transform
    return TransformAttr(replace(transform, tensor=layer_pattern(transform.tensor)))


def names_of(op: Operation) -> list[str]:
    """The names of an op that have its layer's number in them."""
    names = [] if (symbol := symbol_of(op)) is None else [symbol]
    if isinstance(op, nn.WeightOp) and op.transform is not None:
        names.append(op.transform.tensor.data)
    return names


def layer_of(op: Operation) -> int | None:
    """The number of an op's layer; None where its names have none, or several."""
    numbers = {layer_number(name) for name in names_of(op)}
    return numbers.pop() if len(numbers) == 1 else None
