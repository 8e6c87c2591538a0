"""DNA from FASTA: what is read, compared with Biopython, and every way in which a file can be wrong."""

import gzip
import os
from pathlib import Path

import numpy as np
import pysam
import pytest
from Bio import SeqIO
from Bio.Seq import Seq

from crekit.errors import InputError
from crekit.genome import faidx
from crekit.genome.fasta import Genome, complement_codes, encode, read_records

TWO = ">chr1 first\nACGTN\nacgtn\nAC\n>chr2\nGGGRYKM\n"
BIG = {"chr1": 200_000, "chr2": 150_001, "chrX": 60}


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def bgzip(path: Path) -> Path:
    pysam.tabix_compress(str(path), f"{path}.gz", force=True)
    return Path(f"{path}.gz")


@pytest.fixture
def big(tmp_path, rng) -> Path:
    """A FASTA of several bgzip blocks, with N and lower case."""
    letters = np.frombuffer(b"ACGTacgtN", dtype=np.uint8)
    lines = []
    for name, size in BIG.items():
        text = letters[rng.integers(0, 9, size)].tobytes().decode()
        lines += [f">{name} of {size}", *(text[i : i + 70] for i in range(0, size, 70))]
    return write(tmp_path / "big.fa", "\n".join(lines) + "\n")


