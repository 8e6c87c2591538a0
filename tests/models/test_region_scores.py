import numpy as np
import pytest

from crekit.models.region_scores import best_window


def test_the_best_window_is_that_of_the_highest_class_that_is_not_background():
    probabilities = np.array([[0.9, 0.05, 0.05], [0.5, 0.2, 0.3], [0.6, 0.4, 0.0], [0.2, 0.1, 0.7], [1.0, 0.0, 0.0]])
    region = np.array([0, 0, 0, 1, 2])
    np.testing.assert_array_equal(best_window(probabilities, region, 3, background=0), [2, 3, 4])
    np.testing.assert_array_equal(best_window(probabilities, region, 3), [0, 3, 4])


def test_the_first_window_wins_a_tie():
    probabilities = np.array([[0.6, 0.4], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_array_equal(best_window(probabilities, np.array([0, 0, 0, 1]), 2, 0), [1, 3])


def test_it_equals_a_plain_loop(rng):
    region = np.sort(np.concatenate([np.arange(50), rng.integers(0, 50, 400)]))
    probabilities = rng.dirichlet(np.ones(4), len(region)).astype(np.float32)
    expected = []
    for i in range(50):
        rows = [row for row in range(len(region)) if region[row] == i]
        expected.append(max(rows, key=lambda row: max(probabilities[row, j] for j in (0, 1, 3))))
    np.testing.assert_array_equal(best_window(probabilities, region, 50, background=2), expected)


def test_no_region_gives_no_window():
    assert best_window(np.zeros((0, 2)), np.zeros(0, dtype=int), 0).shape == (0,)


def test_regions_without_a_window_and_windows_out_of_order_are_errors():
    for region, n in (([0, 2], 3), ([1, 0], 2)):
        with pytest.raises(ValueError, match="every region must have a window"):
            best_window(np.ones((2, 2)), np.array(region), n)
