"""Layers that repeat, each like the one before or in a pattern of several -> one loop."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, SymbolRefAttr, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from tensorjoin.passes.nn.layer_names import (
    LAYERED,
    layer_of,
    layer_pattern,
    names_of,
    symbol_of,
    transform_pattern,
)
from tensorjoin.repetition import Repetition, repetitions


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

    @property
    def in_piece(self) -> int:
        """How many layers a piece has."""
        return len({layer_of(op) for op in self.pieces[0] if names_of(op)})

    def are_numbered(self) -> bool:
        """Whether there are layers, and their numbers go from 0 on, from piece to piece."""
        first, *others = ([layer_of(op) for op in piece if names_of(op)] for piece in self.pieces)
        count = self.in_piece
        return (
            count > 0
            and set(first) == set(range(count))
            and all(
                number is not None and found == number + k * count
                for k, numbers in enumerate(others, start=1)
                for number, found in zip(first, numbers, strict=True)
            )
        )

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
    in_piece = layers.in_piece
    numbers = layer_numbers(body, in_piece)
    for op in first:
        op.detach()
        if (number := layer_of(op)) is not None:
            number_layer(op, numbers[number], count * in_piece)
        body.add_op(op)
    for (value, _, _), argument in zip(layers.carried, body.args[1:], strict=True):
        value.replace_uses_with_if(argument, lambda use: use.operation.parent is body)
    body.add_op(scf.YieldOp(*(first[i].results[r] for _, i, r in layers.carried)))


def layer_numbers(body: Block, in_piece: int) -> list[SSAValue]:
    """The numbers of a round's layers, which are computed from its own where it has several."""
    (round, *_) = body.args
    if in_piece == 1:
        return [round]
    size = arith.ConstantOp(IntegerAttr(in_piece, IndexType()))
    first = arith.MuliOp(round, size)
    body.add_ops([size, first])
    numbers: list[SSAValue] = [first.result]
    for offset in range(1, in_piece):
        place = arith.ConstantOp(IntegerAttr(offset, IndexType()))
        number = arith.AddiOp(first, place)
        body.add_ops([place, number])
        numbers.append(number.result)
    return numbers


def number_layer(op: Operation, layer: SSAValue, count: int) -> None:
    """Have an op's names say `{}` for its layer, which is a number of the loop."""
    symbol = symbol_of(op)
    assert symbol is not None
    op.properties[LAYERED[type(op)]] = SymbolRefAttr(layer_pattern(symbol))
    if (transform := transform_pattern(op)) is not None:
        op.properties["transform"] = transform
    op.properties["layers"] = IntegerAttr(count, i64)
    op.operands = [*op.operands, layer]


@dataclass(frozen=True)
class RollLayersPass(ModulePass):
    """
    Roll layers into a loop, so that nothing later grows with their number: equal ones, or those
    that repeat in a pattern of several, of which a round runs one after the other.

    Of layers in the pattern local, local, global, round r runs the layers 3 r, 3 r + 1, 3 r + 2:

        %y = local %x, @l.0             %y = scf.for %r = 0 to 2 iter_args(%a = %x) {
        %z = local %y, @l.1               %b = local %a, @l.{} at 3 %r
        %u = global %z, @l.2      ->      %c = local %b, @l.{} at 3 %r + 1
        %v = local %u, @l.3               %d = global %c, @l.{} at 3 %r + 2
        ...                               scf.yield %d }
    """

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
