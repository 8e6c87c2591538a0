"""Counts of bins and regions against featureCounts, EpiCSeg, and plain loops."""

import math
from pathlib import Path

import numpy as np
import pytest
from reads import SIZES, bins_of, feature_counts, simulate, write_bam

from crekit.errors import InputError
from crekit.genome.regions import make
from crekit.signal import bam, counting
from crekit.signal.alignments import of_bam_chromosome
from crekit.signal.rules import Filters, Rule, parse_shift

BAMS = [
    "bam/h1/H3K27me3_rep1.bam", "bam/h1/H3K4me1_rep1.bam", "bam/h1/H3K4me1_rep2.bam", "bam/h1/H3K4me3_rep1.bam",
    "bam/k562/H3K36me3_rep1.bam", "bam/k562/H3K4me3_rep1.bam", "bam/k562/Input_rep1.bam",
]  # fmt: skip


def count(path: Path, chrom: str, rule: Rule | None = None) -> tuple[np.ndarray, int]:
    """Bins of a chromosome, and reads counted."""
    rule = rule or Rule()
    sizes = bam.read_header(path).sizes
    number = list(sizes).index(chrom)
    places = bam.read_index(bam.find_index(path))
    batches = of_bam_chromosome(path, rule.filters, number, places[number].offset) if number in places else []
    return counting.count_bins(batches, sizes[chrom], rule)


@pytest.mark.parametrize("name", BAMS)
def test_real_reads_are_counted_as_featurecounts_does(data, tmp_path, name):
    bins, _ = count(data / name, "chr1")
    taken = np.flatnonzero(bins)
    first, last = taken[0] - 20, taken[-1] + 20  # where no read lies, there is nothing to compare
    paired = ["-p"] if "k562" in name else []
    expected = feature_counts(data / name, tmp_path, bins_of("chr1", first * 100, last * 100), *paired)
    assert expected.sum() == bins.sum() > 1000
    np.testing.assert_array_equal(bins[first:last], expected)


@pytest.mark.parametrize(("paired", "options"), [(False, []), (True, ["-p"])])
def test_simulated_reads_are_counted_as_featurecounts_does(tmp_path, paired, options):
    path = write_bam(tmp_path / "x.bam", simulate(6000, seed=2, paired=paired))
    for chrom, size in SIZES.items():
        bins, _ = count(path, chrom)
        np.testing.assert_array_equal(bins, feature_counts(path, tmp_path, bins_of(chrom, 0, size), *options))
    bins, _ = count(path, "chr1", Rule(bin_size=1000))
    np.testing.assert_array_equal(
        bins, feature_counts(path, tmp_path, bins_of("chr1", 0, SIZES["chr1"], 1000), *options)
    )


@pytest.mark.parametrize(
    ("filters", "options"),
    [
        (Filters(multimappers="keep"), ["-M"]),
        (Filters(duplicates="drop"), ["--ignoreDup"]),
        (Filters(min_mapq=30), ["-Q", "30"]),
        (Filters(multimappers="keep", secondary="drop"), ["-M", "--primary"]),
    ],
)
def test_filters_are_those_of_featurecounts(tmp_path, filters, options):
    path = write_bam(tmp_path / "x.bam", simulate(2000, seed=3))
    bins, _ = count(path, "chr1", Rule(filters=filters))
    np.testing.assert_array_equal(bins, feature_counts(path, tmp_path, bins_of("chr1", 0, SIZES["chr1"]), *options))


def test_a_read_counts_where_half_of_it_lies(tmp_path):
    starts = [49, 50, 51, 74, 75, 76]
    path = write_bam(tmp_path / "x.bam", [{"start": start} for start in starts])
    bins, counted = count(path, "chr1")
    # 50 bases from 75 on: 25 lie in either bin, and the read counts in both.
    np.testing.assert_array_equal(bins[:3], [5, 2, 0])
    assert counted == 6


