"""The order of joins."""

from functools import partial
from itertools import permutations

import numpy as np
import pytest

from tensorjoin.join_order import (
    EXHAUSTIVE_UP_TO,
    Input,
    cost,
    hash_cost,
    join_order,
    skipped_keys,
)


def rows_looked_at(inputs: list[Input], order: tuple[int, ...]) -> int:
    """The cost by running the loops: an input is a grid of all its keys."""
    extents = {key: extent for item in inputs for key, extent in item.extents.items()}
    total = 0

    def loop(depth: int, bound: dict[str, int]) -> None:
        nonlocal total
        if depth == len(order):
            return
        item = inputs[order[depth]]
        known = set(bound)
        prefix: list[str] = []
        for key in item.index if item.index is not None else item.extents:
            if key is None or key in known:
                prefix.append(key or "")
            elif item.index is not None:
                break
        read = 1
        for key, extent in item.extents.items():
            read *= 1 if key in prefix else extent
        total += read
        free = [key for key in item.extents if key not in known]
        for values in np.ndindex(*(extents[key] for key in free)):
            loop(depth + 1, {**bound, **dict(zip(free, values, strict=True))})

    for number, position in enumerate(order):
        if inputs[position].index is None and number:
            total += inputs[position].rows
    loop(0, {})
    return total


TABLES = [
    Input({"p": 2, "i": 3}, ("p", "i")),
    Input({"o": 4, "i": 3}, ("o", "i")),
    Input({"i": 3, "o": 4}, ("i", "o")),
    Input({"p": 2, "i": 3}),
    Input({"o": 4}),
    Input({"p": 2, "o": 4}, ("p", "o")),
]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_cost_is_that_of_the_loops(count: int):
    for chosen in permutations(TABLES, count):
        inputs = list(chosen)
        order = tuple(range(count))
        assert cost(inputs) == rows_looked_at(inputs, order)


def test_no_order_is_cheaper():
    for chosen in permutations(TABLES, 3):
        inputs = list(chosen)
        best = join_order(inputs)
        assert sorted(best) == [0, 1, 2]
        cheapest = min(rows_looked_at(inputs, order) for order in permutations(range(3)))
        assert rows_looked_at(inputs, tuple(best)) == cheapest


def test_a_table_is_looked_up_by_the_prefix_of_its_index():
    weight = Input({"o": 8, "i": 4}, ("o", "i"))
    assert weight.looked_at(set()) == 32
    assert weight.looked_at({"o"}) == 4
    assert weight.looked_at({"i"}) == 32
    assert weight.looked_at({"o", "i"}) == 1


def test_a_fixed_key_is_known():
    """Of weights [layer, o, i] the layer is fixed: the extents are those that the join sees."""
    weight = Input({"o": 8, "i": 4}, (None, "o", "i"))
    assert weight.looked_at({"o"}) == 4
    assert weight.looked_at({"o", "i"}) == 1


def test_what_is_computed_is_hashed():
    computed = Input({"o": 8, "i": 4})
    assert computed.looked_at({"i"}) == 8
    assert computed.looked_at(set()) == 32


def test_of_two_computed_the_narrow_one_is_stored():
    wide, narrow = Input({"o": 100}, width=30), Input({"lane": 3})
    assert join_order([narrow, wide]) == [1, 0]


def test_ids_before_the_table_that_they_number():
    table, ids = Input({"t": 1000, "i": 4}, ("t", "i")), Input({"p": 3, "t": 1})
    assert join_order([table, ids]) == [1, 0]
    assert join_order([ids, table]) == [0, 1]


def test_of_equals_the_order_given():
    same = [Input({"p": 4}, ("p",)) for _ in range(3)]
    assert join_order(same) == [0, 1, 2]
    assert join_order([]) == []
    assert join_order(same[:1]) == [0]


def test_many_inputs_are_ordered_greedily():
    count = EXHAUSTIVE_UP_TO + 5
    chain = [Input({f"k{n}": 10, f"k{n + 1}": 10}, (f"k{n}", f"k{n + 1}")) for n in range(count)]
    small = Input({"k0": 1}, ("k0",))
    backwards = [*chain[::-1], small]
    # From the one row, along the chain, each table is found by the start of its index.
    assert join_order(backwards) == list(range(count, -1, -1))


def test_keys_that_keep_an_index_from_being_used():
    image, rows = Input({"n": 2, "c": 3, "y": 8, "x": 8}, ("n", "c", "y", "x")), Input({"y": 8})
    assert skipped_keys([image, rows]) == {"n": 2, "c": 3}
    assert skipped_keys([image, rows, Input({"n": 2})]) == {"c": 3}
    assert skipped_keys([image, Input({"n": 2})]) == {}
    assert skipped_keys([Input(image.extents), rows]) == {}
    assert skipped_keys([Input({"c": 3, "y": 8}, (None, "c", "y")), rows]) == {"c": 3}


def test_ranges_of_such_keys_make_an_index_usable():
    image = Input({"n": 2, "c": 3, "y": 80}, ("n", "c", "y"))
    rows = Input({"k": 5, "y": 80}, ("k", "y"))
    wider = [rows, Input({"n": 2}), Input({"c": 3}), image]
    order = join_order(wider)
    assert order.index(3) == 3
    looped = rows_looked_at(wider, tuple(order))
    assert looped < min(rows_looked_at([rows, image], two) for two in ((0, 1), (1, 0)))


hashed = partial(hash_cost, 3)


def test_a_hash_join_streams_the_larger_input():
    """The smaller one is hashed, whichever key they have in common."""
    few, many = Input({"p": 2, "i": 3}), Input({"o": 400, "i": 3}, ("o", "i"))
    assert join_order([few, many], hashed) == [1, 0]
    assert join_order([many, few], hashed) == [0, 1]


def test_what_is_itself_a_join_is_not_hashed():
    """Two inputs of one size: to hash the second would be to hash what it is made of."""
    stored, product = Input({"p": 2, "o": 9}, ("p", "o")), Input({"p": 2, "o": 9}, behind=11 * 64)
    assert join_order([stored, product], hashed) == [1, 0]
    assert hashed([product, stored]) == 18 + (18 + 3 * 18) + 18


def test_vectors_are_not_hashed():
    """Equally many rows, of which one holds vectors."""
    vectors, numbers = Input({"p": 9, "i": 3}, width=64), Input({"p": 9, "i": 3})
    assert join_order([numbers, vectors], hashed) == [1, 0]


def test_a_count_is_less_than_the_keys_allow():
    """16 rows with one of 1000 ids each: to find one id is to find less than a row."""
    ids = Input({"p": 16, "t": 1000}, count=16)
    assert ids.rows == 16
    assert ids.matching({"t"}) == 16 / 1000
