from dataclasses import replace

import numpy as np
import pytest
import torch
import toy_sequences as toy
import toy_signal

from crekit.errors import InputError
from crekit.evaluation import entries_load
from crekit.evaluation.entries import ALL, NONE, Entry, choose, judged, shared_classes
from crekit.models import file as model_file
from crekit.models import registry
from crekit.training import splits

REGIONS = toy.regions()


@pytest.fixture
def saved(tmp_path):
    """Writes models of folds of a run, and returns their paths."""

    def save(stem, folds=(1, 2, 3), group="g", sha="s"):
        paths = []
        for fold in folds:
            record = {"options": {}, "inputs": [{"role": "sequences", "name": "", "sha256": sha}]}
            settings = toy.model("block", fold, group=group, record=record).settings
            name = f"{stem}.fold{fold}" if group else stem
            network = registry.find("kmer-logistic").build(2, toy.WIDTH)
            torch.nn.init.constant_(network.bias, len(stem))  # so that no two files are the same
            model_file.save(tmp_path / f"{name}.safetensors", settings, network)
            paths.append(tmp_path / f"{name}.safetensors")
        return paths

    return save


def unnamed(paths):
    return [(None, path) for path in paths]


def test_folds_of_a_run_are_one_entry_called_by_their_stem(saved):
    found = entries_load.load(unnamed(saved("cnn", (3, 1, 2))))
    assert list(found) == ["cnn"]
    assert found["cnn"].folds.tolist() == [1, 2, 3]
    assert found["cnn"].missing == []


def test_a_single_fold_keeps_its_name_and_lacks_the_others(saved):
    found = entries_load.load(unnamed(saved("cnn", (2,))))
    assert list(found) == ["cnn.fold2"]
    assert found["cnn.fold2"].missing == [1, 3]


def test_runs_stay_apart_and_take_given_names(saved):
    files = unnamed(saved("a", group="one")) + [("mine", path) for path in saved("b", group="two")]
    assert {name: len(entry.models) for name, entry in entries_load.load(files).items()} == {"a": 3, "mine": 3}


def test_runs_on_different_data_that_are_given_one_name_are_one_entry(saved):
    files = [("cnn", p) for p in saved("x", group="one", sha="1") + saved("y", group="two", sha="2")]
    entry = entries_load.load(files)["cnn"]
    assert entry.mixed
    assert entry.members({"1"}) == [0, 1, 2]
    assert entry.members({"2"}) == [3, 4, 5]
    with pytest.raises(InputError, match="was trained on one of these data sets"):
        entry.members({"3"})


def test_what_cannot_be_one_entry_is_refused(saved, tmp_path):
    cnn = saved("cnn", (1, 2))
    with pytest.raises(InputError, match=r"fold 1 of cnn is given twice; give each fold once"):
        entries_load.load(unnamed([*cnn, cnn[0]]))
    with pytest.raises(InputError, match="folds of one run are called a and b; they are judged as one"):
        entries_load.load([("a", cnn[0]), ("b", cnn[1])])
    other = saved("other", (1, 2), group="h")
    with pytest.raises(InputError, match=r"two models are called x; name them: -m NAME=other\.fold1"):
        entries_load.load([("x", path) for path in cnn + other])  # of the same data
    network = registry.find("deepregfinder-cnn").build(2, 3, 20)
    model_file.save(tmp_path / "signal.safetensors", toy_signal.settings(), network)
    with pytest.raises(InputError, match=r"signal.safetensors: a model of tracks, but .*fold1.safetensors is one of"):
        entries_load.load(unnamed([cnn[0], tmp_path / "signal.safetensors"]))


def test_a_region_is_owned_by_the_fold_that_tests_it_and_by_none_near_a_border():
    entry = Entry(toy.folds())
    owner = entry.owners(REGIONS)
    np.testing.assert_array_equal(owner + 1, toy.RULE.number(REGIONS))
    for i, model in enumerate(entry.models):
        np.testing.assert_array_equal(owner == i, splits.members(model.settings.split, "test", REGIONS))
    assert Entry(entry.models[:2]).owners(REGIONS).max() == 1
    assert (Entry(entry.models[:2]).owners(REGIONS) == NONE).any()


def test_a_region_in_two_test_sets_is_refused():
    first, second, third = toy.folds("random")
    twice = {**second.settings.split, "test": [*second.settings.split["test"], first.settings.split["test"][0]]}
    bad = replace(second, settings=replace(second.settings, split=twice))
    with pytest.raises(InputError, match=r"is in the test sets of random\.fold1 and random\.fold2"):
        Entry((first, bad, third)).owners(REGIONS)


def test_places_are_owned_by_block_or_chromosome_but_not_at_random():
    np.testing.assert_array_equal(Entry(toy.folds()).by_place(REGIONS), Entry(toy.folds()).owners(REGIONS))
    assert Entry(toy.folds("random")).by_place(REGIONS) is None
    by_chromosome = []
    for fold, chrom in ((1, "chr2"), (2, "chr1")):
        ids = list(REGIONS[REGIONS.chrom == chrom].ids)
        split = {**toy.split("random", fold), "by": "chromosome", "test": ids}
        by_chromosome.append(toy.model("random", fold, split=split))
    np.testing.assert_array_equal(
        Entry(tuple(by_chromosome)).by_place(REGIONS), np.where(REGIONS.chrom == "chr2", 0, 1)
    )


@pytest.mark.parametrize(
    ("subset", "averaged", "chroms", "of_folds", "of_one"),
    [
        ("test", False, {"chr2"}, {0, 1, 2}, {0}),
        ("all", False, {"chr1", "chr2"}, {0, 1, 2}, {0}),
        ("chr1", False, {"chr1"}, {0, 1, 2}, {0}),
        ("chr1", True, {"chr1"}, {ALL}, {0}),
    ],
)
def test_who_judges_what(subset, averaged, chroms, of_folds, of_one):
    entries = {"folds": Entry(toy.folds()), "one": Entry((toy.model("chromosomes"),))}
    chosen, judges = choose(entries, REGIONS, subset, list(toy.SIZES), averaged=averaged)
    assert set(REGIONS.chrom[chosen]) == chroms
    assert set(judges["folds"][chosen]) == of_folds
    assert set(judges["one"][chosen]) == of_one


def test_each_region_gets_its_judges_answer_or_the_mean():
    entry = Entry(toy.folds())

    def score(model, rows):
        return np.full((len(rows), 2), float(model.settings.split["fold"]))

    found = judged(entry, np.array([2, ALL, 0, NONE]), [0, 2], score, 2)
    np.testing.assert_array_equal(found[:, 0], [3, 2, 1, 0])


def test_models_of_other_classes_are_not_compared():
    other = toy.model("chromosomes", classes=["background", "promoter"])
    with pytest.raises(InputError, match="b tells background, promoter apart, but a background, enhancer"):
        shared_classes({"a": Entry(toy.folds()), "b": Entry((other,))})
