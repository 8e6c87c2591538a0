import gzip
import hashlib
import io
import re
import shutil
import subprocess

import numpy as np
import pytest

from crekit.errors import InputError
from crekit.genome.regions import Regions, concatenate, make, overlaps, parse_bed, read_bed, read_beds, write_bed

SIZES = {"chr1": 1000, "chr2": 500}


def spans(regions: Regions) -> list[tuple]:
    return list(zip(regions.chrom, regions.start, regions.end, regions.name, strict=True))


def test_bed_gives_spans_and_classes_in_its_order():
    text = 'track name="x"\n# comment\nbrowser hide\nchr2\t5\t10\tpromoter\t0\t.\n\nchr1\t0\t100\tenhancer\n'
    assert spans(parse_bed(text, "r.bed")) == [("chr2", 5, 10, "promoter"), ("chr1", 0, 100, "enhancer")]


def test_a_given_class_wins_over_the_fourth_column():
    assert spans(parse_bed("chr1\t0\t9\tpeak_1\n", "r.bed", name="enhancer")) == [("chr1", 0, 9, "enhancer")]


def test_a_bed3_of_peaks_has_empty_names():
    assert spans(parse_bed("chr1\t0\t9\n", "p.bed", named=False)) == [("chr1", 0, 9, "")]


def test_windows_line_ends_are_fine():
    assert spans(parse_bed("chr1\t0\t9\tenhancer\r\nchr1\t9\t18\tenhancer\r\n", "r.bed")) == [
        ("chr1", 0, 9, "enhancer"),
        ("chr1", 9, 18, "enhancer"),
    ]


def test_unsorted_and_overlapping_regions_are_fine():
    text = "chr2\t0\t9\ta\nchr1\t5\t15\ta\nchr1\t0\t10\ta\n"
    assert len(parse_bed(text, "r.bed", sizes=SIZES)) == 3


def test_a_region_may_end_with_its_chromosome():
    assert len(parse_bed("chr2\t400\t500\ta\n", "r.bed", sizes=SIZES)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t0\n", "r.bed, line 1: 2 column(s) where BED needs chrom, start and end, separated by tabs"),
        ("chr1 0 9 a\n", "r.bed, line 1: 1 column(s) where BED needs chrom, start and end, separated by tabs"),
        (
            "chr1\t0\t9\ta\nchr1\tx\t9\ta\n",
            "r.bed, line 2: start 'x' and end '9' are not whole numbers; give a BED file",
        ),
        ("chr1\t0.5\t9\ta\n", "r.bed, line 1: start '0.5' and end '9' are not whole numbers"),
        ("chr1\t9\t9\ta\n", "r.bed, line 1: chr1:9-9 is no span; BED needs 0 <= start < end"),
        ("chr1\t9\t5\ta\n", "r.bed, line 1: chr1:9-5 is no span"),
        ("chr1\t-1\t5\ta\n", "r.bed, line 1: chr1:-1-5 is no span"),
        (
            "chr2\t400\t501\ta\n",
            "r.bed, line 1: chr2:400-501 ends past the chromosome (500 bases in g.sizes); use the same genome build",
        ),
        ("2\t0\t9\ta\n", "r.bed, line 1: chromosome 2 is called chr2 in g.sizes; rename"),
        ("chr3\t0\t9\ta\n", "r.bed, line 1: chromosome chr3 is not in g.sizes (chr1, chr2)"),
        (
            "chr1\t0\t9\ta\nchr2\t0\t9\ta\nchr1\t0\t9\tb\n",
            "r.bed, line 3: chr1:0-9 stands there twice (first in line 1); remove one",
        ),
        ("chr1\t0\t9\n", "r.bed, line 1: no class in column 4; add it, or give the file as CLASS=PATH"),
        ("chr1\t0\t9\t \n", "r.bed, line 1: no class in column 4"),
        ("# only a comment\n", "r.bed: holds no region; give a BED file with at least one record"),
        ("", "r.bed: holds no region"),
    ],
)
def test_wrong_records_are_refused(text, message):
    with pytest.raises(InputError, match=re.escape(message)):
        parse_bed(text, "r.bed", sizes=SIZES, sizes_source="g.sizes")


def test_the_same_peak_twice_is_fine_where_asked():
    assert len(parse_bed("chr1\t0\t9\nchr1\t0\t9\n", "p.bed", named=False, unique=False)) == 2


def test_a_chromosome_whose_name_begins_like_a_header_is_read():
    assert spans(parse_bed("track1\t0\t9\ta\n", "r.bed")) == [("track1", 0, 9, "a")]


def test_the_checksum_is_that_of_the_text_whether_compressed_or_not(tmp_path):
    text = "chr1\t0\t9\ta\n"
    (tmp_path / "r.bed").write_text(text)
    (tmp_path / "r.bed.gz").write_bytes(gzip.compress(text.encode()))
    plain, packed = read_bed(tmp_path / "r.bed"), read_bed(tmp_path / "r.bed.gz")
    assert plain[1] == packed[1] == hashlib.sha256(text.encode()).hexdigest()
    assert spans(plain[0]) == spans(packed[0])


