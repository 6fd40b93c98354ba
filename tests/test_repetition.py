"""The search for the part of a sequence that repeats."""

import pytest

from tensorjoin.repetition import Repetition, repetitions


def best(items: str) -> Repetition:
    return repetitions(items)[0]


@pytest.mark.parametrize("items", ["", "a", "ab", "abc", "abca"])
def test_nothing_repeats(items: str):
    assert repetitions(items) == []


@pytest.mark.parametrize(
    ("items", "start", "period", "count"),
    [
        ("aa", 0, 1, 2),
        ("aaaa", 0, 1, 4),
        ("abab", 0, 2, 2),
        ("xababab", 1, 2, 3),
        ("abababx", 0, 2, 3),
        ("xabcabcy", 1, 3, 2),
        ("xaabaaby", 1, 3, 2),
    ],
)
def test_the_best_covers_most(items: str, start: int, period: int, count: int):
    assert best(items) == Repetition(start, period, count)
    assert best(items).covered == period * count


def test_of_equal_cover_the_short_period_is_first():
    assert [(r.period, r.count) for r in repetitions("aaaa")][:2] == [(1, 4), (2, 2)]


def test_a_run_that_is_no_multiple_of_its_period_may_start_late():
    found = repetitions("abcabcab")
    assert found == [Repetition(start, 3, 2) for start in range(3)]
    assert all(
        "abcabcab"[r.start :][: r.period] == "abcabcab"[r.start + r.period :][: r.period]
        for r in found
    )


def test_several_runs_of_one_period():
    assert [(r.start, r.count) for r in repetitions("aaabcc")] == [(0, 3), (4, 2)]


def test_a_run_at_the_end():
    assert best("xyzz") == Repetition(2, 1, 2)


@pytest.mark.parametrize(
    "items", ["abcabcabcab", "aabaabaab", "abcdabcabc", "aaaabbbb", "abacabac"]
)
def test_what_is_found_repeats_and_is_maximal(items: str):
    found = repetitions(items)
    assert found == sorted(found, key=lambda r: -r.covered)
    for r in found:
        piece = items[r.start :][: r.period]
        assert items[r.start :][: r.covered] == piece * r.count
        after = items[r.start + r.covered :][: r.period]
        before = items[max(r.start - r.period, 0) : r.start]
        assert r.count > 1
        assert after != piece
        assert before != piece
