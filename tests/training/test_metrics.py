import json
import math

import numpy as np
import pytest
import sklearn.metrics

from crekit.training import metrics

CLASSES = ["background", "enhancer", "promoter"]


@pytest.fixture
def sites(rng):
    """300 sites of three classes, scores rounded so that many are tied."""
    labels = rng.choice(3, 300, p=[0.7, 0.2, 0.1])
    scores = rng.random((300, 3)) + 0.8 * np.eye(3)[labels]
    probabilities = (scores / scores.sum(axis=1, keepdims=True)).round(2)
    return labels, probabilities


def test_average_precision_by_hand():
    labels = np.array([1, 0, 1, 0])
    scores = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    # Class 1: found at ranks 1 and 3: (1/1 + 2/3) / 2. Class 0, from the other end: ranks 1 and 3 as well.
    np.testing.assert_allclose(metrics.average_precision(labels, scores, 2), [5 / 6, 5 / 6])


def test_average_precision_and_auroc_equal_sklearns(sites):
    labels, scores = sites
    precision = [sklearn.metrics.average_precision_score(labels == c, scores[:, c]) for c in range(3)]
    np.testing.assert_allclose(metrics.average_precision(labels, scores, 3), precision)
    area = sklearn.metrics.roc_auc_score(np.eye(3)[labels], scores, average=None)
    np.testing.assert_allclose(metrics.auroc(labels, scores, 3), area)


def test_a_class_without_sites_has_no_average_precision_and_is_left_out_of_the_mean():
    labels = np.array([0, 1, 1])
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
    np.testing.assert_array_equal(metrics.average_precision(labels, scores, 3), [1, 1, np.nan])
    assert metrics.mean_average_precision(labels, scores, background=0) == 1


def test_map_leaves_background_out(sites):
    labels, scores = sites
    background, enhancer, promoter = metrics.average_precision(labels, scores, 3)
    assert metrics.mean_average_precision(labels, scores, 0) == pytest.approx((enhancer + promoter) / 2)
    assert metrics.mean_average_precision(labels, scores, None) == pytest.approx((background + enhancer + promoter) / 3)


def test_map_of_background_alone_is_nan():
    assert math.isnan(metrics.mean_average_precision(np.array([0, 0]), np.array([[0.9, 0.1], [0.8, 0.2]]), 0))


def test_rates_by_hand():
    matrix = np.array([[5, 1, 0], [2, 3, 0], [0, 1, 0]])
    rates = metrics.rates(matrix)
    np.testing.assert_allclose(rates["precision"], [5 / 7, 3 / 5, np.nan])
    np.testing.assert_allclose(rates["recall"], [5 / 6, 3 / 5, 0])
    np.testing.assert_allclose(rates["specificity"], [4 / 6, 5 / 7, 1])
    np.testing.assert_allclose(rates["f1"], [10 / 13, 6 / 10, 0])


def test_summary_equals_sklearns_figures(sites):
    labels, probabilities = sites
    predicted = probabilities.argmax(axis=1)
    figures = metrics.summary(labels, probabilities, CLASSES)
    assert figures["ACC"] == pytest.approx(sklearn.metrics.accuracy_score(labels, predicted))
    assert figures["BACC"] == pytest.approx(sklearn.metrics.balanced_accuracy_score(labels, predicted))
    assert figures["MCC"] == pytest.approx(sklearn.metrics.matthews_corrcoef(labels, predicted))
    assert figures["confusion"] == sklearn.metrics.confusion_matrix(labels, predicted).tolist()
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(labels, predicted)
    for i, name in enumerate(CLASSES):
        row = figures["classes"][name]
        assert [row["precision"], row["recall"], row["F1"]] == pytest.approx([precision[i], recall[i], f1[i]])
        assert row["support"] == support[i]
        assert row["specificity"] == pytest.approx(sklearn.metrics.recall_score(labels != i, predicted != i))


def test_brier_sums_over_classes():
    assert metrics.brier(np.array([0, 1]), np.array([[1.0, 0, 0], [1.0, 0, 0]])) == 1  # (0 + 2) / 2
    assert metrics.brier(np.array([0]), np.array([[0.5, 0.25, 0.25]])) == pytest.approx(0.25 + 2 * 0.0625)


def test_brier_of_two_classes_is_twice_sklearns(rng):
    labels = rng.integers(0, 2, 50)
    positive = rng.random(50)
    both = np.column_stack([1 - positive, positive])
    assert metrics.brier(labels, both) == pytest.approx(2 * sklearn.metrics.brier_score_loss(labels, positive))


def test_reliability_by_hand():
    confidence, right = np.array([0.1, 0.2, 0.9, 1.0]), np.array([False, True, True, True])
    bins = metrics.reliability(confidence, right, n_bins=2)
    np.testing.assert_array_equal(bins["sites"], [2, 2])
    np.testing.assert_allclose(bins["confidence"], [0.15, 0.95])
    np.testing.assert_allclose(bins["share"], [0.5, 1])
    assert metrics.calibration_error(confidence, right, n_bins=2) == pytest.approx((0.35 + 0.05) / 2)


def test_calibration_error_of_honest_probabilities_is_small(rng):
    confidence = rng.random(20_000)
    assert metrics.calibration_error(confidence, rng.random(20_000) < confidence) < 0.02
    assert metrics.calibration_error(confidence, np.zeros(20_000, dtype=bool)) == pytest.approx(0.5, abs=0.01)


def test_mcc_of_one_predicted_class_is_zero():
    assert metrics.matthews(np.array([[5, 0], [3, 0]])) == 0


def test_for_json_turns_nan_into_null():
    value = {"a": np.float64("nan"), "b": [1, np.int64(2), float("inf")], "c": np.array([[1.5, np.nan]])}
    assert json.dumps(metrics.for_json(value), allow_nan=False) == '{"a": null, "b": [1, 2, null], "c": [[1.5, null]]}'