def test_clipped_bases_count_as_length_and_deleted_ones_as_nothing(tmp_path):
    records = [
        {"start": 40, "cigar": "30S20M"},  # 20 of 50 bases lie anywhere: counts nowhere
        {"start": 180, "cigar": "25M60D25M"},  # 20 + 5 of 50 bases: 20 in one bin, 5 and 25 in the next
    ]
    bins, counted = count(write_bam(tmp_path / "x.bam", records), "chr1")
    np.testing.assert_array_equal(bins[:4], [0, 0, 1, 0])
    assert counted == 1


@pytest.mark.parametrize(
    ("share", "expected"), [(0, [2, 2]), (0.3, [1, 2]), (0.31, [0, 2]), (0.7, [0, 2]), (0.71, [0, 1]), (1, [0, 0])]
)
def test_the_least_share_of_a_read_is_enough(tmp_path, share, expected):
    records = [{"start": 85}, {"start": 99}]  # 15 of 50 bases and 1 of 50 bases lie in the first bin
    bins, _ = count(write_bam(tmp_path / "x.bam", records), "chr1", Rule(min_overlap=share))
    np.testing.assert_array_equal(bins[:2], expected)


def test_five_prime_ends_equal_those_of_epicseg(data):
    folder = data / "oracles" / "epicseg"
    lines = (folder / "counts.txt").read_text().splitlines()
    expected = np.array([line.split("\t") for line in lines[1:]], dtype=np.int64)
    rule = Rule(bin_size=200, count="five-prime", shift=(75, 75))
    for column, mark in enumerate(lines[0].split("\t")):
        bins, _ = count(folder / f"{mark}.bam", "chr21", rule)
        found = []
        for line in (folder / "contigs.bed").read_text().splitlines():
            chrom, start, end = line.split("\t")
            assert (chrom, int(start) % 200, int(end) % 200) == ("chr21", 0, 0)
            found.append(bins[int(start) // 200 : int(end) // 200])
        np.testing.assert_array_equal(np.concatenate(found), expected[:, column])
        assert expected[:, column].sum() > 50_000


def test_five_prime_ends_move_downstream_on_their_strand_and_not_off_the_chromosome(tmp_path):
    records = [
        {"start": 96, "flag": 0, "cigar": "5S45M"},  # 96 + 4
        {"start": 55, "flag": 16, "cigar": "45M5S"},  # ends at 99, less 5
        {"start": 10_046, "flag": 0, "cigar": "4M"},  # 10,050 is off the chromosome
        {"start": 0, "flag": 16, "cigar": "5M"},  # 4 - 5 too
    ]
    records.sort(key=lambda record: record["start"])
    path = write_bam(tmp_path / "x.bam", records)
    bins, counted = count(path, "chr1", Rule(count="five-prime", shift=parse_shift("4,5")))
    np.testing.assert_array_equal(np.flatnonzero(bins), [0, 1])
    assert counted == 2
    bins, counted = count(path, "chr1", Rule(count="five-prime"))
    assert counted == 4


def plain_spans(
    spans: list[tuple[int, int]], size: int, share: float = 0.5, width: int = 100
) -> tuple[np.ndarray, int]:
    bins, counted = np.zeros(math.ceil(size / width), int), 0
    for start, end in spans:
        covered = np.arange(max(start, 0), min(end, size))
        held = np.bincount(covered // width, minlength=len(bins)) if len(covered) else np.zeros(len(bins), int)
        taken = held >= max(1, share * min(len(covered), width))
        bins += taken
        counted += bool(taken.any())
    return bins, counted


def test_fragments_count_each_proper_pair_once(tmp_path):
    records = simulate(3000, seed=5, paired=True)
    path = write_bam(tmp_path / "x.bam", records)
    spans = []
    for record in records:
        hits = next((tag[1] for tag in record["tags"] if tag[0] == "NH"), 1)
        proper = record["flag"] & 2 and not record["flag"] & (4 | 2048)
        if record["chrom"] == "chr1" and proper and record["tlen"] > 0 and hits == 1:
            spans.append((record["start"], record["start"] + record["tlen"]))
    assert len(spans) > 300
    bins, counted = count(path, "chr1", Rule(count="fragments"))
    expected, expected_counted = plain_spans(spans, SIZES["chr1"])
    np.testing.assert_array_equal(bins, expected)
    assert counted == expected_counted


@pytest.mark.parametrize("extend", [20, 150, 450])
def test_extended_reads_reach_from_their_five_prime_end(tmp_path, extend):
    starts = [(0, 16), (0, 0), (60, 16), (500, 0), (777, 16), (9_900, 0), (10_000, 16), (10_000, 0)]
    path = write_bam(tmp_path / "x.bam", [{"start": start, "flag": flag} for start, flag in starts])
    spans = [(start + 50 - extend, start + 50) if flag else (start, start + extend) for start, flag in starts]
    bins, counted = count(path, "chr1", Rule(extend=extend))
    expected, expected_counted = plain_spans(spans, SIZES["chr1"])
    np.testing.assert_array_equal(bins, expected)
    assert counted == expected_counted


def regions_at_random(rng: np.random.Generator, number: int = 200):
    chrom = rng.choice(list(SIZES), number)
    ends = np.array([np.sort(rng.choice(SIZES[name] + 1, 2, replace=False)) for name in chrom])
    return make(chrom, ends[:, 0], ends[:, 1], "x")


@pytest.mark.parametrize(("strand", "options"), [(None, []), ("+", ["-s", "1"]), ("-", ["-s", "2"])])
def test_reads_in_regions_are_counted_as_featurecounts_does(tmp_path, rng, strand, options):
    records = simulate(3000, seed=6)
    path = write_bam(tmp_path / "unsorted.bam", [records[i] for i in rng.permutation(len(records))], order="unsorted")
    regions = regions_at_random(rng)
    spans = list(zip(regions.chrom, regions.start, regions.end, strict=True))
    expected = feature_counts(path, tmp_path, spans, "-f", *options)
    np.testing.assert_array_equal(counting.count_in_regions([path], regions, strand=strand), expected)
    twice = counting.count_in_regions([path, path], regions, strand=strand)
    np.testing.assert_array_equal(twice, 2 * expected)


def test_nascent_rna_without_an_index_is_counted_as_featurecounts_does(data, tmp_path):
    path = data / "groseq" / "mcf7.groseq.chr7.0min.bam"
    starts = np.arange(1_000_000, 159_000_000, 1_000_000)
    regions = make(["chr7"] * len(starts), starts, starts + 2000, "x")
    expected = feature_counts(path, tmp_path, list(zip(regions.chrom, regions.start, regions.end, strict=True)), "-f")
    assert expected.sum() > 200
    np.testing.assert_array_equal(counting.count_in_regions([path], regions), expected)


def test_regions_on_chromosomes_of_another_spelling_are_refused(tmp_path):
    path = write_bam(tmp_path / "x.bam", [{"start": 5}])
    with pytest.raises(InputError, match="chromosome 1 is called chr1 in"):
        counting.count_in_regions([path], make(["1"], [0], [100], "x"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bin_size": 0}, "at least 1 base"),
        ({"count": "pairs"}, "give reads, fragments or five-prime"),
        ({"min_overlap": 1.5}, "between 0 and 1"),
        ({"extend": -1}, "0 or more"),
        ({"extend": 100, "count": "fragments"}, "--extend works on reads"),
        ({"shift": (4, 5)}, "add --count five-prime"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Rule(**settings)


def test_shift_takes_one_number_or_two():
    assert parse_shift("75") == (75, 75)
    assert parse_shift("4,5") == (4, 5)
    assert parse_shift("-4, 5") == (-4, 5)
    for text in ("", "a", "1,2,3", "1,"):
        with pytest.raises(InputError, match="--shift"):
            parse_shift(text)


def test_filters_that_make_no_sense_are_refused():
    for settings in ({"min_mapq": 300}, {"duplicates": "yes"}, {"secondary": ""}, {"multimappers": "unique"}):
        with pytest.raises(InputError, match="--"):
            Filters(**settings)
