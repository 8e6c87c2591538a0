from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import toy_sequences as toy
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, roc_auc_score

from crekit.evaluation import fold_evaluation
from crekit.evaluation.entries import Entry
from crekit.evaluation.evaluation import Scored

REGIONS = toy.regions()


def scored(*names, seed=1):
    """Regions in three folds of unlike size, with random scores of each model."""
    rng = np.random.default_rng(seed)
    fold = np.repeat([1, 2, 3], [40, 60, 100])
    positive = rng.random((len(names), len(REGIONS))) * 0.6 + 0.4 * (REGIONS.name == "enhancer")
    chances = {
        name: np.stack([1 - row, row], axis=1).astype(np.float32) for name, row in zip(names, positive, strict=True)
    }
    empty = np.zeros(0, dtype=object)
    return Scored(
        toy.CLASSES, REGIONS, np.full(len(REGIONS), ""), chances, REGIONS[:0], empty, {}, dict.fromkeys(names, fold)
    )


def test_figures_of_folds_are_those_of_scikit_learn_with_mean_spread_and_pooled():
    one = scored("m")
    found = fold_evaluation.per_fold(one, {"m": Entry(toy.folds())})["m"]
    truth, chance, fold = REGIONS.name == "enhancer", one.probabilities["m"][:, 1], one.fold["m"]
    precision = [average_precision_score(truth[fold == i], chance[fold == i]) for i in (1, 2, 3)]
    area = [roc_auc_score(truth[fold == i], chance[fold == i]) for i in (1, 2, 3)]
    assert [row["fold"] for row in found["each"]] == [1, 2, 3]
    assert [row["sites"] for row in found["each"]] == [40, 60, 100]
    assert [row["mAP"] for row in found["each"]] == pytest.approx(precision)
    assert [row["AP"]["enhancer"] for row in found["each"]] == pytest.approx(precision)
    assert [row["AUROC"] for row in found["each"]] == pytest.approx(area)
    assert found["mean"]["mAP"] == pytest.approx(np.mean(precision))
    assert found["sd"]["AUROC"] == pytest.approx(np.std(area, ddof=1))
    assert found["pooled"]["mAP"] == pytest.approx(average_precision_score(truth, chance))
    assert (found["of"], found["missing"]) == (3, [])


def test_a_fold_without_a_class_has_no_value_and_stays_out_of_the_mean():
    one = scored("m")
    kept = (one.fold["m"] > 1) | (REGIONS.name == "background")
    part = replace(
        one,
        regions=REGIONS[kept],
        probabilities={"m": one.probabilities["m"][kept]},
        fold={"m": one.fold["m"][kept]},
    )
    found = fold_evaluation.per_fold(part, {"m": Entry(toy.folds())})["m"]
    values = [row["mAP"] for row in found["each"]]
    assert np.isnan(values[0])
    assert found["mean"]["mAP"] == pytest.approx(np.mean(values[1:]))


def test_a_fold_without_sites_is_reported_missing():
    one = scored("m")
    part = replace(one, fold={"m": np.where(one.fold["m"] == 2, 1, one.fold["m"])})
    assert fold_evaluation.per_fold(part, {"m": Entry(toy.folds())})["m"]["missing"] == [2]


def brute_force(gaps):
    """Two-sided p over all signs of the ranks."""
    gaps = gaps[gaps != 0]
    ranks = rankdata(np.abs(gaps))
    seen = ranks[gaps > 0].sum()
    sums = np.array([ranks[np.array(signs, dtype=bool)].sum() for signs in product([0, 1], repeat=len(gaps))])
    return min(1.0, 2 * min((sums <= seen).mean(), (sums >= seen).mean()))


