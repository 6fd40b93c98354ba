"""Equal layers one after the other -> one loop over their number."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, SymbolRefAttr, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from tensorjoin.dialects import nn
from tensorjoin.dialects.transform import TransformAttr
from tensorjoin.repetition import Repetition, repetitions

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


def fingerprint(op: Operation) -> tuple[object, ...]:
    """Equal for two ops that compute the same but for their operands and their layer's number."""
    symbol = symbol_of(op)
    varying = (LAYERED.get(type(op)), "transform")
    others = {k: v for k, v in op.properties.items() if k not in varying}
    return (
        op.name,
        None if symbol is None else layer_pattern(symbol),
        transform_pattern(op),
        tuple(sorted(others.items())),
        tuple(result.type for result in op.results),
        tuple(op.regions),
    )


def result_places(piece: list[Operation]) -> dict[SSAValue, tuple[int, int]]:
    """Where in a piece each of its results is made: the op and the result, by number."""
    places: dict[SSAValue, tuple[int, int]] = {}
    for i, op in enumerate(piece):
        places.update({result: (i, r) for r, result in enumerate(op.results)})
    return places


@dataclass
class Layers:
    """A repetition whose pieces differ in the number of their layer, and in what they carry."""

    pieces: list[list[Operation]]
    carried: list[tuple[SSAValue, int, int]]
    """The value before the first piece, and the place (op, result) in a piece that replaces it."""

    @staticmethod
    def find(ops: list[Operation], repetition: Repetition) -> "Layers | None":
        """The layers at a repetition; None where its pieces are not wired alike."""
        start, period = repetition.start, repetition.period
        pieces = [ops[start + k * period :][:period] for k in range(repetition.count)]
        places = [result_places(piece) for piece in pieces]
        carried: dict[SSAValue, tuple[int, int]] = {}
        shared: set[SSAValue] = set()
        for i, first in enumerate(pieces[0]):
            for operand in range(len(first.operands)):
                used = [piece[i].operands[operand] for piece in pieces]
                inside = [place.get(value) for place, value in zip(places, used, strict=True)]
                if inside[0] is not None and len(set(inside)) == 1:
                    continue
                if len(set(used)) == 1:
                    shared.add(used[0])
                    continue
                before = [place.get(value) for place, value in zip(places, used[1:], strict=False)]
                if inside[0] is not None or before[0] is None or len(set(before)) != 1:
                    return None
                if carried.setdefault(used[0], before[0]) != before[0]:
                    return None
        if not shared.isdisjoint(carried):
            return None
        return Layers(pieces, [(value, *place) for value, place in carried.items()])

    def are_numbered(self) -> bool:
        """Whether there are symbols, and their numbers are 0, 1, 2, ... from piece to piece."""
        numbers = [
            {layer_number(name) for op in piece for name in names_of(op)} for piece in self.pieces
        ]
        return all(found == {k} for k, found in enumerate(numbers))

    def only_the_last_escapes(self) -> bool:
        """Whether nothing but the carried values of the last piece is used after the pieces."""
        inside = {op for piece in self.pieces for op in piece}
        last = self.pieces[-1]
        final = {last[i].results[r] for _, i, r in self.carried}
        return all(
            use.operation in inside
            for op in inside
            for result in op.results
            if result not in final
            for use in result.uses
        )


def roll(layers: Layers) -> None:
    """Replace the pieces by a loop whose body is the first of them."""
    first, *others = layers.pieces
    last = layers.pieces[-1]
    before = InsertPoint.before(first[0])
    count = len(layers.pieces)

    lower, upper, step = (arith.ConstantOp(IntegerAttr(n, IndexType())) for n in (0, count, 1))
    body = Block(arg_types=[IndexType(), *(value.type for value, _, _ in layers.carried)])
    loop = scf.ForOp(lower, upper, step, [value for value, _, _ in layers.carried], body)
    Rewriter.insert_op([lower, upper, step, loop], before)

    for (_, i, r), result in zip(layers.carried, loop.results, strict=True):
        last[i].results[r].replace_uses_with_if(
            result, lambda use: all(use.operation not in piece for piece in layers.pieces)
        )
    for piece in reversed(others):
        for op in reversed(piece):
            op.detach()
            op.erase()
    for op in first:
        op.detach()
        body.add_op(number_layers(op, body.args[0], count))
    for (value, _, _), argument in zip(layers.carried, body.args[1:], strict=True):
        value.replace_uses_with_if(argument, lambda use: use.operation.parent is body)
    body.add_op(scf.YieldOp(*(first[i].results[r] for _, i, r in layers.carried)))


def number_layers(op: Operation, layer: SSAValue, count: int) -> Operation:
    """The op, its symbol numbered by the loop."""
    if (symbol := symbol_of(op)) is not None:
        op.properties[LAYERED[type(op)]] = SymbolRefAttr(layer_pattern(symbol))
        if (transform := transform_pattern(op)) is not None:
            op.properties["transform"] = transform
        op.properties["layers"] = IntegerAttr(count, i64)
        op.operands = [*op.operands, layer]
    return op


@dataclass(frozen=True)
class RollLayersPass(ModulePass):
    """Roll equal layers into a loop, so that nothing later grows with their number."""

    name = "roll-layers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.walk():
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                self.roll_block(function.body.block)

    def roll_block(self, block: Block) -> None:
        ops = list(block.ops)
        for repetition in repetitions([fingerprint(op) for op in ops]):
            layers = Layers.find(ops, repetition)
            if layers and layers.are_numbered() and layers.only_the_last_escapes():
                return roll(layers)
