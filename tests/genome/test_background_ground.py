"""Marks on bases, the free ground, and spans to keep clear of: against masks of single bases."""

import gzip

import numpy as np
import pytest
from toy_background import write_fasta

from crekit.errors import InputError
from crekit.genome import exclusion
from crekit.genome.bits import Bits, counts, empty_words, fill, index, last_mark, mark
from crekit.genome.fasta import Genome
from crekit.genome.ground import merge, survey
from crekit.genome.regions import make

SIZES = {"chr1": 1000, "chr2": 500}


def bits(marked: np.ndarray) -> Bits:
    words = empty_words(len(marked))
    fill(words, 0, marked)
    return index(words)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 128, 1000])
def test_marks_of_every_span_are_counted(size, rng):
    marked = rng.random(size) < 0.3
    start, end = np.triu_indices(size + 1) if size < 130 else (np.sort(rng.integers(0, size + 1, (2, 500)), axis=0))
    total = np.concatenate([[0], np.cumsum(marked)])
    np.testing.assert_array_equal(counts(*bits(marked), start, end), total[end] - total[start])


def test_the_last_mark_of_a_span_is_found(rng):
    marked = rng.random(300) < 0.02
    words = bits(marked).words
    for first in range(0, 300, 7):
        for end in range(first + 1, 301, 5):
            there = np.flatnonzero(marked[first:end])
            assert last_mark(words, first, end) == (first + there[-1] if len(there) else -1)


def test_marking_a_span_marks_its_bases_and_no_others():
    words = empty_words(200)
    mark(words, 60, 130)
    assert np.unpackbits(words.view(np.uint8), bitorder="little").nonzero()[0].tolist() == list(range(60, 130))


def test_spans_that_overlap_or_touch_become_one():
    start, end = merge(np.array([50, 0, 10, 5, 90]), np.array([60, 10, 20, 8, 95]))
    assert list(zip(start.tolist(), end.tolist(), strict=True)) == [(0, 20), (50, 60), (90, 95)]


def test_free_is_what_positives_excluded_spans_and_unknown_bases_leave(tmp_path, rng):
    letters = {chrom: rng.choice(list(b"ACGTacgt"), size).astype(np.uint8) for chrom, size in SIZES.items()}
    letters["chr1"][[0, 1, 400, 999]] = list(b"NNRn")
    positives = make(["chr1", "chr1", "chr2"], [30, 500, 490], [60, 520, 500], "enhancer")
    excluded = make(["chr1", "chr1", "chr2"], [700, 650, 0], [720, 710, 3], "")
    with Genome(write_fasta(tmp_path / "g.fa", letters)) as genome:
        ground = survey(genome, list(SIZES), positives, excluded, distance=5, repeats=True)
    free = np.zeros(1024 + 512, dtype=bool)
    for start, end in zip(*ground.free, strict=True):
        free[start:end] = True
    expected = np.zeros_like(free)
    expected[:1000] = np.isin(letters["chr1"], list(b"ACGTacgt"))
    expected[1024:1524] = True
    for start, end in [(25, 65), (495, 525), (645, 725), (1024, 1032), (1024 + 485, 1524)]:
        expected[start:end] = False
    np.testing.assert_array_equal(free, expected)
    assert ground.bases["chr1"] == {
        "all": 1000, "unknown": 4, "positives": 70, "excluded": 80, "free": 846, "longest": 335,
    }  # fmt: skip
    spans = make(["chr1", "chr1", "chr2"], [0, 390, 100], [10, 1000, 500], "x")
    known, gc, lower = ground.composition(*ground.locate(spans))
    pieces = [letters[chrom][start:end] for chrom, start, end in zip(spans.chrom, spans.start, spans.end, strict=True)]
    assert known.tolist() == [8, 608, 400]
    assert gc.tolist() == [int(np.isin(piece, list(b"GCgc")).sum()) for piece in pieces]
    assert lower.tolist() == [int((piece >= ord("a")).sum()) for piece in pieces]


@pytest.mark.parametrize("case", ["upper", "lower"])
def test_repeats_need_a_soft_mask(tmp_path, case):
    letters = np.frombuffer(getattr("ACGT" * 50, case)().encode(), dtype=np.uint8)
    nothing = make([], [], [], [])
    with (
        Genome(write_fasta(tmp_path / "g.fa", {"chr1": letters})) as genome,
        pytest.raises(InputError, match=f"g.fa: chr1 is all in {case} case.*give a soft-masked FASTA"),
    ):
        survey(genome, ["chr1"], nothing, nothing, repeats=True)


# --- excluded spans

GTF = """#!genome-build x
chr2\tHAVANA\tgene\t11\t400\t.\t-\t.\tgene_id "b";
chr2\tHAVANA\texon\t301\t400\t.\t-\t.\tgene_id "b";
chr1\tHAVANA\texon\t101\t200\t.\t+\t.\tgene_id "a";
chr1\tHAVANA\texon\t151\t250\t.\t+\t.\tgene_id "a"; note "an exon of it";
chr1\tHAVANA\tCDS\t101\t120\t.\t+\t.\tgene_id "a";
"""
EXONS = [("chr2", 300, 400), ("chr1", 100, 200), ("chr1", 150, 250)]


def spans(path, **settings):
    found, _ = exclusion.read(path, SIZES, "g.fa", **settings)
    return list(zip(found.chrom, found.start.tolist(), found.end.tolist(), strict=True))


def test_a_gtf_gives_its_exons_in_any_order(tmp_path):
    (tmp_path / "a.gtf").write_text(GTF)
    (tmp_path / "a.gtf.gz").write_bytes(gzip.compress(GTF.encode()))
    assert spans(tmp_path / "a.gtf") == spans(tmp_path / "a.gtf.gz") == EXONS
    assert exclusion.read(tmp_path / "a.gtf", SIZES, "")[1] == exclusion.read(tmp_path / "a.gtf.gz", SIZES, "")[1]


def test_a_bed_may_be_unsorted_and_overlap_and_repeat_spans(tmp_path):
    (tmp_path / "a.bed").write_text("track x\nchr2\t5\t9\nchr1\t0\t50\tz\nchr1\t40\t60\nchr2\t5\t9\nchrUn\t0\t9\n")
    assert spans(tmp_path / "a.bed") == [("chr2", 5, 9), ("chr1", 0, 50), ("chr1", 40, 60), ("chr2", 5, 9)]
    assert spans(tmp_path / "a.bed", chroms=["chr1"]) == [("chr1", 0, 50), ("chr1", 40, 60)]
    assert spans(tmp_path / "a.bed", chroms=["chrY"]) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no region"),
        ("Dear reader,\n", "line 1: 1 column"),
        (b"\xff\xfe\x80" * 9, "not a text file; give a BED or a GTF"),
        (gzip.compress(GTF.encode() * 99)[:150], "truncated or damaged"),
        (GTF.replace("exon", "transcript"), "holds no 'exon' features"),
        (GTF + "chr1\tHAVANA\texon\t301", "line 7: an exon without coordinates"),
        (GTF.replace("chr1", "1"), "line 4: chromosome 1 is called chr1 in g.fa"),
        ("1\t0\t9\n", "line 1: chromosome 1 is called chr1 in g.fa"),
        (GTF.replace("250", "2500"), "line 5: chr1:150-2500 ends past the chromosome"),
    ],
    ids=["empty", "letter", "binary", "truncated", "no exon", "cut", "GTF spelling", "BED spelling", "past the end"],
)
def test_a_wrong_file_is_refused(tmp_path, content, message):
    path = tmp_path / "wrong"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message) as refused:
        spans(path)
    assert str(path) in str(refused.value)