def test_written_bed_reads_back_the_same():
    regions = make(["chr2", "chr1"], [5, 0], [10, 7], ["promoter", "enhancer"])
    handle = io.StringIO()
    write_bed(handle, regions)
    assert handle.getvalue() == "chr2\t5\t10\tpromoter\t0\t.\nchr1\t0\t7\tenhancer\t0\t.\n"
    assert spans(parse_bed(handle.getvalue(), "r.bed")) == spans(regions)


def test_ids_and_midpoints():
    regions = make(["chr1", "chr1"], [0, 3], [10, 8], "a")
    assert list(regions.ids) == ["chr1:0-10", "chr1:3-8"]
    np.testing.assert_array_equal(regions.midpoint, [5, 5])


def test_sorted_goes_by_chromosome_start_end_and_name():
    rows = [
        ("chr10", 0, 5, "a"),
        ("chr2", 9, 12, "b"),
        ("chr2", 9, 12, "a"),
        ("chr2", 9, 11, "c"),
        ("chr2", 0, 99, "z"),
    ]
    ordered = make(*zip(*rows, strict=True)).sorted()
    assert spans(ordered) == [rows[4], rows[3], rows[2], rows[1], rows[0]]


def test_on_keeps_the_order_of_the_regions():
    regions = make(["chr2", "chr1", "chr3", "chr2"], [0, 1, 2, 3], [9, 9, 9, 9], "a")
    assert list(regions.on(["chr3", "chr2"]).start) == [0, 2, 3]
    assert len(regions.on(["chr9"])) == 0


def test_concatenate_puts_sets_one_after_the_other():
    a, b = make(["chr2"], [0], [5], "a"), make(["chr1"], [1], [6], "b")
    assert spans(concatenate([a, b])) == spans(a) + spans(b)
    assert len(concatenate([])) == 0


@pytest.mark.parametrize(
    ("start", "end", "distance", "hit"),
    [(0, 10, 0, False), (0, 11, 0, True), (20, 30, 0, False), (19, 30, 0, True), (0, 5, 5, False), (0, 5, 6, True)],
)
def test_touching_is_no_overlap_and_distance_widens_the_others(start, end, distance, hit):
    found = overlaps(make(["chr1"], [start], [end], "a"), make(["chr1"], [10], [20], "b"), distance)
    np.testing.assert_array_equal(found, [hit])


def test_nothing_overlaps_nothing():
    some, none = make(["chr1"], [0], [9], "a"), make([], [], [], [])
    np.testing.assert_array_equal(overlaps(some, none), [False])
    assert overlaps(none, some).shape == (0,)


def random_regions(rng: np.random.Generator, number: int) -> Regions:
    start = rng.integers(2_000, 40_000, number)
    return make(rng.choice(["chr1", "chr2", "chr3"], number), start, start + rng.integers(1, 400, number), "a")


@pytest.mark.parametrize("distance", [0, 1, 100, 1000])
def test_overlaps_equals_the_plain_loop(rng, distance):
    mine, others = random_regions(rng, 300), random_regions(rng, 60)
    plain = [
        any(
            chrom == other and start < last + distance and first - distance < end
            for other, first, last, _ in spans(others)
        )
        for chrom, start, end, _ in spans(mine)
    ]
    assert 0 < sum(plain) <= len(plain)
    np.testing.assert_array_equal(overlaps(mine, others, distance), plain)


@pytest.mark.skipif(shutil.which("bedtools") is None, reason="bedtools is not installed")
@pytest.mark.parametrize("distance", [0, 100, 1000])
def test_overlaps_equals_bedtools_window(rng, tmp_path, distance):
    mine, others = random_regions(rng, 1000), random_regions(rng, 100)
    for name, regions in (("mine", mine), ("others", others)):
        with open(tmp_path / name, "w") as handle:
            write_bed(handle, regions)
    command = ["bedtools", "window", "-u", "-w", str(distance), "-a", tmp_path / "mine", "-b", tmp_path / "others"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # -u prints each region that was hit once, in the order of the file.
    assert shown.splitlines() == [
        f"{chrom}\t{start}\t{end}\ta\t0\t." for chrom, start, end, _ in spans(mine[overlaps(mine, others, distance)])
    ]


def test_a_region_in_two_files_is_named_with_both_files_and_lines(tmp_path):
    (tmp_path / "a.bed").write_text("# first\nchr1\t0\t9\nchr1\t20\t30\n")
    (tmp_path / "b.bed").write_text("chr2\t0\t9\n\nchr2\t5\t9\nchr1\t20\t30\n")
    with pytest.raises(InputError) as refused:
        read_beds([("enhancer", tmp_path / "a.bed"), ("promoter", tmp_path / "b.bed")])
    assert str(refused.value) == (
        f"{tmp_path}/b.bed, line 4: chr1:20-30 stands in {tmp_path}/a.bed, line 3, too; remove it from one"
    )
    (tmp_path / "b.bed").write_text("chr1\t20\t31\n")
    regions, checksums = read_beds([("enhancer", tmp_path / "a.bed"), ("promoter", tmp_path / "b.bed")])
    assert spans(regions) == [("chr1", 0, 9, "enhancer"), ("chr1", 20, 30, "enhancer"), ("chr1", 20, 31, "promoter")]
    assert checksums == [hashlib.sha256((tmp_path / f"{one}.bed").read_bytes()).hexdigest() for one in "ab"]
