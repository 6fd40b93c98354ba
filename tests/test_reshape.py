"""Groups of axes against numpy's reshape."""

from math import prod

import numpy as np
import pytest

from tensorjoin.reshape import AxisGroup, axis_groups

DYNAMIC = -1


@pytest.mark.parametrize(
    ("old", "new", "groups"),
    [
        ([DYNAMIC, 8, 2, 4], [DYNAMIC, 4, 2, 8], [((0,), (0,)), ((1,), (1, 2)), ((2, 3), (3,))]),
        ([6], [2, 3], [((0,), (0, 1))]),
        ([2, 3], [6], [((0, 1), (0,))]),
        ([2, 3], [2, 3], [((0,), (0,)), ((1,), (1,))]),
        ([2, 6], [3, 4], [((0, 1), (0, 1))]),
        ([], [], []),
        ([], [1], [((), (0,))]),
        ([1], [], [((0,), ())]),
    ],
)
def test_groups(old: list[int], new: list[int], groups: list[tuple[tuple[int, ...], ...]]):
    assert axis_groups(old, new) == [AxisGroup(*group) for group in groups]


def random_shape(generator: np.random.Generator, factors: list[int]) -> list[int]:
    """The factors, some multiplied with their neighbours, some ones between them."""
    shape = [1] * int(generator.integers(0, 2))
    for factor in factors:
        if shape and generator.random() < 0.4:
            shape[-1] *= factor
        else:
            shape.append(factor)
        shape += [1] * int(generator.integers(0, 2))
    return shape


def reshaped(array: np.ndarray, new: list[int], groups: list[AxisGroup]) -> np.ndarray:
    """The array under new axes, an element at a time, each group by itself."""
    result = np.full(new, -1)
    for index in np.ndindex(*array.shape):
        place = [0] * len(new)
        for group in groups:
            extents = [array.shape[axis] for axis in group.old]
            flat = (
                np.ravel_multi_index([index[axis] for axis in group.old], extents) if extents else 0
            )
            inner = [new[axis] for axis in group.new]
            for axis, position in zip(group.new, np.unravel_index(flat, inner), strict=True):
                place[axis] = int(position)
        result[tuple(place)] = array[index]
    return result


@pytest.mark.parametrize("seed", range(60))
def test_groups_reshape_as_numpy_does(seed: int):
    generator = np.random.default_rng(seed)
    factors = generator.integers(1, 4, generator.integers(0, 6)).tolist()
    old, new = (random_shape(generator, factors) for _ in range(2))
    groups = axis_groups(old, new)
    assert [axis for group in groups for axis in group.old] == list(range(len(old)))
    assert [axis for group in groups for axis in group.new] == list(range(len(new)))
    array = np.arange(prod(old)).reshape(old)
    np.testing.assert_array_equal(reshaped(array, new, groups), array.reshape(new))


@pytest.mark.parametrize("seed", range(60))
def test_unknown_extents_stay_by_themselves(seed: int):
    generator = np.random.default_rng(seed)
    parts = [generator.integers(1, 4, generator.integers(0, 4)).tolist() for _ in range(3)]
    old, new = (
        [
            extent
            for number, part in enumerate(parts)
            for extent in ([DYNAMIC] if number else []) + random_shape(generator, part)
        ]
        for _ in range(2)
    )
    groups = axis_groups(old, new)
    assert [axis for group in groups for axis in group.old] == list(range(len(old)))
    assert [axis for group in groups for axis in group.new] == list(range(len(new)))
    for group in groups:
        extents = [
            [shape[axis] for axis in axes] for shape, axes in ((old, group.old), (new, group.new))
        ]
        if DYNAMIC in extents[0]:
            assert (
                [e for e in extents[0] if e != 1] == [e for e in extents[1] if e != 1] == [DYNAMIC]
            )
        else:
            assert prod(extents[0]) == prod(extents[1])


def test_the_finest_groups():
    """No group splits further: no start of its old axes holds as much as one of its new axes."""
    for seed in range(100):
        generator = np.random.default_rng(seed)
        factors = generator.integers(2, 4, 5).tolist()
        old, new = (random_shape(generator, factors) for _ in range(2))
        for group in axis_groups(old, new):
            starts = [
                {prod(shape[axis] for axis in axes[:n]) for n in range(1, len(axes))}
                for shape, axes in ((old, group.old), (new, group.new))
            ]
            whole = prod(old[axis] for axis in group.old)
            assert not (starts[0] & starts[1]) - {1, whole}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([6], [4]),
        ([2, 3], [5]),
        ([DYNAMIC, 6], [6]),
        ([DYNAMIC, 6], [6, DYNAMIC]),
        ([6], []),
        ([4], [2]),
    ],
)
def test_shapes_that_hold_other_elements(old: list[int], new: list[int]):
    with pytest.raises(ValueError, match="does not reshape"):
        axis_groups(old, new)
