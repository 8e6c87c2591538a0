import numpy as np
import pytest

from crekit.errors import InputError
from crekit.genome.regions import make
from crekit.training import folds, splits
from crekit.training.clusters import find_clusters
from crekit.training.folds import FoldRule, FoldSplit, as_parts


def scattered(n: int = 600, seed: int = 0, chroms: int = 3):
    random = np.random.default_rng(seed)
    chrom = [f"chr{i}" for i in random.integers(1, chroms + 1, n)]
    start = random.integers(0, 50_000_000, n)
    return make(chrom, start, start + random.integers(200, 900, n), ["a" if i % 3 else "b" for i in range(n)])


def test_a_fold_tests_on_its_part_and_chooses_by_the_next():
    number = np.array([1, 2, 3, 4, 0])
    np.testing.assert_array_equal(as_parts(number, 2, 4), [0, 2, 1, 0, -1])
    np.testing.assert_array_equal(as_parts(number, 4, 4), [1, 0, 0, 2, -1])  # after the last comes the first


def test_every_region_is_tested_once_over_all_folds():
    regions = scattered()
    rule = FoldRule(5)
    tested = np.stack([FoldSplit(rule, fold).assign(regions) == 2 for fold in range(1, 6)])
    np.testing.assert_array_equal(tested.sum(axis=0), (rule.number(regions) > 0).astype(int))


def test_a_block_has_the_same_part_in_every_data_set():
    rule = FoldRule(4, block=100_000)
    one, other = (
        make(["chr1"], [1_020_000], [1_020_300], "a"),
        make(["chr7", "chr1"], [5, 1_060_000], [9, 1_060_900], "b"),
    )
    assert rule.number(one)[0] == rule.number(other)[1] > 0


def test_the_midpoint_decides_and_neighbours_of_another_part_are_dropped():
    rule = FoldRule(3, block=10_000, seed=2)
    blocks = rule.number(make(["chr1"] * 40, np.arange(40) * 10_000 + 5_000, np.arange(40) * 10_000 + 5_100, "a"))
    edge = next(i for i in range(39) if blocks[i] != blocks[i + 1])
    inner = next(i for i in range(39) if blocks[i] == blocks[i + 1])
    end = (edge + 1) * 10_000
    near = make(["chr1"] * 3, [end - 1_200, end - 1_100, end + 1_001], [end - 1_000, end - 999, end + 1_100], "a")
    np.testing.assert_array_equal(rule.number(near), [blocks[edge], 0, blocks[edge + 1]])
    across = make(["chr1"], [(inner + 1) * 10_000 - 50], [(inner + 1) * 10_000 + 60], "a")
    assert rule.number(across)[0] == blocks[inner + 1]


def test_no_two_regions_of_different_parts_are_near_each_other():
    regions = scattered(4_000, chroms=1).sorted()
    number = FoldRule(5, block=200_000).number(regions)
    kept, number = regions[number > 0], number[number > 0]
    gaps = kept.start[1:] - np.maximum.accumulate(kept.end)[:-1]
    assert (gaps[number[1:] != number[:-1]] >= 2 * folds.NEAR).all()


def test_seed_and_number_of_folds_change_the_parts():
    regions = scattered()
    parts = [tuple(FoldRule(k, seed=seed).number(regions)) for k, seed in ((5, 1), (5, 2), (6, 1))]
    assert len(set(parts)) == 3


def test_whole_chromosomes_stay_together_and_parts_are_alike_in_size():
    regions = scattered(2_000, chroms=10)
    number = FoldRule(5, by="chromosome").number(regions)
    for chrom in set(regions.chrom):
        assert len(set(number[regions.chrom == chrom])) == 1
    sizes = np.bincount(number, minlength=6)[1:]
    assert sizes.min() > 300


def mutated(parent: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    changed = random.random(len(parent)) < share
    return np.where(changed, (parent + random.integers(1, 4, len(parent))) % 4, parent).astype(np.uint8)


def test_relatives_stay_together_on_either_strand():
    random = np.random.default_rng(0)
    families = []
    for _ in range(60):
        parent = random.integers(0, 4, 300).astype(np.uint8)
        families.append(
            [parent, mutated(parent, 0.05, random), 3 - mutated(parent, 0.05, random)[::-1], parent[60:200]]
        )
    codes = [member for family in families for member in family]
    regions = make([""] * len(codes), [0] * len(codes), [len(c) for c in codes], ["a", "b"] * (len(codes) // 2))
    number = FoldRule(4, by="cluster").number(regions, lambda: find_clusters(codes)).reshape(60, 4)
    assert (number == number[:, :1]).all()
    assert sorted(np.bincount(number[:, 0])[1:]) == [15, 15, 15, 15]


def test_random_folds_hold_the_same_share_of_each_class():
    regions = scattered(500)
    number = FoldRule(5, by="random").number(regions)
    for name in "ab":
        counts = np.bincount(number[regions.name == name], minlength=6)[1:]
        assert counts.max() - counts.min() <= 1


def test_records_of_a_fasta_have_no_blocks_and_tracks_no_clusters():
    records = make(["", ""], [0, 0], [200, 200], "a")
    with pytest.raises(InputError, match=r"--by block: records of a FASTA have no place .*; use --by cluster"):
        FoldRule(3).number(records)
    with pytest.raises(InputError, match="--by cluster: tracks have no sequence"):
        FoldRule(3, by="cluster").number(scattered(9))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((2, None, None, 10**6), "--folds 2: training, validation and test need at least 3"),
        ((5, 6, None, 10**6), "--fold 6: give a number from 1 to 5"),
        ((5, 1, "gene", 10**6), "--by gene: choose one of block, chromosome, cluster, random"),
        ((5, 1, None, 2_000), "--block 2000: give more than 2000 bases"),
    ],
)
def test_what_cannot_be_a_fold_is_refused(args, message):
    with pytest.raises(InputError, match=message):
        folds.choose(*args, seed=1, default="block")


@pytest.mark.parametrize("by", ["block", "chromosome", "random"])
def test_the_record_of_a_split_gives_its_members_back(by):
    regions = scattered(300, chroms=8)
    split = FoldSplit(FoldRule(4, by=by, seed=3), 2)
    parts = split.assign(regions)
    record = splits.with_ids(split, regions, parts)
    for i, part in enumerate(splits.PARTS):
        np.testing.assert_array_equal(splits.members(record, part, regions), parts == i)
