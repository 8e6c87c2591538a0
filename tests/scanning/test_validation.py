import numpy as np
import pytest

from crekit.genome.regions import make
from crekit.scanning.validation import SHUFFLES, generator_of, shuffle, validate


def test_a_block_counts_when_a_widened_marker_shares_a_base_with_it():
    blocks = make(["chr1"] * 4, [0, 5000, 9000, 20_000], [2000, 7000, 11_000, 22_000], "enhancer")
    markers = make(["chr1", "chr1", "chr2"], [4500, 13_500, 20_000], [4600, 13_600, 22_000], "")
    # 4500 - 2500 = 2000 is just past the first block; 13,500 - 2500 = 11,000 just past the third.
    for distance, expected in ((2500, 1), (2501, 3), (0, 0)):
        assert validate(blocks, 30_000, markers, distance, np.random.default_rng(1)).validated == expected


def test_random_places_keep_lengths_and_stay_inside(rng):
    blocks = make(["chr1"] * 3, [0, 100, 500], [2000, 150, 10_000], "enhancer")
    places = shuffle(blocks, 10_000, rng, times=200)
    np.testing.assert_array_equal(places.end - places.start, np.repeat([2000, 50, 9500], 200))
    assert places.start.min() >= 0
    assert places.end.max() <= 10_000
    # 9500 bases have 501 places on 10,000, the first and the last of them too.
    longest = shuffle(blocks[2:], 10_000, rng, times=20_000).start
    assert (longest.min(), longest.max()) == (0, 500)


def test_the_random_rate_is_the_share_of_places_that_meet_a_marker(rng):
    # A block of 2,000 bases meets a marker of 100, widened by 400, at 2,000 + 900 - 1 of 98,001 places.
    blocks = make(["chr1"] * 1000, [0] * 1000, [2000] * 1000, "enhancer")
    markers = make(["chr1"] * 3, [20_000, 50_000, 80_000], [20_100, 50_100, 80_100], "")
    checked = validate(blocks, 100_000, markers, 400, rng)
    assert checked.shuffled == 1000 * SHUFFLES
    expected = 3 * 2899 / 98_001
    spread = np.sqrt(expected * (1 - expected) / checked.shuffled)
    assert checked.shuffled_validated / checked.shuffled == pytest.approx(expected, abs=4 * spread)


def test_no_blocks_give_no_counts(rng):
    nothing = make([], [], [], [])
    checked = validate(nothing, 1000, make(["chr1"], [0], [10], ""), 100, rng)
    assert (checked.validated, checked.shuffled, checked.shuffled_validated) == (0, 0, 0)


def test_random_numbers_depend_on_seed_chromosome_and_class_alone():
    draws = {
        (seed, chrom, name): generator_of(seed, chrom, name).integers(10**9)
        for seed in (1, 2)
        for chrom in ("chr1", "chr2")
        for name in ("enhancer", "promoter")
    }
    assert len(set(draws.values())) == len(draws)
    assert draws[1, "chr1", "enhancer"] == generator_of(1, "chr1", "enhancer").integers(10**9)
