import matplotlib.pyplot as plt
import numpy as np
import pytest

from crekit.motifs import logos
from crekit.motifs.pwm import Motif

MATRIX = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.1, 0.2, 0.3, 0.4]])
BITS = np.array([2, 1, 2 + (0.1 * np.log2(0.1) + 0.2 * np.log2(0.2) + 0.3 * np.log2(0.3) + 0.4 * np.log2(0.4))])


def test_heights_of_a_column_sum_to_its_information():
    found = logos.heights(MATRIX)
    np.testing.assert_allclose(found.sum(axis=1), BITS)
    np.testing.assert_allclose(found[1], [0.5, 0.5, 0, 0])


def test_the_drawn_letters_are_as_high_as_the_closed_form_says():
    figure, axes = plt.subplots()
    logos.draw(axes, Motif("m", "", MATRIX, 10), first=-1)
    tops = {}
    for patch in axes.patches:
        box = patch.get_path().get_extents()
        column = round((box.x0 + box.x1) / 2)
        tops[column] = max(tops.get(column, 0), box.y1)
    plt.close(figure)
    assert tops == pytest.approx({-1: BITS[0], 0: BITS[1], 1: BITS[2]}, abs=1e-6)
