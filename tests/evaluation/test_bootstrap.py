import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from crekit.evaluation import bootstrap
from crekit.training import metrics

CLASSES = ["background", "enhancer", "promoter"]


@pytest.fixture
def labels(rng):
    return rng.choice(3, 200, p=[0.6, 0.3, 0.1])


def made_up(rng, labels, strength, decimals=2):
    """Probabilities that tell the classes apart by `strength`, rounded so that many are tied."""
    scores = rng.random((len(labels), 3)) + strength * np.eye(3)[labels]
    return (scores / scores.sum(axis=1, keepdims=True)).round(decimals)


def test_a_resample_draws_as_many_sites_as_there_are():
    counts = np.concatenate(list(bootstrap.resamples(50, 20, seed=1)))
    assert counts.shape == (20, 50)
    np.testing.assert_array_equal(counts.sum(axis=1), 50)


def test_resamples_do_not_depend_on_how_many_are_drawn_at_once():
    whole = np.concatenate(list(bootstrap.resamples(37, 11, seed=3)))
    bits = list(bootstrap.resamples(37, 11, seed=3, cells=80))
    assert [len(bit) for bit in bits] == [2, 2, 2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(bits), whole)
    assert (np.concatenate(list(bootstrap.resamples(37, 11, seed=4))) != whole).any()


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_ranking_equals_sklearn_with_weights(rng, labels, decimals):
    scores = made_up(rng, labels, 0.5, decimals)[:, 1]
    counts = np.concatenate(list(bootstrap.resamples(200, 15, seed=1)))
    precision, area = bootstrap.ranking(labels == 1, scores, counts)
    np.testing.assert_allclose(
        precision, [average_precision_score(labels == 1, scores, sample_weight=w) for w in counts]
    )
    np.testing.assert_allclose(area, [roc_auc_score(labels == 1, scores, sample_weight=w) for w in counts])


def test_ranking_by_hand():
    # Scores 3 2 2 1; 3 and one of the 2 are positive. Drawn once each: precision 1 at the first, 2/3 at the tie.
    positive, scores = np.array([True, True, False, False]), np.array([3.0, 2.0, 2.0, 1.0])
    precision, area = bootstrap.ranking(
        positive, scores, np.array([[1, 1, 1, 1], [0, 2, 2, 0], [0, 0, 2, 2]], dtype=np.int32)
    )
    np.testing.assert_allclose(precision, [(1 + 2 / 3) / 2, 0.5, np.nan])
    np.testing.assert_allclose(area, [3.5 / 4, 0.5, np.nan])


def test_every_figure_equals_the_summary_of_the_drawn_sites(rng, labels):
    probabilities = made_up(rng, labels, 0.4)
    values = bootstrap.figures(labels, [probabilities], CLASSES, n_resamples=6, seed=5)[0]
    counts = np.concatenate(list(bootstrap.resamples(200, 6, seed=5)))
    for i, drawn in enumerate(counts):
        plain = metrics.summary(np.repeat(labels, drawn), np.repeat(probabilities, drawn, axis=0), CLASSES)
        for name in ("mAP", "ACC", "BACC", "MCC", "Brier"):
            assert values[name][i] == pytest.approx(plain[name]), name
        for name in ("AP", "AUROC", "precision", "recall", "specificity", "F1"):
            assert values[name][i] == pytest.approx([plain["classes"][c][name] for c in CLASSES]), name


def test_a_class_that_is_never_drawn_is_left_out_of_the_mean(rng):
    labels = np.array([0] * 30 + [1] * 30 + [2])
    probabilities = made_up(rng, labels, 0.5)
    values = bootstrap.figures(labels, [probabilities], CLASSES, n_resamples=20, seed=1)[0]
    missing = np.isnan(values["AP"][:, 2])
    assert 0 < missing.sum() < 20
    np.testing.assert_allclose(values["mAP"][missing], values["AP"][missing, 1])


def test_interval_is_the_middle_of_the_values():
    assert bootstrap.interval(np.arange(1001.0)) == pytest.approx([25, 975])
    assert bootstrap.interval(np.array([np.nan, 2.0])) == [2.0, 2.0]


def test_interval_holds_the_value_and_narrows_with_more_sites(rng):
    widths = []
    for n in (100, 1600):
        labels = rng.choice(3, n, p=[0.5, 0.3, 0.2])
        probabilities = made_up(rng, labels, 0.4)
        low, high = bootstrap.interval(bootstrap.figures(labels, [probabilities], CLASSES, 300, 1)[0]["mAP"])
        assert low < metrics.mean_average_precision(labels, probabilities, 0) < high
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.4)  # as the square root of the number of sites


def test_paired_difference_of_a_model_with_itself_is_nothing(rng, labels):
    probabilities = made_up(rng, labels, 0.4)
    first, second = bootstrap.figures(labels, [probabilities, probabilities], CLASSES, 50, 1)
    assert bootstrap.paired(first["mAP"], second["mAP"]) == {"interval": [0.0, 0.0], "p": 1.0}


def test_paired_difference_of_a_better_model_is_sure(rng, labels):
    good, bad = made_up(rng, labels, 0.9), made_up(rng, labels, 0.1)
    first, second = bootstrap.figures(labels, [good, bad], CLASSES, 199, 1)
    result = bootstrap.paired(first["mAP"], second["mAP"])
    assert result["interval"][0] > 0
    assert result["p"] == pytest.approx(2 / 200)
    assert bootstrap.paired(second["mAP"], first["mAP"])["interval"][1] < 0
