import numpy as np
import pytest
import toy_signal as toy

from crekit.evaluation import evaluation, seen
from crekit.evaluation.entries import ALL, Entry
from crekit.genome.regions import make
from crekit.training.folds import FoldRule

FILES = {"tracks": ["t"], "regions": ["r"]}


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return toy.data_set(toy.write_tracks(tmp_path_factory.mktemp("toy") / "tracks.h5"))


def audit(data_set, models, subset="test", kinds=None):
    scored = evaluation.score([data_set], models, subset)
    return seen.audit(scored, models, FILES, kinds or dict.fromkeys(models, ()))


def test_everything_on_a_training_chromosome_may_have_been_seen():
    regions = make(["chr1", "chr2"], [0, 0], [10, 10], "x")
    np.testing.assert_array_equal(seen.near_training(regions, toy.settings()), [True, False])


def test_what_lies_within_1_kb_of_a_randomly_drawn_training_region_may_have_been_seen():
    split = {"kind": "random", "train": ["chr1:5000-7000", "HLA:A:0-50"], "val": [], "test": []}
    regions = make(["chr1", "chr1", "chr2", "HLA:A"], [7999, 8000, 5000, 40], [9000, 9000, 6000, 60], "x")
    np.testing.assert_array_equal(seen.near_training(regions, toy.settings(split=split)), [True, False, False, True])


def test_the_audit_of_an_honest_evaluation(data_set):
    record = {
        "options": {},
        "inputs": [{"role": "tracks", "name": "", "sha256": "t"}, {"role": "regions", "name": "", "sha256": "other"}],
    }
    found = audit(data_set, {"m": toy.model(record=record)})
    assert found["chromosomes"] == ["chr3"]
    of_model = found["models"]["m"]
    assert (of_model["trained_on"], of_model["validated_on"], of_model["near_training"]) == ([], [], 0)
    assert (of_model["same_tracks"], of_model["same_regions"]) == (True, False)
    assert of_model["counts"]["train"] == {"background": 1, "enhancer": 1, "promoter": 1}


def test_training_and_validation_chromosomes_are_warned_of(data_set):
    found = audit(data_set, {"m": toy.model()}, "all")
    assert found["models"]["m"]["trained_on"] == ["chr1"]
    assert found["models"]["m"]["near_training"] == 14
    assert "m: was trained on chr1, which the figures include; they flatter it" in found["warnings"]
    assert "m: chose its epoch by chr2, which the figures include" in found["warnings"]


def test_neighbours_in_a_random_split_are_warned_of(data_set):
    ids = list(toy.regions().ids)
    split = {"kind": "random", "seed": 1, "train": ["chr3:3000-5000"], "val": [], "test": ids}
    found = audit(data_set, {"m": toy.model(split=split)}, "chr3")
    # chr3:6000-8000 begins 1,000 bases after the training region ends, which is not within them; none other is near.
    assert found["models"]["m"]["near_training"] == 0
    split["train"] = ["chr3:3001-5001"]
    found = audit(data_set, {"m": toy.model(split=split)}, "chr3")
    assert (
        "m: was split at random, and 1 of 14 sites lie within 1000 bases of a training site; the figures flatter it"
        in found["warnings"]
    )
    assert found["models"]["m"]["split"] == {"kind": "random", "seed": 1}


def test_few_sites_and_many_dropped_ones_are_warned_of(data_set):
    warnings = audit(data_set, {"m": toy.model()})["warnings"]
    assert "class promoter has 4 site(s): too few to trust its figures" in warnings
    assert "the non-zero rule dropped 2 of 7 regions of background; the figures hold for the others only" in warnings


def test_tracks_of_another_kind_are_warned_of(data_set):
    found = audit(data_set, {"m": toy.model()}, kinds={"m": ["A holds counts of reads"]})
    assert "m: A holds counts of reads" in found["warnings"]


def fold(number, by, **parts):
    kept = {"kind": "folds", "by": by, "folds": 3, "fold": number, "seed": 1}
    return toy.settings(split=kept | {"train": [], "val": [], "test": []} | parts)


def test_everything_in_a_block_of_training_or_near_a_border_may_have_been_seen():
    regions = toy.regions()
    number = FoldRule(3, "block", 20_000, 1).number(regions)
    settings = fold(1, "block", block=20_000, train=[3], val=[2], test=[1])
    assert set(number) == {0, 1, 2, 3}
    np.testing.assert_array_equal(seen.near_training(regions, settings), np.isin(number, [0, 3]))


def test_everything_on_a_chromosome_that_a_fold_trained_on_may_have_been_seen():
    regions = make(["chr1", "chr2"], [0, 0], [10, 10], "x")
    settings = fold(1, "chromosome", train=["chr1:90000-90010"])
    np.testing.assert_array_equal(seen.near_training(regions, settings), [True, False])


def test_records_have_been_seen_where_their_names_have():
    records = make(["", ""], [0, 0], [10, 10], "x")
    ids = np.array(["r1", "r2"], dtype=object)
    np.testing.assert_array_equal(seen.near_training(records, fold(1, "cluster", train=["r2"]), ids=ids), [False, True])
    assert not seen.near_training(records, toy.settings(), ids=ids).any()  # a split by places says nothing of records


def test_each_site_is_measured_from_the_training_regions_of_its_own_judge():
    regions = make(["chr1"] * 3, [100_000, 200_000, 300_000], [100_010, 200_010, 300_010], "x")
    trained = (["chr1:100500-100600"], ["chr1:260000-260100"])
    entry = Entry(tuple(toy.model(split=fold(i, "random", train=ids).split) for i, ids in enumerate(trained, 1)))
    found = seen.near_known(entry, regions, np.array([0, 1, 1]), regions)
    assert found == {"1000": 1, "10000": 1, "100000": 3}
    assert seen.near_known(entry, regions, np.array([1, 0, 0]), regions) == {"1000": 0, "10000": 0, "100000": 1}
    np.testing.assert_array_equal(seen.near_of(entry, regions, np.array([0, 1, ALL])), [True, False, False])
