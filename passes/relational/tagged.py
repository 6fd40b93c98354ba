"""Several relations as one: the rows of all, each with the number of its relation and of a round."""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import DYNAMIC_INDEX as DYNAMIC
from xdsl.dialects.builtin import VectorType, f64
from xdsl.ir import Attribute, Operation, SSAValue

from tensorjoin.dialects import rel
from tensorjoin.dialects.expression import call, col, lit
from tensorjoin.dialects.rel import AssignmentAttr, RelationType, schema

TAG = "tag"
SLOT = "slot"
VALUE = "v"
NOTHING = lit(0.0)


def vector_size(type: Attribute) -> int | None:
    """The elements of a vector; None for another type."""
    return type.get_shape()[0] if isinstance(type, VectorType) else None


@dataclass(frozen=True)
class Tagged:
    """
    Relations with one value or none as one relation of scalars, whose keys are the number of the
    relation, the round and as many more as the longest key has: a vector is a row for each element.
    """

    types: Sequence[RelationType]
    round: str
    """The key that is the number of the round, in relations that have it and in the whole."""
    rounds: int

    def keys(self, number: int) -> list[str]:
        """The keys of one relation, without the round, and that of the elements of a vector."""
        type = self.types[number]
        sizes = [vector_size(value) for value in type.values.values()]
        slots = [SLOT for size in sizes if size is not None]
        return [*(key for key in type.extents if key != self.round), *slots]

    @property
    def width(self) -> int:
        """The keys that the whole has beside the relation and the round."""
        return max(len(self.keys(number)) for number in range(len(self.types)))

    @property
    def type(self) -> RelationType:
        """The type of the whole."""
        extents = {TAG: len(self.types), self.round: self.rounds + 1}
        places = {f"k{k}": DYNAMIC for k in range(self.width)}
        return RelationType({**extents, **places}, {VALUE: f64}, sparse=True)

    def encode(self, number: int, relation: SSAValue, round: Attribute) -> list[Operation]:
        """The rows of one relation as rows of the whole; `round` may read its columns."""
        ops: list[Operation] = []
        value = NOTHING
        for name, type in schema(relation).values.items():
            value = col(name)
            if (size := vector_size(type)) is not None:
                slots = rel.RangeOp(SLOT, size)
                ops += [slots, rel.JoinOp([relation, slots])]
                relation, value = ops[-1].results[0], call("element", value, col(SLOT))
            if type != f64:
                value = call("to_float", value)
        columns = [col(key) for key in self.keys(number)]
        columns += [lit(0)] * (self.width - len(columns))
        keys = [
            AssignmentAttr(TAG, lit(number), len(self.types)),
            AssignmentAttr(self.round, round, self.rounds + 1),
            *(AssignmentAttr(f"k{k}", column, DYNAMIC) for k, column in enumerate(columns)),
        ]
        return [*ops, rel.ProjectOp(relation, keys, {VALUE: value})]

    def decode(self, number: int, whole: SSAValue, round: int | None = None) -> list[Operation]:
        """The rows of one relation among those of the whole: of all rounds, or of one."""
        type = self.types[number]
        condition = call("eq", col(TAG), lit(number))
        if round is not None:
            condition = call("and", condition, call("eq", col(self.round), lit(round)))
        places = {key: f"k{k}" for k, key in enumerate(self.keys(number))}
        keys = [
            AssignmentAttr(key, col(places.get(key, self.round)), type.extents.get(key, DYNAMIC))
            for key in dict.fromkeys([*type.extents, *places])
        ]
        selected = rel.SelectOp(whole, condition)
        ops = [selected, rel.ProjectOp(selected, keys, dict.fromkeys(type.values, col(VALUE)))]
        for name, value in type.values.items():
            if (size := vector_size(value)) is not None:
                packed = call("pack", col(name), col(SLOT), lit(size))
                ops.append(rel.AggregateOp(ops[-1], list(type.extents), {name: packed}))
        return ops
