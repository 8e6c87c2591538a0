import numpy as np
import pytest
from toy_audit import changed, random_codes, sample, words

from crekit.audit import homology
from crekit.audit.composition import check_composition
from crekit.audit.homology import check_homology, nearest_by_class
from crekit.audit.near_duplicates import check_near
from crekit.audit.told_apart import check_gc, check_length
from crekit.training.clusters import find_clusters


def relatives(rng, n=80, related=20, same=True):
    """n training and n test sequences; of the first test ones, 8 % of the bases are not those of a training one."""
    codes = random_codes(rng, 2 * n, 200)
    classes = np.array(list("ab") * n)
    for i in range(related):
        codes[n + i] = changed(codes[i], 16, rng)
        classes[n + i] = classes[i] if same else rng.choice(["a", "b"])
    return codes, classes, np.repeat([0, 2], n)


def test_relatives_of_the_same_class_leak(rng):
    codes, classes, part = relatives(rng)
    found = check_homology(sample(codes, classes, part))
    assert found.verdict == "leak"
    assert found.detail["beside"] == found.detail["agree"] == 20
    assert found.value == pytest.approx(20 / 80 / 2, abs=0.02)
    assert all(int(one[0][1:]) - int(one[1][1:]) == 80 for one in found.detail["examples"])


def test_relatives_of_any_class_are_fine(rng):
    found = check_homology(sample(*relatives(rng, same=False)))
    assert found.verdict == "fine"
    assert found.detail["beside"] == 20


def test_containment_by_class_is_that_of_a_plain_search(rng):
    codes, classes, part = relatives(rng, 30, 10)
    codes[3] = codes[0][40:].copy()
    part[25:30] = 1
    set_ = sample(codes, classes, part)
    label = np.array([0 if one == "a" else 1 for one in classes])
    at = np.flatnonzero(part > 0)
    best, nearest = nearest_by_class(set_, at, part, label, 2, 0.1)
    sets = [words(one, 11) for one in codes]
    for row, i in enumerate(at):
        expected = np.zeros(2)
        for j in np.flatnonzero(part < part[i]):
            share = len(sets[i] & sets[j]) / min(len(sets[i]), len(sets[j]))
            if share >= 0.1:
                expected[label[j]] = max(expected[label[j]], share)
        np.testing.assert_allclose(best[row], expected)
        assert (nearest[row] >= 0) == (expected.max() > 0)


def test_a_word_of_many_sequences_is_no_likeness(rng):
    codes, classes, part = relatives(rng, 120, 0)
    for one in codes:
        one[:60] = codes[0][:60]
    assert check_homology(sample(codes, classes, part)).detail["beside"] == 0


def test_clusters_kept_whole_leave_no_relatives_across_folds(rng):
    codes, classes, _ = relatives(rng)
    clusters = find_clusters(codes)
    assert check_homology(sample(codes, classes, fold=clusters % 5)).detail["beside"] == 0
    assert check_homology(sample(codes, classes, fold=np.arange(160) % 3)).detail["beside"] > 20


def test_many_held_out_sequences_are_drawn_from(rng, monkeypatch):
    monkeypatch.setattr(homology, "MOST", 40)
    found = check_homology(sample(*relatives(rng)))
    assert found.detail["held_out"] == 40
    assert "40 held-out sequences drawn of 80" in found.says


def test_without_a_split_homology_is_skipped():
    assert check_homology(sample(["ACGT", "ACGT"], "ab")).verdict == "skipped"


def test_an_empty_sample_is_looked_at_without_an_error():
    empty = sample([], "")
    found = [*check_near(empty), check_homology(empty), check_length(empty), check_gc(empty), check_composition(empty)]
    assert {one.verdict for one in found} == {"fine", "skipped"}