def refused(action) -> str:
    """The message of the `InputError`: one line."""
    with pytest.raises(InputError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- letters


def test_each_letter_has_its_code_in_either_case():
    assert encode("ACGTacgt").tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert encode("NRYSWKMBDHVXn-.*").tolist() == [4] * 16


def test_text_bytes_and_arrays_give_the_same_codes():
    expected = [3, 0, 4, 2]
    for letters in ("TANG", b"TANG", np.frombuffer(b"TANG", dtype=np.uint8)):
        codes = encode(letters)
        assert (codes.tolist(), codes.dtype, codes.flags.writeable) == (expected, np.uint8, True)
    assert len(encode("")) == 0


@pytest.mark.parametrize(
    ("letters", "message"),
    [
        ("ACGU", "x.fa, record r: base 4 is U, so this is RNA; give DNA, with T for U"),
        ("ACu", "x.fa, record r: base 3 is u, so this is RNA; give DNA, with T for U"),
        ("AEG", "x.fa, record r: 'E' at base 2 is no letter of DNA; give a DNA FASTA"),
        ("A1", "x.fa, record r: '1' at base 2 is no letter of DNA; give a DNA FASTA"),
    ],
)
def test_what_is_no_dna_is_named(letters, message):
    assert refused(lambda: encode(letters, "x.fa, record r")) == message


def test_reverse_complement_is_that_of_biopython():
    text = "AACCGGTTNACGTA"
    assert complement_codes(encode(text)).tolist() == encode(str(Seq(text).reverse_complement())).tolist()
    assert complement_codes(np.array([[0, 0, 1], [2, 4, 3]])).tolist() == [[2, 3, 3], [0, 4, 1]]


# --- an indexed genome


@pytest.mark.parametrize("packed", [False, True])
def test_chromosomes_and_spans_are_those_of_biopython(big, packed):
    truth = {record.id: str(record.seq) for record in SeqIO.parse(big, "fasta")}
    with Genome(bgzip(big) if packed else big) as genome:
        assert genome.sizes == BIG
        assert list(genome.sizes) == list(BIG)
        for chrom, text in truth.items():
            assert genome.letters(chrom).tobytes() == text.encode()
            assert genome.codes(chrom).tolist() == ["ACGTN".index(letter) for letter in text.upper()]
        assert genome.fetch("chr2", 65_500, 65_600).tolist() == encode(truth["chr2"][65_500:65_600]).tolist()
        assert len(genome.fetch("chrX", 60, 60)) == 0


def test_the_checksum_is_that_of_the_bases_that_were_read(big, tmp_path):
    folded = write(tmp_path / "folded.fa", "".join(f">{r.id}\n{r.seq.upper()}\n" for r in SeqIO.parse(big, "fasta")))
    sums = []
    for path in (big, bgzip(big), folded):
        with Genome(path) as genome:
            genome.codes("chr2")
            genome.codes("chr1")
            sums.append(genome.sha256())
    assert len(set(sums)) == 1
    with Genome(big) as genome:
        genome.codes("chr2")
        assert genome.sha256() not in sums


def test_a_missing_index_is_made_beside_the_file(big):
    path = bgzip(big)
    for one, indices in ((big, ["big.fa.fai"]), (path, ["big.fa.gz.fai", "big.fa.gz.gzi"])):
        with Genome(one):
            pass
        assert all((big.parent / name).is_file() for name in indices)
    assert sorted(os.listdir(big.parent)) == ["big.fa", "big.fa.fai", "big.fa.gz", "big.fa.gz.fai", "big.fa.gz.gzi"]


def read_only(monkeypatch, folder: Path) -> None:
    """Let nothing be written into a folder (root may write anywhere)."""
    make = faidx.tempfile.TemporaryDirectory

    def refuse(*args, **settings):
        if Path(settings["dir"]) == folder:
            raise PermissionError(13, "Permission denied", str(folder))
        return make(*args, **settings)

    monkeypatch.setattr(faidx.tempfile, "TemporaryDirectory", refuse)


def test_the_index_of_a_read_only_folder_is_kept_in_the_cache(big, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    read_only(monkeypatch, big.parent)
    for _ in range(2):  # made, then found
        with Genome(big) as genome:
            assert genome.sizes == BIG
    assert not (big.parent / "big.fa.fai").exists()
    assert [path.name for path in cache.rglob("*.fai")] == ["big.fa.fai"]
    write(big, ">chr1\nACGT\n")  # another state of the file, another index
    with Genome(big) as genome:
        assert genome.sizes == {"chr1": 4}


def test_where_no_index_can_be_written_the_command_is_named(big, monkeypatch):
    monkeypatch.setattr(faidx, "_make_index", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert refused(lambda: Genome(big)).endswith(f"has no index, and none can be written; run samtools faidx {big}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "holds no record"),
        ("chr1\t0\t10\n", "does not begin with '>'"),
        (">a\nACGT\n>b\nAA\n>a\nCC\n", "record a: stands there twice; rename or remove one"),
        (">a\nACGT\n>a\nCC\n>b\nAA\n", "record a: stands there twice"),
        (">a\nACGT\n>b\n>c\nCC\n", "record b: is empty; remove it"),
        (">a\nACGT\n>b\n", "record b: is empty"),
        (">a\n>b\nACGT\n", "record a: is empty"),
        (">a\nACGT\nAC\nACGTA\n", "lines of a record differ in length"),
        (b">a\nAC\xff\xfe\x00GT\n", "wrong.fa"),
    ],
)
def test_a_wrong_genome_is_refused_and_the_record_named(tmp_path, text, message):
    path = write(tmp_path / "wrong.fa", text)
    said = refused(lambda: Genome(path).codes("a"))
    assert str(path) in said
    assert message in said


def test_plain_gzip_is_refused_for_a_genome(tmp_path):
    path = write(tmp_path / "genome.fa.gz", gzip.compress(TWO.encode(), mtime=0))
    assert refused(lambda: Genome(path)).endswith("unpack it and pack it with bgzip")


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("left", [0.5, 0.9, 28])
def test_a_truncated_bgzip_is_refused(big, left, indexed):
    path = bgzip(big)
    if indexed:
        Genome(path).__exit__()
    whole = path.read_bytes()
    path.write_bytes(whole[:-left] if left == 28 else whole[: int(len(whole) * left)])
    assert refused(lambda: Genome(path)) == f"{path}: the bgzip file is truncated; copy or make it again"
    assert refused(lambda: list(read_records(path))) == f"{path}: the bgzip file is truncated; copy or make it again"


def test_a_damaged_bgzip_is_refused(big):
    path = bgzip(big)
    Genome(path).__exit__()
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 40] = bytes(40)
    path.write_bytes(whole)
    assert str(path) in refused(lambda: [Genome(path).codes(chrom) for chrom in BIG])
    (path.parent / f"{path.name}.fai").unlink()
    assert str(path) in refused(lambda: [Genome(path).codes(chrom) for chrom in BIG])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("change", ["cut", "line", "name", "more", "swap"])
def test_an_index_of_another_state_of_the_file_is_refused(big, change, packed):
    text = big.read_text()
    changed = {
        "cut": text[: len(text) // 2],
        "line": text.replace("\n", "\nA\n", 1),
        "name": text.replace(">chr2", ">chr3"),
        "more": f"{text}>chr9\nACGT\n",
        "swap": f">chrX\n{'A' * 60}\n{text[: text.index('>chrX')]}",
    }
    path = bgzip(big) if packed else big
    Genome(path).__exit__()
    write(big, changed[change])
    if packed:
        bgzip(big)
    assert "does not fit its index" in refused(lambda: Genome(path))


def test_an_index_that_is_none_is_refused(big):
    for text in ("", "chr1\t12\n", "chr1\tx\t1\t1\t1\n", "chr1\t5\t6\t0\t0\n"):
        write(big.parent / "big.fa.fai", text)
        assert refused(lambda: Genome(big)).endswith("remove it, and it is made again")


@pytest.mark.parametrize(
    "text", [">a\r\nACGT\r\nAC\r\n>b\r\nTT", "\n> a x\nACGT\nAC\n\n\n>b\nTT\n\n", ">a\nACGTAC\n>b\nT\nT"]
)
def test_line_ends_and_blank_lines_do_not_matter(tmp_path, text):
    path = write(tmp_path / "odd.fa", text)
    with Genome(path) as genome:
        assert genome.sizes == {"a": 6, "b": 2}
        assert genome.codes("a").tolist() == [0, 1, 2, 3, 0, 1]
    assert [(name, len(codes)) for name, codes in read_records(path)] == [("a", 6), ("b", 2)]


def test_spans_and_chromosomes_that_are_not_there_are_refused(tmp_path):
    with Genome(write(tmp_path / "two.fa", TWO)) as genome:
        for chrom, start, end in (("chr1", 0, 13), ("chr1", -1, 4), ("chr1", 5, 4), ("chr3", 0, 1)):
            said = refused(lambda chrom=chrom, start=start, end=end: genome.fetch(chrom, start, end))
            assert said.endswith(f"has no {chrom}:{start}-{end}; use the same genome build for all files")
        for read in (genome.codes, genome.letters):
            assert "has no chromosome 1;" in refused(lambda read=read: read("1"))


# --- records of a file or a stream


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_records_are_read_from_text_and_gzip(tmp_path, pack):
    path = write(tmp_path / "two.fa", pack(TWO.encode()))
    found = [(name, codes.tolist()) for name, codes in read_records(path)]
    assert found == [("chr1", [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]), ("chr2", [2, 2, 2, 4, 4, 4, 4])]


def test_records_of_a_large_file_are_those_of_biopython(big):
    truth = [(record.id, str(record.seq)) for record in SeqIO.parse(big, "fasta")]
    for path in (big, bgzip(big)):
        for (name, codes), (expected, text) in zip(read_records(path), truth, strict=True):
            assert name == expected
            assert np.array_equal(codes, encode(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "holds no record"),
        (b"ACGT\n", "does not begin with '>'"),
        (b">\nACGT\n", "record 1: has no name"),
        (b">a\nACGT\n> \nAC\n", "record 2: has no name"),
        (b">a\n>b\nACGT\n", "record a: is empty"),
        (b">a\nACGT\n>a\nAC\n", "record a: stands there twice"),
        (b">a\nACGU\n", "record a: base 4 is U, so this is RNA"),
        (b">p\nMKVLA\n", "record p: 'L' at base 4 is no letter of DNA"),
        (b">a\nAC\xff\n", "not a text file"),
        (gzip.compress(b">a\n" + b"ACGT" * 9, mtime=0)[:-12], "the gzip file is truncated or damaged"),
        (b"\x1f\x8b\x08", "wrong.fa"),
    ],
)
def test_wrong_records_are_refused(tmp_path, text, message):
    path = write(tmp_path / "wrong.fa", text)
    said = refused(lambda: list(read_records(path)))
    assert said.startswith(str(path))
    assert message in said
