"""Several relations as one: the rows of all, with the numbers of relation and round."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

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
    relation, of the round, and as many more as the longest key has: a vector is a row for each
    element.
    """

    types: Sequence[RelationType]
    round: str
    """The key that is the number of the round; the relations themselves have none."""
    rounds: int

    def keys(self, number: int) -> list[str]:
        """The keys of one relation, and that of the elements of a vector."""
        type = self.types[number]
        sizes = [vector_size(value) for value in type.values.values()]
        return [*type.extents, *(SLOT for size in sizes if size is not None)]

    @property
    def places(self) -> list[str]:
        """The keys that the whole has beside the relation and the round."""
        width = max(len(self.keys(number)) for number in range(len(self.types)))
        return [f"k{k}" for k in range(width)]

    def encode(self, number: int, relation: SSAValue) -> list[Operation]:
        """The rows of one relation as rows of the whole, but for the round."""
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
        columns += [lit(0)] * (len(self.places) - len(columns))
        keys = [
            AssignmentAttr(TAG, lit(number), len(self.types)),
            *(AssignmentAttr(k, c, DYNAMIC) for k, c in zip(self.places, columns, strict=True)),
        ]
        return [*ops, rel.ProjectOp(relation, keys, {VALUE: value})]

    def union(self, parts: Sequence[Sequence[Operation]]) -> list[Operation]:
        """The rows of all relations, each as it is encoded."""
        keys = {TAG: len(self.types), **dict.fromkeys(self.places, DYNAMIC)}
        whole = rel.UnionOp([ops[-1] for ops in parts], RelationType(keys, {VALUE: f64}, True))
        return [*chain(*parts), whole]

    @property
    def type(self) -> RelationType:
        """The type of the whole."""
        keys = {TAG: len(self.types), self.round: self.rounds + 1}
        places = dict.fromkeys(self.places, DYNAMIC)
        return RelationType({**keys, **places}, {VALUE: f64}, sparse=True)

    def of_round(self, rows: Operation, round: Attribute) -> rel.ProjectOp:
        """Encoded rows with the number of their round, which may be one of their columns."""
        numbered = AssignmentAttr(self.round, round, self.rounds + 1)
        keys = [AssignmentAttr(TAG, col(TAG), len(self.types)), numbered]
        places = [AssignmentAttr(place, col(place), DYNAMIC) for place in self.places]
        return rel.ProjectOp(rows, [*keys, *places], {VALUE: col(VALUE)})

    def decode(
        self,
        number: int,
        whole: SSAValue,
        last: bool = False,
        numbered: Sequence[AssignmentAttr] = (),
    ) -> list[Operation]:
        """
        The rows of one relation among those of the whole, of all rounds or of the `last`, with keys
        before its own that are computed from those of the whole.
        """
        type = self.types[number]
        condition = call("eq", col(TAG), lit(number))
        if last:
            condition = call("and", condition, call("eq", col(self.round), lit(self.rounds)))
        keys = [
            *numbered,
            *(
                AssignmentAttr(key, col(place), type.extents.get(key, DYNAMIC))
                for key, place in zip(self.keys(number), self.places, strict=False)
            ),
        ]
        selected = rel.SelectOp(whole, condition)
        values = dict.fromkeys(type.values, col(VALUE))
        ops: list[Operation] = [selected, rel.ProjectOp(selected, keys, values)]
        for name, value in type.values.items():
            if (size := vector_size(value)) is not None:
                packed = call("pack", col(name), col(SLOT), lit(size))
                ops.append(
                    rel.AggregateOp(
                        ops[-1],
                        [*(key.target.data for key in numbered), *type.extents],
                        {name: packed},
                    )
                )
        return ops