@pytest.mark.parametrize(
    "gaps",
    [[0.1, 0.2, 0.3, 0.4, 0.5], [0.1, -0.2, 0.3, 0.4, 0.5], [0.1, 0.1, -0.1, 0.3, 0.2], [0.1, 0.1, 0, 0.3, 0.2]],
)
def test_the_signed_rank_p_is_that_of_all_signs(gaps):
    assert fold_evaluation.signed_rank(np.array(gaps)) == pytest.approx(brute_force(np.array(gaps)))


def test_the_smallest_p_is_that_of_folds_which_all_agree():
    for n in (3, 5, 10):
        assert fold_evaluation.smallest_p(n) == fold_evaluation.signed_rank(np.arange(1.0, n + 1)) == 2 / 2**n
    assert fold_evaluation.signed_rank(np.zeros(5)) == 1


def compared(one, entries):
    return fold_evaluation.fold_by_fold(one, entries, fold_evaluation.per_fold(one, entries))


def test_models_with_the_same_folds_are_compared_fold_by_fold():
    one = scored("a", "b")
    entries = {"a": Entry(toy.folds()), "b": Entry(toy.folds(group="other"))}
    rows = compared(one, entries)
    assert [(row["first"], row["second"], row["figure"]) for row in rows] == [("a", "b", "mAP"), ("a", "b", "AUROC")]
    found = fold_evaluation.per_fold(one, entries)
    gaps = [x["mAP"] - y["mAP"] for x, y in zip(found["a"]["each"], found["b"]["each"], strict=True)]
    assert rows[0]["difference"] == pytest.approx(np.mean(gaps))
    assert rows[0]["p"] == pytest.approx(brute_force(np.array(gaps)))
    assert (rows[0]["folds"], rows[0]["smallest_p"]) == (3, 0.25)


def test_models_with_other_folds_are_not_compared_fold_by_fold():
    one = scored("a", "b")
    assert compared(one, {"a": Entry(toy.folds()), "b": Entry(toy.folds("random"))}) == []
    turned = replace(one, fold={"a": one.fold["a"], "b": one.fold["b"][::-1]})
    assert compared(turned, {"a": Entry(toy.folds()), "b": Entry(toy.folds())}) == []


def leaks(entries, comparisons=()):
    overall = {name: {"sites": 7, "mAP": i + 0.5, "AUROC": i + 0.25} for i, name in enumerate(entries)}
    return fold_evaluation.leaks(entries, overall, comparisons)


def test_the_leak_is_the_difference_of_the_same_model_split_at_random_and_honestly():
    entries = {"honest": Entry(toy.folds()), "lot": Entry(toy.folds("random"))}
    (row,) = leaks(entries, [{"first": "honest", "second": "lot", "interval": [-0.3, 0.1]}])
    assert (row["random"], row["honest"], row["by"], row["sites"]) == ("lot", "honest", "block", 7)
    assert row["mAP"] == {"random": 1.5, "honest": 0.5, "difference": 1.0}
    assert row["AUROC"]["difference"] == 1.0
    assert row["interval"] == [-0.1, 0.3]


def test_single_models_leak_too():
    split = {"kind": "random", "shares": [0.6, 0.2, 0.2], "seed": 1, "train": [], "val": [], "test": []}
    entries = {"lot": Entry((toy.model("chromosomes", split=split),)), "honest": Entry((toy.model("chromosomes"),))}
    assert [row["by"] for row in leaks(entries)] == ["chromosome"]


@pytest.mark.parametrize(
    "changes",
    [
        {"arch": "gkm-svm"},
        {"parameters": {"k": 3}},
        {"training": {"seed": 2, "threads": 1}},
        {"record": {"options": {}, "inputs": []}},
    ],
)
def test_models_that_differ_in_more_than_the_split_tell_no_leak(changes):
    honest, lot = Entry(toy.folds()), Entry(toy.folds("random", **changes))
    assert leaks({"honest": honest, "lot": lot}) == []
    assert leaks({"lot": Entry(toy.folds("random", training={"seed": 1, "threads": 8})), "honest": honest})
