from dataclasses import replace

import numpy as np
import pytest
import toy_signal as toy
from sklearn.metrics import average_precision_score

from crekit.evaluation import evaluation, prevalence


def test_tiles_follow_each_other_and_stop_within_the_chromosome():
    spans = prevalence.tiles("chr1", 7100, 2000)
    assert list(spans.ids) == ["chr1:0-2000", "chr1:2000-4000", "chr1:4000-6000"]
    assert len(prevalence.tiles("chr1", 1999, 2000)) == 0


def test_precision_by_hand():
    # Of 1,000 tiles 10 are elements: 8 are found, and 99 of the 990 others: 8 / (8 + 99).
    found = prevalence.at_prevalence(0.01, np.array([0.8, 0.0]), np.array([0.1, 0.0]))
    np.testing.assert_allclose(found, [8 / 107, np.nan])


def test_average_precision_equals_sklearns_with_classes_weighted_to_the_prevalence(rng):
    found, outside = rng.beta(3, 1, 80).round(2), rng.beta(1, 3, 500).round(2)
    one = prevalence.of_class((found, found > 0.5), (outside, outside > 0.5), n_inside=20)
    assert one.prevalence == 20 / 520
    weights = np.concatenate([np.full(80, one.prevalence / 80), np.full(500, (1 - one.prevalence) / 500)])
    truth = np.repeat([1, 0], [80, 500])
    expected = average_precision_score(truth, np.concatenate([found, outside]), sample_weight=weights)
    assert one.average_precision == pytest.approx(expected)
    assert one.precision == pytest.approx(
        prevalence.at_prevalence(one.prevalence, (found > 0.5).mean(), (outside > 0.5).mean())
    )


def test_what_is_never_found_adds_nothing():
    one = prevalence.of_class(
        (np.array([0.9, 0.0]), np.array([True, False])), (np.zeros(8), np.zeros(8, dtype=bool)), 2
    )
    assert (one.recall, one.false_positive_rate, one.precision) == (0.5, 0, 1)
    assert one.average_precision == 0.5


def test_false_positives_come_from_all_tiles_outside_the_class(tmp_path):
    # Two tiles of each chromosome look like enhancers and are none; nothing else is wrong.
    data_set = toy.data_set(toy.write_tracks(tmp_path / "t.h5", extra=(55, 56)))
    models = {"m": toy.model()}
    scored = evaluation.score([data_set], models)
    found = prevalence.along_genome([data_set], models, scored)["m"]
    assert set(found) == {"enhancer", "promoter"}
    enhancer, promoter = found["enhancer"], found["promoter"]
    assert (enhancer.prevalence, enhancer.outside, enhancer.recall) == (5 / 100, 95, 1)
    assert enhancer.false_positive_rate == pytest.approx(2 / 95)
    assert enhancer.precision == pytest.approx(5 / 7)
    assert (promoter.prevalence, promoter.false_positive_rate, promoter.precision) == (4 / 100, 0, 1)


def test_a_tile_that_a_region_only_touches_is_not_outside(tmp_path):
    data_set = toy.data_set(toy.write_tracks(tmp_path / "t.h5"))
    start = data_set.regions.start + 500  # every region now lies in two tiles
    shifted = replace(data_set, regions=replace(data_set.regions, start=start, end=start + 2000))
    scored = evaluation.score([shifted], {"m": toy.model()})
    assert prevalence.along_genome([shifted], {"m": toy.model()}, scored)["m"]["enhancer"].outside == 90


def test_the_nonzero_rule_leaves_out_no_tile_and_no_region(tmp_path):
    # Tiles 92 and 96 have signal in one bin, too few for the rule; 92 is made an enhancer, 96 is a false positive.
    data_set = toy.data_set(toy.write_tracks(tmp_path / "t.h5", extra=(92, 96)))
    names = data_set.regions.name.copy()
    names[np.isin(data_set.regions.start // 2000, [92, 95])] = "enhancer"  # 95 has no signal at all
    data_set = replace(data_set, regions=replace(data_set.regions, name=names))
    scored = evaluation.score([data_set], {"m": toy.model()})
    assert evaluation.counts_by_class(scored.missed, toy.CLASSES)["enhancer"] == 2
    found = prevalence.along_genome([data_set], {"m": toy.model()}, scored)["m"]["enhancer"]
    assert found.recall == pytest.approx(6 / 7)
    assert found.false_positive_rate == pytest.approx(1 / 93)


def test_the_ensemble_and_all_data_sets_are_scored(tmp_path):
    path = toy.write_tracks(tmp_path / "t.h5", extra=(55,))
    sets = [toy.data_set(path, "a"), toy.data_set(path, "b")]
    models = {"one": toy.model(), "two": toy.model()}
    scored = evaluation.score(sets, models, ensemble=True)
    found = prevalence.along_genome(sets, models, scored)
    assert set(found) == {"one", "two", "ensemble"}
    assert found["ensemble"]["enhancer"].outside == 190
    assert found["ensemble"]["enhancer"].false_positive_rate == pytest.approx(2 / 190)
