from dataclasses import replace

import numpy as np
import pytest
import toy_signal as toy

from crekit.errors import InputError
from crekit.evaluation import bootstrap, comparison, evaluation, prevalence
from crekit.evaluation.entries import Entry
from crekit.evaluation.everywhere import everywhere
from crekit.genome.regions import concatenate, make, overlaps
from crekit.signal.tracks import Tracks
from crekit.training import metrics
from crekit.training.data_sets import DataSet
from crekit.training.folds import FoldRule


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    return toy.write_tracks(tmp_path_factory.mktemp("toy") / "tracks.h5")


@pytest.fixture(scope="module")
def wobbly(tmp_path_factory):
    return toy.write_tracks(tmp_path_factory.mktemp("toy") / "wobbly.h5", wobble=4.0)


def test_the_test_set_is_scored_and_the_nonzero_rule_kept(tracks):
    scored = evaluation.score([toy.data_set(tracks)], {"m": toy.model()})
    assert evaluation.chromosomes(scored.regions) == ["chr3"]
    assert evaluation.counts_by_class(scored.regions, toy.CLASSES) == {"background": 5, "enhancer": 5, "promoter": 4}
    assert evaluation.counts_by_class(scored.missed, toy.CLASSES) == {"background": 2, "enhancer": 0, "promoter": 0}
    assert scored.dropped["m"]["too few non-zero bins"] == {"background": 2}
    np.testing.assert_array_equal(scored.probabilities["m"].argmax(axis=1), scored.labels)


@pytest.mark.parametrize(
    ("subset", "chroms"),
    [("all", ["chr1", "chr2", "chr3"]), ("chr1,chr3", ["chr1", "chr3"]), ("chr2-chr3", ["chr2", "chr3"])],
)
def test_subsets(tracks, subset, chroms):
    scored = evaluation.score([toy.data_set(tracks)], {"m": toy.model()}, subset)
    assert evaluation.chromosomes(scored.regions) == chroms


def test_a_random_split_is_known_by_ids(tracks):
    ids = list(toy.regions().ids)
    split = {"kind": "random", "train": ids[1:], "val": [], "test": ids[:1]}
    scored = evaluation.score([toy.data_set(tracks)], {"m": toy.model(split=split)})
    assert list(scored.regions.ids) == ids[:1]


def test_models_are_compared_on_sites_that_all_of_them_test_and_none_drops(tracks):
    split = {"kind": "chromosomes", "train": ["chr1"], "val": [], "test": ["chr2", "chr3"]}
    models = {"first": toy.model(), "strict": toy.model(split=split, min_nonzero=0)}
    scored = evaluation.score([toy.data_set(tracks)], models)
    assert evaluation.chromosomes(scored.regions) == ["chr3"]
    assert len(scored.regions) == 14
    assert [len(p) for p in scored.probabilities.values()] == [14, 14]
    assert scored.dropped["strict"]["too few non-zero bins"] == {}


def test_a_model_with_its_classes_in_another_order_says_the_same(tracks):
    turned = toy.model(toy.Sums(order=(2, 0, 1)), classes=["promoter", "background", "enhancer"])
    scored = evaluation.score([toy.data_set(tracks)], {"plain": toy.model(), "turned": turned})
    assert scored.classes == toy.CLASSES
    np.testing.assert_array_equal(scored.probabilities["plain"], scored.probabilities["turned"])


def test_the_ensemble_is_the_mean_of_the_models(wobbly):
    models = {"plain": toy.model(), "noisy": toy.model(toy.Sums(noise=1.0))}
    scored = evaluation.score([toy.data_set(wobbly)], models, ensemble=True)
    mean = (scored.probabilities["plain"] + scored.probabilities["noisy"]) / 2
    np.testing.assert_allclose(scored.probabilities["ensemble"], mean, rtol=1e-6)


def test_the_order_of_regions_and_data_sets_does_not_matter(wobbly):
    forward = [toy.data_set(wobbly, "a", ["chr3"]), toy.data_set(wobbly, "b")]
    turned = [replace(one, regions=one.regions[np.arange(len(one.regions))[::-1]]) for one in reversed(forward)]
    one, other = (evaluation.score(sets, {"m": toy.model()}, "chr2,chr3") for sets in (forward, turned))
    np.testing.assert_array_equal(one.regions.ids, other.regions.ids)
    np.testing.assert_array_equal(one.data_set, other.data_set)
    np.testing.assert_array_equal(one.probabilities["m"], other.probabilities["m"])


