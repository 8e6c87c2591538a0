import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from crekit.audit.auroc import draw, interval, ordered_auroc, p_values, table_auroc


def labelled(rng, n=300):
    return np.where(rng.random(n) < 0.3, "enhancer", "background").astype(object)


def test_folds_and_shuffles_keep_the_number_of_each_class(rng):
    classes = labelled(rng)
    drawn = draw(classes, 1, permutations=20)
    assert drawn.names == ["background", "enhancer"]
    assert drawn.targets() == [1]
    np.testing.assert_array_equal(np.sort(np.concatenate(drawn.folds)), np.arange(300))
    for fold in drawn.folds:
        assert len(fold) == 60
        shares = drawn.labels[:, fold].sum(axis=1)
        assert (shares == shares[0]).all()
        assert abs(shares[0] - (classes == "enhancer").sum() / 5) < 1
    assert (drawn.labels[1] != drawn.labels[0]).any()


def test_a_rare_class_counts_as_the_rest():
    drawn = draw(np.array(["a"] * 40 + ["b"] * 40 + ["c"] * 9, dtype=object), 1, permutations=1)
    assert drawn.names == ["a", "b"]
    assert drawn.targets() == [0, 1]
    assert (drawn.labels[0] == -1).sum() == 9
    assert draw(np.array(["a"] * 40 + ["c"] * 9, dtype=object), 1) is None
    assert draw(np.array(["a"] * 40, dtype=object), 1) is None


def test_more_sequences_than_needed_are_drawn_from(rng):
    drawn = draw(labelled(rng), 1, most=100, permutations=1)
    assert len(set(drawn.at)) == len(drawn.at) == 100


def test_ordered_auroc_is_the_mean_over_folds_in_the_direction_of_the_others(rng):
    classes = labelled(rng)
    drawn = draw(classes, 1, permutations=3)
    values = np.round(rng.normal(size=300) - (classes == "enhancer") * 0.5, 1)  # with ties
    found = ordered_auroc(values, drawn.positives()[0], drawn.folds)
    for row, labels in enumerate(drawn.labels):
        each = np.array([roc_auc_score(labels[fold], values[fold]) for fold in drawn.folds])
        up = [np.delete(each, f).mean() >= 0.5 for f in range(5)]
        assert found[row] == pytest.approx(np.where(up, each, 1 - each).mean())


def test_table_auroc_scores_a_category_by_its_rate_in_the_other_folds(rng):
    classes = labelled(rng)
    drawn = draw(classes, 1, permutations=3)
    cells = np.stack([rng.integers(0, 12, 300), np.where(rng.random(300) < 0.5, classes == "enhancer", 0)]).astype(int)
    found = table_auroc(cells, drawn.positives()[0], drawn.folds)
    for turn, row in enumerate(cells):
        for shuffle, labels in enumerate(drawn.labels):
            each = []
            for fold in drawn.folds:
                rest = np.setdiff1d(np.arange(300), fold)
                rate = {
                    cell: (labels[rest][row[rest] == cell].sum() + labels.mean()) / ((row[rest] == cell).sum() + 1)
                    for cell in range(12)
                }
                each.append(roc_auc_score(labels[fold], [round(rate[cell], 12) for cell in row[fold]]))
            assert found[turn, shuffle] == pytest.approx(np.mean(each))
    assert found[1, 0] > 0.7


def test_cells_of_the_same_rate_are_ties():
    labels = np.tile([0, 0, 1, 1], 5).astype(np.float32)[None]
    folds = [np.arange(i, i + 4) for i in range(0, 20, 4)]
    assert table_auroc(np.zeros((1, 20), dtype=int), labels, folds)[0, 0] == 0.5
    # Two cells, each with half of both classes.
    assert table_auroc(np.tile([0, 1], 10)[None], labels, folds)[0, 0] == 0.5


def test_interval_is_as_wide_as_the_bootstrap_s(rng):
    positive = rng.random(1_000) < 0.4
    values = rng.normal(size=1_000) + positive * 0.7
    folds = [np.arange(1_000)]
    auroc = roc_auc_score(positive, values)
    turns = [rng.integers(0, 1_000, 1_000) for _ in range(200)]
    spread = np.std([roc_auc_score(positive[turn], values[turn]) for turn in turns])
    low, high = interval(values, positive, folds, auroc)
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.15)
    assert (low + high) / 2 == pytest.approx(auroc)


def test_p_is_corrected_for_the_figures_that_were_looked_at():
    figures = np.array([[0.7, 0.5, 0.6, 0.4], [0.6, 0.4, 0.65, 0.7]])
    # The largest of each shuffle: .5, .65, .7; as large as .7: one; as large as .6: two. The true labels count too.
    np.testing.assert_allclose(p_values(figures), [2 / 4, 3 / 4])
