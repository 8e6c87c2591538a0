import numpy as np
import pytest
from scipy.stats import hypergeom
from toy_audit import sample

from crekit.audit.agreement import agreement
from crekit.audit.places import check_blacklist, check_neighbours
from crekit.genome import regions


def placed(starts, classes, chroms=None, **keywords):
    """Regions of 100 bases."""
    starts = np.array(starts)
    chroms = chroms or ["chr1"] * len(starts)
    codes = [np.zeros(100, dtype=np.uint8)] * len(starts)
    return sample(codes, classes, regions=regions.make(chroms, starts, starts + 100, "x"), **keywords)


def pairs_of_neighbours(rng, n, gap, same):
    """n training regions far apart, and a test region after each, of its class or of any."""
    first = np.arange(n) * 10_000
    label = rng.choice(["a", "b"], n)
    other = label if same else rng.choice(["a", "b"], n)
    starts = np.concatenate([first, first + 100 + gap])
    return placed(starts, np.concatenate([label, other]), part=np.repeat([0, 2], n))


def test_neighbours_of_the_same_class_leak(rng):
    found = check_neighbours(pairs_of_neighbours(rng, 60, 500, same=True))
    assert found.verdict == "leak"
    assert found.detail["beside"] == found.detail["agree"] == 60
    assert found.value == pytest.approx(0.5, abs=0.02)  # half of them chance gives
    assert found.detail["examples"][:2] == ["s60", "s61"]


def test_neighbours_of_any_class_are_fine(rng):
    found = check_neighbours(pairs_of_neighbours(rng, 60, 500, same=False))
    assert found.verdict == "fine"
    assert found.detail["beside"] == 60


@pytest.mark.parametrize(("gap", "beside"), [(999, 60), (1_000, 0), (-40, 60)])
def test_fewer_than_a_thousand_bases_lie_between_neighbours(rng, gap, beside):
    assert check_neighbours(pairs_of_neighbours(rng, 60, gap, same=True)).detail["beside"] == beside


def test_places_of_other_chromosomes_and_sequences_in_no_part_are_no_neighbours():
    set_ = placed([0, 200, 0, 400], "aabb", ["chr1", "chr1", "chr2", "chr1"], part=[-1, 2, 0, 2])
    assert check_neighbours(set_).detail["beside"] == 0


def test_folds_are_held_out_in_turn():
    found = check_neighbours(placed([0, 200, 50_000, 50_200], "aabb", fold=[0, 1, 0, 0]))
    assert (found.detail["held_out"], found.detail["beside"]) == (4, 2)


def test_without_places_or_split_neighbours_are_skipped():
    assert check_neighbours(placed([0, 200], "ab")).verdict == "skipped"
    assert check_neighbours(sample(["ACGT", "ACGT"], "ab", [0, 2])).verdict == "skipped"


def test_p_of_the_agreement_is_the_hypergeometric_one(rng):
    # 40 held out, 15 of class 1; 12 of them lie beside class 1 of the training data, 8 of these have it.
    label = np.zeros(40, dtype=int)
    label[:8] = label[20:27] = 1
    beside = np.zeros((40, 2), dtype=bool)
    beside[:12, 1] = True
    found = agreement(label, beside, np.zeros(40, dtype=int), seed=1, permutations=4_000)
    assert (found.held, found.beside, found.agree) == (40, 12, 8)
    assert found.expected == pytest.approx(12 * 15 / 40)
    assert found.p == pytest.approx(hypergeom.sf(7, 40, 15, 12), abs=0.006)
    assert found.excess == pytest.approx((8 - 4.5) / 40)


def test_one_that_has_all_classes_beside_it_tells_nothing():
    found = agreement(np.array([0, 1] * 50), np.ones((100, 2), dtype=bool), np.zeros(100, dtype=int), seed=1)
    assert (found.agree, found.expected, found.p, found.verdict) == (50, 50, 1, "fine")


def test_labels_are_shuffled_within_a_round():
    # Each fold has one class and lies beside that class: a shuffle within the fold changes nothing.
    label = np.repeat([0, 1], 50)
    found = agreement(label, np.eye(2, dtype=bool)[label], label, seed=1)
    assert (found.agree, found.expected, found.p) == (100, 100, 1)


def test_a_blacklist_that_holds_one_class_leaks_and_one_that_holds_a_few_says_look():
    starts = np.arange(400) * 1_000
    set_ = placed(starts, "a" * 200 + "b" * 200)
    few = regions.make(["chr1"] * 4, starts[[0, 100, 200, 300]] + 99, starts[[0, 100, 200, 300]] + 500, "x")
    found = check_blacklist(set_, few)
    assert (found.verdict, found.value) == ("look", 4 / 400)
    found = check_blacklist(set_, regions.make(["chr1"], [0], [80_000], "x"))
    assert (found.verdict, found.value) == ("leak", 80 / 400)
    assert found.detail["classes"] == {"a": 0.4, "b": 0.0}
    assert found.detail["auroc"] == pytest.approx(0.7)
    assert check_blacklist(set_, regions.make(["chr2"], [0], [80_000], "x")).verdict == "fine"


def test_without_places_a_blacklist_is_skipped():
    assert check_blacklist(sample(["ACGT"], "a"), regions.make(["chr1"], [0], [5], "x")).verdict == "skipped"
