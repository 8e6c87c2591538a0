import numpy as np
import pytest
from toy_audit import random_codes, sample

from crekit.audit.duplicates import check_exact, exact_groups, expected_pairs
from crekit.genome.fasta import complement_codes

ONE = "ACGTTGCAACCGGTATCGATTAGC"
TURNED = "GCTAATCGATACCGGTTGCAACGT"
OTHER = "TTTTGGCACACGGGATCATCAGGA"
THIRD = "CATCATTTGACGCGAACCCATTAG"


def verdicts(found):
    return {one.check: (one.verdict, one.value) for one in found}


def test_a_sequence_and_its_reverse_complement_are_one():
    np.testing.assert_array_equal(
        exact_groups(sample([ONE, OTHER, TURNED, ONE[:-1], OTHER], "aaaaa").codes), [0, 1, 0, 2, 1]
    )


def test_copies_within_a_class_are_counted_beyond_the_first():
    found = check_exact(sample([ONE, OTHER, TURNED, THIRD, ONE], "aabba"))
    # s4 copies s0 within a; s2 is of b, so that s0, s2 and s4 stand in two classes.
    assert verdicts(found) == {
        "duplicates-within": ("look", 1), "duplicates-classes": ("look", 3), "duplicates-split": ("skipped", None)
    }  # fmt: skip
    assert found[0].detail["examples"] == [["s4", "s0"]]
    assert found[1].detail["examples"] == [["s0", "a"], ["s2", "b"], ["s4", "a"]]


def test_copies_in_the_training_data_leak_from_one_in_a_hundred_of_the_held_out(rng):
    codes = random_codes(rng, 400, 60)
    part = np.repeat([0, 2], 200)
    codes[200] = complement_codes(codes[0])
    assert verdicts(check_exact(sample(codes, "ab" * 200, part)))["duplicates-split"] == ("look", 1 / 200)
    codes[202] = codes[2]
    assert verdicts(check_exact(sample(codes, "ab" * 200, part)))["duplicates-split"] == ("leak", 2 / 200)


def test_sequences_that_are_in_no_part_are_passed_over():
    assert verdicts(check_exact(sample([ONE, ONE, OTHER, THIRD], "aabb", [0, -1, 2, 0]))) == {
        "duplicates-within": ("fine", 0), "duplicates-classes": ("fine", 0), "duplicates-split": ("fine", 0.0)
    }  # fmt: skip


def test_every_fold_is_held_out_in_its_turn():
    found = check_exact(sample([ONE, OTHER, ONE, THIRD], "aabb", fold=[0, 0, 1, 1]))[2]
    assert (found.verdict, found.value) == ("leak", 0.5)
    assert {name: one["copies"] for name, one in found.detail["rounds"].items()} == {"fold 0": 1, "fold 1": 1}


def test_validation_is_held_out_from_training_and_test_from_both():
    found = check_exact(sample([ONE, ONE, OTHER, THIRD, THIRD], "aaabb", [0, 1, 2, 1, 2]))[2]
    assert {name: one["share"] for name, one in found.detail["rounds"].items()} == {"test": 0.5, "validation": 0.5}


def test_copies_of_short_sequences_that_chance_makes_are_fine(rng):
    short = sample(random_codes(rng, 300, 7), "ab" * 150)
    pairs = sum(
        np.array_equal(a, b) or np.array_equal(a, complement_codes(b))
        for i, a in enumerate(short.codes)
        for b in short.codes[:i]
    )
    every = np.ones(300, dtype=bool)
    # 300 x 299 / 2 pairs, two strands, 4^-7 each.
    assert expected_pairs(short, every) == pytest.approx(2 * 300 * 299 / 2 / 4**7, rel=0.02)
    assert pairs == pytest.approx(expected_pairs(short, every), abs=8)
    found = check_exact(short)
    assert found[0].value > 0
    assert found[0].verdict == found[1].verdict == "fine"


def test_an_empty_sample_is_fine():
    assert verdicts(check_exact(sample([], ""))) == {
        "duplicates-within": ("fine", 0), "duplicates-classes": ("fine", 0), "duplicates-split": ("skipped", None)
    }  # fmt: skip
