from collections import Counter

import numpy as np
import pyBigWig
import pysam
import pytest
from simulate import ELEMENTS, MARKS, simulate

HIGH = {
    "active_enhancer": {"H3K4me1", "H3K27ac"},
    "poised_enhancer": {"H3K4me1", "H3K27me3"},
    "active_promoter": {"H3K4me3", "H3K27ac", "H3K4me1"},
    "poised_promoter": {"H3K4me3", "H3K27me3", "H3K4me1"},
}


def starts(path, reference=None):
    with pysam.AlignmentFile(str(path), reference_filename=reference and str(reference)) as file:
        return [(read.reference_name, read.reference_start, read.flag, read.query_sequence) for read in file]


def near(path, elements, distance=1000):
    """Reads that start within a distance of each element's centre."""
    with pysam.AlignmentFile(str(path)) as bam:
        return np.array([bam.count(e.chrom, e.centre - distance, e.centre + distance) for e in elements])


def test_same_seed_gives_the_same_bytes_in_any_folder(tmp_path):
    for folder in ("a", "b"):
        simulate(tmp_path / folder, seed=3, n_chroms=1)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_other_seed_gives_other_reads(tmp_path):
    one, other = (simulate(tmp_path / str(seed), seed=seed, n_chroms=1) for seed in (1, 2))
    assert one.elements != other.elements
    assert one.control.read_bytes() != other.control.read_bytes()


def test_truth_holds_seven_of_each_class_on_each_chromosome(simulated):
    records = [line.split("\t") for line in simulated.truth.read_text().splitlines()]
    assert set(Counter((fields[0], fields[3]) for fields in records).values()) == {7}
    assert Counter(fields[3] for fields in records) == dict.fromkeys(ELEMENTS, 42)
    assert all(int(end) - int(start) == 2000 for _, start, end, *_ in records)


def test_elements_keep_apart(simulated):
    for one, other in zip(simulated.elements, simulated.elements[1:], strict=False):
        assert one.chrom != other.chrom or other.centre - one.centre >= 7000


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("kind", ELEMENTS)
def test_marks_follow_the_textbook(simulated, kind, mark):
    background = np.median(near(simulated.reads[mark][0], simulated.of("silent", "tfbs")))
    signal = np.median(near(simulated.reads[mark][0], simulated.of(kind)))
    if mark in HIGH[kind]:
        assert signal > 2.2 * background
    else:
        assert signal < 1.7 * background


def test_signal_has_two_peaks_round_a_bare_centre(simulated):
    enhancers = simulated.of("active_enhancer")
    offsets = []
    with pysam.AlignmentFile(str(simulated.reads["H3K27ac"][0])) as bam:
        for enhancer in enhancers:
            for read in bam.fetch(enhancer.chrom, enhancer.centre - 1200, enhancer.centre + 1200):
                middle = read.reference_end - 100 if read.is_reverse else read.reference_start + 100
                offsets.append(middle - enhancer.centre)
    left, centre, right = (np.histogram(offsets, [first, first + 300])[0][0] for first in (-450, -150, 150))
    assert left > 3 * centre
    assert right > 3 * centre


def test_background_windows_pass_the_nonzero_rule(simulated):
    """A window of 2 kb without anything in it has reads in many more than 5 of its 20 x 4 bins."""
    for silent in simulated.of("silent"):
        bins = set()
        for mark in MARKS:
            with pysam.AlignmentFile(str(simulated.reads[mark][0])) as bam:
                reads = bam.fetch(silent.chrom, silent.centre - 1000, silent.centre + 1000)
                bins |= {(mark, (read.reference_start - silent.centre) // 100) for read in reads}
        assert len(bins) > 15


def test_cram_holds_the_reads_of_the_bam(simulated):
    assert starts(simulated.cram, simulated.fasta) == starts(simulated.reads["H3K27ac"][0])


def test_reads_have_the_bases_of_the_genome(simulated):
    with pysam.FastaFile(str(simulated.fasta)) as fasta, pysam.AlignmentFile(str(simulated.control)) as bam:
        for read in bam.head(50):
            assert read.query_sequence == fasta.fetch(read.reference_name, read.reference_start, read.reference_end)


def test_headers_hold_no_path(simulated):
    for path in (simulated.control, simulated.cram):
        with pysam.AlignmentFile(str(path), reference_filename=str(simulated.fasta)) as file:
            assert str(simulated.folder) not in str(file.header)
            assert "PG" not in file.header.to_dict()


def test_nascent_transcription_tells_active_from_poised_on_both_strands(simulated):
    assert not simulated.groseq.with_suffix(".bam.bai").exists()
    for path, sign in ((simulated.groseq_plus, 1), (simulated.groseq_minus, -1)):
        with pyBigWig.open(str(path)) as bigwig:
            for name in ("enhancer", "promoter"):
                active, poised = (
                    [
                        sign * np.nansum(bigwig.values(e.chrom, e.centre - 1000, e.centre + 1000))
                        for e in simulated.of(f"{state}_{name}")
                    ]
                    for state in ("active", "poised")
                )
                assert np.median(active) > 5 * np.median(poised)
                assert min(active) > 0


def test_bigwigs_are_the_coverage_of_the_nascent_reads(simulated):
    with pysam.AlignmentFile(str(simulated.groseq)) as bam:
        lengths = Counter()
        for read in bam:
            lengths[read.is_reverse] += read.query_length
    for path, reverse in ((simulated.groseq_plus, False), (simulated.groseq_minus, True)):
        with pyBigWig.open(str(path)) as bigwig:
            assert abs(bigwig.header()["sumData"]) == lengths[reverse]


def test_peaks_stand_where_they_should(simulated):
    def centres(path):
        records = [line.split("\t") for line in path.read_text().splitlines()]
        return {(fields[0], (int(fields[1]) + int(fields[2])) // 2) for fields in records}

    def covered(path, kinds):
        found = centres(path)
        return [any(abs(c - e.centre) <= 31 for chrom, c in found if chrom == e.chrom) for e in simulated.of(*kinds)]

    assert all(covered(simulated.dnase, (*ELEMENTS, "open")))
    assert not any(covered(simulated.dnase, ("silent", "tfbs")))
    assert all(covered(simulated.p300, ("active_enhancer", "poised_enhancer")))
    assert sum(covered(simulated.p300, ("active_promoter", "poised_promoter"))) == 14
    assert all(covered(simulated.h3k4me3, ("active_promoter", "poised_promoter")))
    assert all(covered(simulated.tss, ("active_promoter", "poised_promoter", "silent")))
    assert all(covered(simulated.tfbs, ("tfbs",)))
