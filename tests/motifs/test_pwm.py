import numpy as np

from crekit.motifs.pwm import Motif, information

MATRIX = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0.1, 0.9, 0]])


def test_information_is_two_bits_for_one_base_one_for_two_and_none_for_four():
    entropy = -(0.1 * np.log2(0.1) + 0.9 * np.log2(0.9))
    np.testing.assert_allclose(information(MATRIX), [2, 1, 0, 2 - entropy])


def test_information_against_a_background_is_the_relative_entropy():
    background = (0.3, 0.2, 0.2, 0.3)
    found = information(MATRIX, background)
    np.testing.assert_allclose(found[:2], [np.log2(1 / 0.3), 0.5 * np.log2(0.5 / 0.3) + 0.5 * np.log2(0.5 / 0.2)])
    assert information(np.array(background), background) == 0


def test_reverse_complement_turns_columns_and_bases():
    motif = Motif("a", "b", MATRIX, 10)
    turned = motif.reverse_complement()
    np.testing.assert_array_equal(turned.matrix[0], [0, 0.9, 0.1, 0])  # G at the end is C at the beginning
    np.testing.assert_array_equal(turned.matrix[3], [0, 0, 0, 1])
    np.testing.assert_array_equal(turned.reverse_complement().matrix, MATRIX)
    assert (turned.name, turned.alternative, turned.nsites) == ("a", "b", 10)


def test_consensus_names_what_is_above_one_half():
    assert Motif("a", "", MATRIX, 1).consensus == "ANNG"
