import numpy as np
import pytest

from crekit.errors import InputError
from crekit.genome.regions import concatenate, make
from crekit.training import splits
from crekit.training.folds import FoldRule, FoldSplit

KNOWN = [f"chr{i}" for i in range(1, 23)] + ["chrX", "chrY"]


def test_chromosomes_go_to_the_part_that_names_them():
    split = splits.by_chromosome("chr1-chr3", "chr4,chr6", "chrX", KNOWN)
    regions = make(["chr2", "chr6", "chrX", "chr5"], [0] * 4, [10] * 4, "enhancer")
    np.testing.assert_array_equal(split.assign(regions), [0, 1, 2, -1])
    assert split.record()["val"] == ["chr4", "chr6"]


def test_a_chromosome_in_two_parts_is_refused():
    with pytest.raises(InputError, match="chr7 is in both --train and --test"):
        splits.by_chromosome("chr1-chr7", "chr8", "chr7", KNOWN)


def test_an_unknown_chromosome_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="chromosome '1' is not known; known are chr1, chr2"):
        splits.by_chromosome("1", "chr8", "chr7", KNOWN)


def test_a_random_split_keeps_the_shares_of_every_class():
    names = ["enhancer"] * 100 + ["background"] * 500
    regions = make(["chr1"] * 600, range(600), range(1, 601), names)
    parts = splits.at_random("0.6,0.2,0.2", seed=4).assign(regions)
    assert [int(np.sum(parts[:100] == i)) for i in range(3)] == [60, 20, 20]
    assert [int(np.sum(parts[100:] == i)) for i in range(3)] == [300, 100, 100]


@pytest.mark.parametrize("shares", ["0.6,0.4", "0.6,0.3,0.2", "a,b,c", "1,0,0"])
def test_shares_that_are_no_split_are_refused(shares):
    with pytest.raises(InputError, match="give three positive shares with the sum 1"):
        splits.at_random(shares, 1)


def test_an_incomplete_or_double_split_is_refused():
    with pytest.raises(InputError, match=r"give (--val and )?--test too|no split; give --train"):
        splits.choose("chr1", "chr2", None, None, 1)
    with pytest.raises(InputError, match="--random goes without"):
        splits.choose("chr1", "chr2", "chr3", "0.6,0.2,0.2", 1)


def test_members_of_a_part_are_found_again_from_the_models_record():
    regions = make(["chr1", "chr2", "chr1"], [0, 0, 50], [10, 10, 60], "enhancer")
    split = splits.by_chromosome("chr1", "chr2", "chr3", KNOWN)
    np.testing.assert_array_equal(splits.members(split.record(), "train", regions), [True, False, True])
    lot = splits.at_random("0.4,0.3,0.3", 1)
    parts = np.array([2, 0, 1])
    np.testing.assert_array_equal(splits.members(splits.with_ids(lot, regions, parts), "test", regions), parts == 2)


def test_an_empty_part_and_a_small_class_are_refused():
    counts = {"train": {"a": 9, "b": 9}, "val": {"a": 9, "b": 1}, "test": {"a": 0, "b": 0}}
    with pytest.raises(InputError, match="--test holds no site"):
        splits.require_enough(counts, ["a", "b"])
    counts["test"]["a"] = 1
    with pytest.raises(InputError, match=r"class b has 1 site\(s\) in --val, and needs at least 2"):
        splits.require_enough(counts, ["a", "b"])


def test_a_region_of_two_data_sets_has_one_part():
    one, other = (
        make(["chr1"] * 40, range(40), range(100, 140), "a"),
        make(["chr1"] * 40, range(20, 60), range(120, 160), "a"),
    )
    both = concatenate([one, other])
    parts = splits.assign_all(splits.at_random("0.4,0.3,0.3", 1), both, both.ids)
    np.testing.assert_array_equal(parts[20:40], parts[40:60])
    assert set(parts) == {0, 1, 2}


def test_a_fold_whose_test_lacks_a_class_is_refused():
    split = FoldSplit(FoldRule(5), 3)
    counts = {"train": {"a": 9, "b": 9}, "val": {"a": 9, "b": 9}, "test": {"a": 9, "b": 0}}
    with pytest.raises(
        InputError, match=r"class b has 0 site\(s\) in the test part of fold 3, and needs at least 1; use"
    ):
        splits.require_enough(counts, ["a", "b"], split)
    splits.require_enough(counts, ["a", "b"])