def test_everywhere_calls_dropped_regions_background(tracks):
    spans = make(["chr3"] * 3, [6000, 8000, 184_000], [8000, 10_000, 186_000], "")
    with Tracks(tracks) as opened:
        found = everywhere(opened, spans, {"m": toy.model()}, toy.CLASSES)["m"]
    np.testing.assert_array_equal(found.argmax(axis=1), [1, 0, 0])
    np.testing.assert_array_equal(found[2], [1, 0, 0])
    assert 0 < found[1, 0] < 1


def test_among_tells_spans_of_one_start_apart():
    spans = make(["chr1", "chr1", "chr2"], [100, 100, 100], [300, 400, 300], "x")
    others = make(["chr2", "chr1"], [100, 100], [300, 400], "y")
    np.testing.assert_array_equal(evaluation.among(spans, others), [False, True, True])


def test_figures_are_the_summary_with_intervals_round_it(wobbly):
    models = {"plain": toy.model(), "noisy": toy.model(toy.Sums(noise=2.0))}
    scored = evaluation.score([toy.data_set(wobbly)], models, "all")
    found = comparison.figures(scored, n_resamples=100, seed=2)
    for name in models:
        plain = metrics.summary(scored.labels, scored.probabilities[name], toy.CLASSES)
        got = found["models"][name]
        assert {key: got[key] for key in ("mAP", "ACC", "MCC")} == {key: plain[key] for key in ("mAP", "ACC", "MCC")}
        assert got["intervals"]["mAP"][0] <= got["mAP"] <= got["intervals"]["mAP"][1]
        assert set(got["classes"]["enhancer"]["intervals"]) == {
            "AP",
            "AUROC",
            "precision",
            "recall",
            "specificity",
            "F1",
        }
    (compared,) = found["comparisons"]
    drawn = bootstrap.figures(scored.labels, list(scored.probabilities.values()), toy.CLASSES, 100, 2)
    assert compared["interval"] == bootstrap.interval(drawn[0]["mAP"] - drawn[1]["mAP"])
    assert compared["mAP_difference"] == pytest.approx(
        found["models"]["plain"]["mAP"] - found["models"]["noisy"]["mAP"]
    )


def test_without_resamples_there_are_no_intervals(tracks):
    found = comparison.figures(evaluation.score([toy.data_set(tracks)], {"a": toy.model(), "b": toy.model()}), 0)
    assert found["comparisons"] == []
    assert "intervals" not in found["models"]["a"]


def test_data_sets_are_won_by_the_model_with_the_higher_map(tracks, wobbly):
    sets = [toy.data_set(tracks, "x"), toy.data_set(wobbly, "y")]
    models = {"plain": toy.model(), "noisy": toy.model(toy.Sums(noise=3.0))}
    found = comparison.by_data_set(evaluation.score(sets, models, "all"))
    assert found["mAP"]["x"] == {"plain": 1.0, "noisy": 1.0}  # where nothing wobbles there is no noise: a draw
    assert found["mAP"]["y"]["plain"] > found["mAP"]["y"]["noisy"]
    assert found["wins"] == [{"first": "plain", "second": "noisy", "won": 1, "of": 1, "p": 1.0}]
    assert comparison.by_data_set(evaluation.score(sets[:1], models)) == {}


@pytest.mark.parametrize(
    ("models", "subset", "message"),
    [
        ({"m": toy.model()}, "chr9", "chr9.* not known"),
        (
            {"m": toy.model(split={"kind": "chromosomes", "train": [], "val": [], "test": ["chr8"]})},
            "test",
            r"no region lies in the test set \(chr8\); give regions of it, or --subset all",
        ),
        ({"m": toy.model(min_nonzero=50)}, "chr1", "all 16 regions of --subset chr1 were dropped by the non-zero rule"),
        ({"m": toy.model(classes=["background", "enhancer"])}, "test", "class promoter, but the model has"),
        (
            {"m": toy.model(), "two": toy.model(classes=["background", "enhancer"])},
            "test",
            "two tells background, enhancer apart, but m background, enhancer, promoter",
        ),
        ({"m": toy.model(bin_size=200)}, "test", "bins of 100 bases, but the model has 200"),
        ({"m": toy.model(marks=["A", "C"])}, "test", "no track of C; it holds A, B"),
        ({"m": toy.model(input="sequence")}, "test", "m: a model of sequence, not of tracks"),
    ],
)
def test_what_does_not_fit_is_refused(tracks, models, subset, message):
    with pytest.raises(InputError, match=message):
        evaluation.score([toy.data_set(tracks)], models, subset)


