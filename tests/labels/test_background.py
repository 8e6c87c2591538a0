"""Drawing background: groups of chromosomes, numbers, seeds."""

import numpy as np
import pytest

from crekit.errors import InputError
from crekit.genome.regions import make
from crekit.labels.background import Group, groups, parse_groups, sample

KNOWN = ["chr1", "chr2", "chr3", "chr10", "chrX"]


@pytest.fixture
def tiles():
    chroms = [chrom for chrom in KNOWN for _ in range(50)]
    starts = [2000 * i for _ in KNOWN for i in range(50)]
    return make(chroms, starts, [start + 2000 for start in starts], "background")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("chr1-chr3=10,chr10-chrX=20", [(("chr1", "chr2", "chr3"), 10), (("chr10", "chrX"), 20)]),
        ("chr10=5, chr1,chr3=7", [(("chr1", "chr3"), 7), (("chr10",), 5)]),
        ("chr1,chr10-chrX=0", [(("chr1", "chr10", "chrX"), 0)]),
    ],
)
def test_a_group_is_all_that_stands_before_its_number(expression, expected):
    assert [(group.chroms, group.number) for group in parse_groups(expression, KNOWN)] == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("chr1", "no number after 'chr1'"),
        ("chr1=10,chr2", "no number after 'chr2'"),
        ("chr1=many", "'many' is not a number"),
        ("chr1=-3", "'-3' is not a number"),
        ("chr1-chr3=10,chr2=10", "chr2 is in two groups"),
        ("chr1=10,chr4=10", "'chr4' is not known"),
        ("=10", "no chromosome is named"),
    ],
)
def test_wrong_groups_are_refused(expression, message):
    with pytest.raises(InputError, match=message):
        parse_groups(expression, KNOWN)


def test_a_number_and_groups_exclude_each_other():
    assert groups(None, None, KNOWN) == [Group(tuple(KNOWN), 30000)]
    assert groups(7, None, KNOWN) == [Group(tuple(KNOWN), 7)]
    assert groups(None, "chr1=7", KNOWN) == [Group(("chr1",), 7)]
    with pytest.raises(InputError, match="exclude each other"):
        groups(7, "chr1=7", KNOWN)
    with pytest.raises(InputError, match="0 or more"):
        groups(-1, None, KNOWN)


def test_every_group_gets_its_number_and_no_tile_comes_twice(tiles):
    drawn = sample(tiles, [Group(("chr1", "chr2"), 30), Group(("chrX",), 10)], seed=1)
    assert (len(drawn), int((drawn.chrom == "chrX").sum())) == (40, 10)
    assert set(drawn.chrom) == {"chr1", "chr2", "chrX"}
    assert len(set(drawn.ids)) == 40
    np.testing.assert_array_equal(drawn.ids, drawn.sorted().ids)


def test_the_seed_fixes_the_draw(tiles):
    everywhere = [Group(tuple(KNOWN), 40)]
    np.testing.assert_array_equal(sample(tiles, everywhere, seed=3).ids, sample(tiles, everywhere, seed=3).ids)
    assert set(sample(tiles, everywhere, seed=3).ids) != set(sample(tiles, everywhere, seed=4).ids)


def test_too_few_tiles_are_all_taken_with_a_warning(tiles, caplog):
    drawn = sample(tiles, [Group(("chr1", "chr2"), 101), Group(("chr3",), 5)], seed=1)
    assert len(drawn) == 105
    assert "warning: chr1..chr2 has 100 background tiles where 101 are asked for; all are taken" in caplog.text


def test_every_tile_is_as_likely(tiles):
    times = sum(np.isin(tiles.ids, sample(tiles, [Group(tuple(KNOWN), 50)], seed=seed).ids) for seed in range(200))
    assert abs(times.mean() - 40) < 1e-9
    assert times.min() > 15
    assert times.max() < 70
