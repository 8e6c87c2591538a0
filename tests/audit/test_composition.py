from collections import Counter

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from toy_audit import published, random_codes, sample

from crekit.audit import composition
from crekit.audit.auroc import draw
from crekit.audit.composition import check_composition, word_shares


@pytest.mark.parametrize("k", [1, 2, 5])
def test_shares_are_those_of_a_plain_count(rng, k):
    codes = [rng.choice(5, length, p=[0.24] * 4 + [0.04]).astype(np.uint8) for length in (40, 3, 90)]
    found = word_shares(codes, k)
    names = None
    for row, one in zip(found, codes, strict=True):
        text = "".join("ACGTN"[code] for code in one)
        each = [text[i : i + k] for i in range(len(text) - k + 1)]
        turned = [word[::-1].translate(str.maketrans("ACGT", "TGCA")) for word in each]
        counts = Counter(min(pair) for pair in zip(each, turned, strict=True) if "N" not in pair[0])
        np.testing.assert_allclose(
            sorted(row[row > 0]), sorted(np.array(list(counts.values())) / max(sum(counts.values()), 1))
        )
        names = row.shape
    # Each word and its reverse complement: (4^k + palindromes) / 2.
    assert names == ({1: 2, 2: 10, 5: 512}[k],)


def test_columns_are_in_the_order_of_the_words():
    # A or T, C or G; then AA AC AG AT CA CC CG GA GC TA.
    shares = word_shares([np.array([0, 0, 3, 1, 4, 2], dtype=np.uint8)], 1)
    np.testing.assert_allclose(shares, [[3 / 5, 2 / 5]])
    shares = word_shares([np.array([0, 0, 3, 1], dtype=np.uint8)], 2)  # AA, AT, TC = GA
    np.testing.assert_allclose(shares, [[1 / 3, 0, 0, 1 / 3, 0, 0, 0, 1 / 3, 0, 0]])


def test_the_figure_is_that_of_a_ridge_regression_across_folds(rng, monkeypatch):
    monkeypatch.setattr(composition, "PERMUTATIONS", 3)
    monkeypatch.setattr(composition, "LONGEST", 2)
    codes = random_codes(rng, 120, 80)
    for one in codes[:60]:
        one[::9] = 2
    set_ = sample(codes, "a" * 60 + "b" * 60)
    drawn = draw(set_.classes, 1)
    shares = word_shares(list(set_.codes), 2)
    each = []
    for fold in drawn.folds:
        rest = np.setdiff1d(np.arange(120), fold)
        scaled = (shares - shares[rest].mean(axis=0)) / shares[rest].std(axis=0)
        label = (set_.classes == "b").astype(float)
        model = Ridge(alpha=len(rest)).fit(scaled[rest], label[rest])
        each.append(roc_auc_score(label[fold], model.predict(scaled[fold])))
    assert check_composition(set_).detail["auroc"]["2"] == pytest.approx(np.mean(each), abs=1e-3)


def test_random_bases_are_fine(rng, monkeypatch):
    monkeypatch.setattr(composition, "LONGEST", 4)
    found = check_composition(sample(random_codes(rng, 300, 200), "abc" * 100))
    assert found.verdict == "fine"
    assert found.value < 0.6


def test_composition_that_only_pairs_of_bases_show_says_look(rng, monkeypatch):
    monkeypatch.setattr(composition, "LONGEST", 3)
    codes = random_codes(rng, 300, 200)
    for one in codes[:150]:  # CG made into GC, which leaves each base's share as it is
        at = np.flatnonzero((one[:-1] == 1) & (one[1:] == 2))
        one[at], one[at + 1] = 2, 1
    found = check_composition(sample(codes, "a" * 150 + "b" * 150))
    assert found.verdict == "look"
    assert found.value > 0.9
    assert found.p <= 0.01
    assert found.detail["auroc"]["1"] < 0.6


def test_the_imr90_promoters_composition_says_look(data, monkeypatch):
    monkeypatch.setattr(composition, "MOST", 1_000)
    monkeypatch.setattr(composition, "LONGEST", 5)
    labels = np.loadtxt(data / "sequences" / "imr90_promoters.train.labels.txt")
    classes = np.where(labels > 0, "promoter", "background").astype(object)
    found = check_composition(published(data / "sequences" / "imr90_promoters.train.fa", classes))
    assert found.verdict == "look"
    assert 0.88 < found.value < 0.96
    assert "1,000 sequences drawn of 8,192" in found.says


def test_too_few_sequences_are_skipped(rng):
    assert check_composition(sample(random_codes(rng, 12, 30), "ab" * 6)).verdict == "skipped"