def test_regions_on_no_chosen_chromosome_are_refused(tracks):
    data_set = toy.data_set(tracks, chroms=["chr1"])
    with pytest.raises(InputError, match="no region lies on --subset chr2"):
        evaluation.score([data_set], {"m": toy.model()}, "chr2")


def test_classes_are_checked_before_the_subset_is_cut(tracks):
    odd = concatenate([toy.regions(), make(["chr1"], [5], [9], "silencer")])
    with pytest.raises(InputError, match="class silencer"):
        evaluation.score([DataSet("", tracks, odd, "")], {"m": toy.model()}, "chr3")


def folds(**changes):
    """Models of three folds by blocks of 20 kb, of which each finds less than the one before."""
    made = []
    for fold, noise in ((1, 0.0), (2, 1.0), (3, 2.0)):
        kept = {"kind": "folds", "by": "block", "folds": 3, "fold": fold, "seed": 1, "block": 20_000}
        rest = {"train": [(fold + 1) % 3 + 1], "val": [fold % 3 + 1], "test": [fold]}
        made.append(toy.model(toy.Sums(noise=noise), split=kept | rest, group="g", **changes))
    return Entry(tuple(made))


RULE = FoldRule(3, "block", 20_000, 1)


def test_folds_are_pooled_over_their_test_sets(wobbly):
    entry = folds(min_nonzero=0)
    scored = evaluation.score([toy.data_set(wobbly)], {"m": entry})
    regions = toy.regions().sorted()
    number = RULE.number(regions)
    assert 0 < (number == 0).sum() < len(number)  # regions near a border belong to no fold
    np.testing.assert_array_equal(scored.regions.ids, regions[number > 0].ids)
    np.testing.assert_array_equal(scored.fold["m"], number[number > 0])
    for i, model in enumerate(entry.models, 1):
        alone = evaluation.score([toy.data_set(wobbly)], {"m": model}).probabilities["m"]
        np.testing.assert_array_equal(scored.probabilities["m"][scored.fold["m"] == i], alone)


def test_the_mean_of_folds_is_taken_where_an_ensemble_is_asked_for_off_their_test_sets(wobbly):
    entry = folds(min_nonzero=0)
    scored = evaluation.score([toy.data_set(wobbly)], {"m": entry}, "all", ensemble=True)
    each = {str(i): replace(model, settings=toy.settings(min_nonzero=0)) for i, model in enumerate(entry.models)}
    alone = evaluation.score([toy.data_set(wobbly)], each, "all").probabilities
    np.testing.assert_allclose(scored.probabilities["m"], np.mean(list(alone.values()), axis=0), atol=1e-6)


def test_tiles_are_judged_by_the_fold_of_their_place(wobbly):
    data_set, entry = toy.data_set(wobbly), folds()
    scored = evaluation.score([data_set], {"m": entry})
    found = prevalence.along_genome([data_set], {"m": entry}, scored)["m"]
    spans = concatenate([prevalence.tiles(chrom, toy.WIDTH * toy.TILES, toy.WIDTH) for chrom in toy.CHROMS])
    used = RULE.number(spans) > 0
    hit = overlaps(spans, toy.regions()[toy.regions().name == "enhancer"])
    assert found["enhancer"].outside == (used & ~hit).sum()
    assert found["enhancer"].prevalence == pytest.approx(hit[used].mean())
    assert found["enhancer"].recall == (scored.probabilities["m"].argmax(axis=1) == 1)[scored.labels == 1].mean()


def test_folds_without_regions_here_say_what_to_do(tracks):
    split = {"kind": "folds", "by": "random", "folds": 3, "seed": 1, "train": [], "val": [], "test": ["chr9:0-5"]}
    entry = Entry(tuple(toy.model(split=split | {"fold": fold}, group="g") for fold in (1, 2)))
    with pytest.raises(InputError, match=r"\(folds by random\); give regions of it, or --subset all with --ensemble"):
        evaluation.score([toy.data_set(tracks)], {"m": entry})
