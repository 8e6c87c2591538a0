import numpy as np
import pytest
from toy_audit import published, random_codes, sample

from crekit.audit.told_apart import check_gc, check_length, check_length_modulo, check_unknown


def of_lengths(lengths, classes, **keywords):
    return sample([np.arange(length, dtype=np.uint8) % 4 for length in lengths], classes, **keywords)


def test_nhlf_is_told_apart_by_length_modulo_ten(data):
    found = check_length_modulo(published(data / "sequences" / "nhlf.train.fa"))
    assert (found.verdict, found.value, found.interval) == ("leak", 1.0, (1.0, 1.0))
    assert found.detail["modulus"] == 10
    assert found.detail["auroc"]["2"] == 1.0
    assert found.detail["auroc"]["3"] < 0.55
    assert found.detail["remainders"]["positive"][1] == found.detail["remainders"]["negative"][6] == 1.0
    assert found.says == "Length modulo 10 tells positive from the rest with AUROC 1.000 (2,924 sequences)."


def test_nhlf_is_told_apart_by_length_and_looks_so_by_gc(data):
    set_ = published(data / "sequences" / "nhlf.train.fa")
    length, gc = check_length(set_), check_gc(set_)
    assert length.verdict == "leak"
    assert length.value == pytest.approx(0.62, abs=0.01)
    assert length.p <= 0.002
    assert gc.verdict == "look"
    assert gc.value == pytest.approx(0.61, abs=0.01)
    assert check_unknown(set_).verdict == "fine"


def test_lengths_of_one_distribution_are_fine(rng):
    set_ = of_lengths(rng.integers(200, 400, 600), rng.choice(["a", "b", "c"], 600))
    for found in (check_length(set_), check_length_modulo(set_)):
        assert found.verdict == "fine"
        assert found.p > 0.002
        assert found.remedy == ""


def test_sequences_of_one_length_are_told_apart_by_nothing():
    for check in (check_length, check_length_modulo):
        found = check(of_lengths([50] * 40, "ab" * 20))
        assert (found.verdict, found.value, found.says) == ("fine", 0.5, "Length is the same in all sequences.")


def test_a_class_in_the_middle_of_the_other_is_found_by_bins(rng):
    lengths = np.concatenate([rng.integers(290, 310, 200), rng.integers(200, 400, 200)])
    found = check_length(of_lengths(lengths, "a" * 200 + "b" * 200))
    assert found.detail["auroc_ordered"]["b"] < 0.55
    assert found.verdict == "leak"
    assert found.value == found.detail["auroc_binned"]["b"] > 0.85
    assert "by its rate in bins" in found.says


def test_the_worst_class_against_the_rest_counts(rng):
    lengths = np.concatenate([rng.integers(200, 400, 400), rng.integers(200, 400, 200) // 7 * 7])
    found = check_length_modulo(of_lengths(lengths, "a" * 200 + "b" * 200 + "c" * 200))
    assert (found.verdict, found.detail["class"], found.detail["modulus"]) == ("leak", "c", 7)
    assert found.value == pytest.approx(1 - 1 / 14, abs=0.02)  # a seventh of the others is on the grid too


def test_unknown_bases_in_one_class_leak(rng):
    codes = random_codes(rng, 300, 100)
    for one in codes[:60]:
        one[:5] = 4
    found = check_unknown(sample(codes, "a" * 150 + "b" * 150))
    # 60 of 150 in one class: .5 + .4 / 2.
    assert found.verdict == "leak"
    assert found.value == pytest.approx(0.7, abs=0.001)
    assert found.detail["classes"]["a"] == {"with_n": 0.4, "share": pytest.approx(0.02)}


def test_gc_is_of_the_known_bases_and_no_leak(rng):
    codes = [(rng.random(100) < share).astype(np.uint8) for share in np.repeat([0.3, 0.7], 100)]
    for one in codes:
        one[50:] = 4
    found = check_gc(sample([*codes, np.full(10, 4, dtype=np.uint8)], "a" * 100 + "b" * 101))
    assert found.verdict == "look"
    assert found.value > 0.95
    assert found.detail["classes"]["a"]["median"] == pytest.approx(0.3, abs=0.03)


def test_a_split_leaves_out_what_is_in_no_part(rng):
    lengths = np.concatenate([rng.integers(200, 300, 200), rng.integers(400, 500, 100)])
    part = [0] * 200 + [-1] * 100
    found = check_length(of_lengths(lengths, ["a", "b"] * 100 + ["a"] * 100, part=part))
    assert found.verdict == "fine"
    assert "(200 sequences)" in found.says


def test_too_few_sequences_are_skipped():
    for check in (check_length, check_length_modulo, check_gc, check_unknown):
        assert check(of_lengths([50, 60] * 8, "ab" * 8)).verdict == "skipped"
        assert check(of_lengths([50, 60] * 50, "a" * 100)).verdict == "skipped"


def test_the_same_seed_finds_the_same(rng):
    set_ = of_lengths(rng.integers(200, 400, 300), "ab" * 150)
    assert check_length_modulo(set_, 3).record() == check_length_modulo(set_, 3).record()
