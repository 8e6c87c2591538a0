"""The rules that turn regions into windows: literal cases of the paper, and a plain double loop."""

import numpy as np
import pytest

from crekit.encoding.windows import Rule, lay, match_numbers, spread

SIZE = 100_000


def starts(start: int, end: int, size: int = SIZE, **rule) -> list[int]:
    """Windows of one region."""
    region, first = lay(np.array([start]), np.array([end]), size, Rule(**rule))
    assert region.tolist() == [0] * len(first)
    return first.tolist()


# --- the rules, case by case


def test_a_short_region_takes_the_windows_that_contain_it():
    assert starts(1000, 1289) == [990, 992, 994, 996, 998, 1000]


def test_a_short_region_takes_the_windows_that_overlap_it():
    found = starts(1000, 1289, short="overlap")
    assert len(found) == 294
    assert (found[:3], found[-2:]) == ([701, 703, 705], [1285, 1287])
    assert np.all(np.diff(found) == 2)


@pytest.mark.parametrize("short", ["pad", "drop"])
def test_a_short_region_takes_none_where_it_is_padded_or_dropped(short):
    assert starts(1000, 1289, short=short) == []


@pytest.mark.parametrize("short", ["contain", "overlap", "pad", "drop"])
def test_a_region_as_long_as_the_window_takes_itself_by_every_rule(short):
    assert starts(1000, 1300, short=short) == [1000]


@pytest.mark.parametrize("short", ["contain", "overlap", "pad", "drop"])
def test_a_longer_region_takes_the_windows_inside(short):
    assert starts(1000, 1306, short=short) == [1000, 1002, 1004, 1006]
    assert starts(1000, 1307, short=short) == [1000, 1002, 1004, 1006]
    assert starts(1000, 1301, short=short) == [1000]


def test_the_stride_is_that_of_the_starts():
    assert starts(1000, 1289, stride=1) == list(range(990, 1001))
    assert starts(1000, 1289, stride=5) == [990, 995, 1000]
    assert starts(1000, 1289, stride=400) == [1000]
    assert starts(1000, 1700, stride=200) == [1000, 1200, 1400]
    assert starts(1000, 1005, width=8, stride=3, short="overlap") == [993, 996, 999, 1002]


def test_windows_past_the_ends_of_the_chromosome_are_left_out():
    assert starts(4, 293) == [0, 2, 4]
    assert starts(2, 291, short="overlap")[:3] == [1, 3, 5]
    assert starts(705, 994, size=1000) == [695, 697, 699]
    assert starts(720, 1000, size=1000, short="overlap")[-1] == 699
    assert starts(0, 290, size=299) == []
    assert starts(0, 300, size=300) == [0]


def plain(start: int, end: int, size: int, rule: Rule) -> list[int]:
    """The rules by their definitions: every place is tried."""
    found = []
    for first in range(-rule.width, size + rule.width):
        last = first + rule.width
        if end - start >= rule.width:
            fits = start <= first and last <= end and (first - start) % rule.stride == 0
        elif rule.short == "contain":
            fits = first <= start and last > end and (start - first) % rule.stride == 0
        elif rule.short == "overlap":
            lowest = start - rule.width + 1
            fits = first < end and last > start and (first - lowest) % rule.stride == 0
        else:
            fits = False
        if fits and first >= 0 and last <= size:
            found.append(first)
    return found


@pytest.mark.parametrize("short", ["contain", "overlap", "pad", "drop"])
def test_windows_are_those_of_a_plain_double_loop(rng, short):
    for _ in range(20):
        size, width, stride = rng.integers(20, 120), rng.integers(1, 30), rng.integers(1, 7)
        start = rng.integers(0, size, 12)
        end = np.minimum(start + rng.integers(1, 60, 12), size)
        rule = Rule(int(width), int(stride), short)
        region, first = lay(start, end, int(size), rule)
        expected = [(i, one) for i in range(len(start)) for one in plain(int(start[i]), int(end[i]), int(size), rule)]
        assert list(zip(region.tolist(), first.tolist(), strict=True)) == expected


def test_no_regions_have_no_windows():
    region, first = lay(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), SIZE, Rule())
    assert len(region) == len(first) == 0


# --- as many chances for each class


def match(*classes: list[int]) -> list[list[int]]:
    windows = np.array([n for one in classes for n in one])
    labels = np.repeat(np.arange(len(classes)), [len(one) for one in classes])
    return [
        part.tolist() for part in np.split(match_numbers(windows, labels), np.cumsum([len(one) for one in classes]))
    ][:-1]


def test_the_published_asymmetry_is_taken_away():
    assert match([6, 23, 80], [1, 1, 1]) == [[1, 1, 1], [1, 1, 1]]


def test_classes_of_the_same_lengths_keep_all_windows():
    assert match([6, 23, 80], [80, 6, 23]) == [[6, 23, 80], [80, 6, 23]]
    assert match([6, 23], [6, 6, 6, 23, 23, 23]) == [[6, 23], [6, 6, 6, 23, 23, 23]]


def test_at_each_rank_the_smallest_class_gives_the_number():
    assert match([10, 40, 20], [15, 5, 60]) == [[5, 40, 15], [15, 5, 40]]
    assert match([9, 9], [4, 30], [7, 8]) == [[4, 8], [4, 8], [4, 8]]


def test_regions_get_at_least_one_and_at_most_what_they_have(rng):
    windows, classes = rng.integers(1, 90, 500), rng.integers(0, 3, 500)
    scored = match_numbers(windows, classes)
    assert np.all((scored >= 1) & (scored <= windows))


def test_one_class_keeps_all():
    assert match([3, 1, 2]) == [[3, 1, 2]]


def test_scored_windows_are_spread_evenly():
    region, window = spread(np.array([6, 1, 10, 4]), np.array([1, 1, 3, 4]))
    assert region.tolist() == [0, 1, 2, 2, 2, 3, 3, 3, 3]
    assert window.tolist() == [3, 0, 1, 5, 8, 0, 1, 2, 3]


def test_spread_windows_are_different_and_exist(rng):
    n = rng.integers(1, 90, 300)
    scored = rng.integers(1, n + 1)
    region, window = spread(n, scored)
    assert np.bincount(region).tolist() == scored.tolist()
    assert np.all((window >= 0) & (window < n[region]))
    assert np.all(np.diff(window)[np.diff(region) == 0] > 0)
