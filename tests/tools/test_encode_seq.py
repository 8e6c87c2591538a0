"""encode-seq as its users run it. What it computes is tested in tests/encoding."""

import gzip
import os
from pathlib import Path

import numpy as np
import pysam
import pytest
from running import run_executable, run_tool

from crekit.encoding.store import Sequences

REGIONS = "chr1\t100\t389\tenhancer\nchr1\t1000\t1400\tenhancer\nchr2\t50\t339\tbackground\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A genome of two chromosomes, regions on it, and records of the same DNA."""
    rng = np.random.default_rng(1)
    texts = {name: "".join(np.array(list("ACGT"))[rng.integers(0, 4, 2000)]) for name in ("chr1", "chr2")}
    (tmp_path / "genome.fa").write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    (tmp_path / "regions.bed").write_text(REGIONS)
    (tmp_path / "e.fa").write_text(f">e1\n{texts['chr1'][:300]}\n>e2\n{texts['chr1'][500:900]}\n")
    (tmp_path / "b.fa").write_text(f">b1\n{texts['chr2'][:305]}\n")
    (tmp_path / "out").mkdir()
    return tmp_path


def encode(folder: Path, *args: object, **settings: object):
    return run_tool("encode-seq", *args, "-o", folder / "out" / "s.h5", **settings)


def on_genome(folder: Path, *args: object):
    return encode(folder, "-r", folder / "regions.bed", "-g", folder / "genome.fa", *args)


def assert_refused(folder: Path, ended, message: str) -> None:
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("encode-seq: error: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert ended.stdout == ""
    assert os.listdir(folder / "out") == []


def test_regions_are_encoded_and_what_was_done_is_said(folder):
    args = ["-r", folder / "regions.bed", "-g", folder / "genome.fa", "-o", folder / "out" / "s.h5"]
    ended = run_executable("encode-seq", *args)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.splitlines() == [
        "background: 1 regions, 6 windows, of which 6 are scored; 0 dropped",
        "enhancer: 2 regions, 57 windows, of which 12 are scored; 0 dropped",
    ]
    with Sequences(folder / "out" / "s.h5") as stored:
        assert stored.n_windows.tolist() == [6, 51, 6]


def test_quiet_says_nothing(folder):
    ended = on_genome(folder, "-q")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_options_reach_the_encoding_and_its_record(folder):
    ended = on_genome(folder, "--window", "250", "--stride", "5", "--short", "overlap", "--ambiguous", "zero")
    assert ended.returncode == 0, ended.stderr
    with Sequences(folder / "out" / "s.h5") as stored:
        assert stored.record["options"] == {"width": 250, "stride": 5, "short": "overlap", "ambiguous": "zero"}
        assert (stored.window, stored.stride) == (250, 5)


def test_classes_may_be_named_on_the_command_line(folder):
    (folder / "p.bed").write_text("chr2\t100\t420\n")
    args = ["-r", folder / "regions.bed", "-r", f"promoter={folder / 'p.bed'}", "-g", folder / "genome.fa"]
    assert encode(folder, *args).returncode == 0
    with Sequences(folder / "out" / "s.h5") as stored:
        assert stored.classes == ["background", "enhancer", "promoter"]


def test_records_come_from_files_and_a_stream(folder):
    records = [f"--fasta=enhancer={folder / 'e.fa'}", f"--fasta=background={folder / 'b.fa'}"]
    assert encode(folder, *records).returncode == 0
    whole = (folder / "out" / "s.h5").read_bytes()
    for text in ((folder / "e.fa").read_text(), gzip.compress((folder / "e.fa").read_bytes())):
        packed = isinstance(text, bytes)
        ended = encode(folder, "--fasta=enhancer=-", records[1], input=text, text=not packed)
        assert ended.returncode == 0, ended.stderr
        assert (folder / "out" / "s.h5").read_bytes() == whole


def test_regions_come_from_a_stream(folder):
    assert on_genome(folder).returncode == 0
    whole = (folder / "out" / "s.h5").read_bytes()
    ended = encode(folder, "-r", "-", "-g", folder / "genome.fa", input=REGIONS)
    assert ended.returncode == 0, ended.stderr
    assert (folder / "out" / "s.h5").read_bytes() == whole


def test_a_bgzip_genome_gives_the_same_bytes(folder):
    assert on_genome(folder).returncode == 0
    whole = (folder / "out" / "s.h5").read_bytes()
    pysam.tabix_compress(str(folder / "genome.fa"), str(folder / "genome.fa.gz"))
    ended = encode(folder, "-r", folder / "regions.bed", "-g", folder / "genome.fa.gz")
    assert ended.returncode == 0, ended.stderr
    assert (folder / "out" / "s.h5").read_bytes() == whole


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "give regions and their genome (-r and -g), or records (--fasta CLASS=FILE)"),
        (["-r", "{0}/regions.bed"], "give regions and their genome"),
        (["-g", "{0}/genome.fa"], "give regions and their genome"),
        (["--fasta", "e={0}/e.fa", "-g", "{0}/genome.fa"], "give regions and their genome"),
        (["--fasta", "{0}/e.fa"], "e.fa: has no class; give --fasta CLASS=FILE"),
        (["--fasta", "={0}/e.fa"], "give NAME=PATH"),
        (["--fasta", "e={0}/e.fa", "--window", "301"], "e.fa, record e1: 300 bases are shorter than the window of 301"),
        (["--fasta", "e={0}/e.fa", "--window", "-1"], "--window"),
        (["--fasta", "e={0}/e.fa", "--stride", "0"], "--stride"),
        (["--fasta", "e={0}/e.fa", "--short", "cut"], "--short cut: choose one of contain, overlap, pad, drop"),
        (["--fasta", "e={0}/e.fa", "--window", "999", "--short", "drop"], "--window 999: longer than every region"),
        (["--fasta", "e={0}/none.fa"], "none.fa: no such file; check the path"),
    ],
)
def test_wrong_options_are_refused_in_one_line(folder, args, message):
    assert_refused(folder, encode(folder, *(word.format(folder) for word in args)), message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no region"),
        ("chr1 100 400 e\n", "where BED needs chrom, start and end, separated by tabs"),
        (">r\nACGT\n", "where BED needs chrom, start and end, separated by tabs"),
        ("chr1\t100\t400\te\nchr1\t100\t400\tf\n", "line 2: chr1:100-400 stands there twice"),
        ("chr1\t1900\t2001\te\n", "line 1: chr1:1900-2001 ends past the chromosome (2000 bases in"),
        ("1\t100\t400\te\n", "line 1: chromosome 1 is called chr1 in"),
        ("chr7\t100\t400\te\n", "line 1: chromosome chr7 is not in"),
        ("chr1\t100\t400\n", "line 1: no class in column 4"),
        (gzip.compress(REGIONS.encode(), mtime=0)[:-9], "truncated or damaged"),
    ],
)
def test_wrong_regions_are_refused_in_one_line(folder, content, message):
    (folder / "regions.bed").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused(folder, on_genome(folder), message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "genome.fa: the file is empty"),
        (b"chr1\t0\t10\n", "genome.fa: does not begin with '>'"),
        (b">chr1\n>chr2\nACGT\n", "genome.fa, record chr1: is empty"),
        (b">chr1\nAC\n>chr1\nAC\n", "genome.fa, record chr1: stands there twice"),
        (b">chr1\n" + b"ACGU" * 500 + b"\n>chr2\n" + b"ACGT" * 500, "genome.fa, record chr1: base 4 is U"),
        (gzip.compress(b">chr1\nACGT\n", mtime=0), "plain gzip, in which no place can be found"),
        (b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\2\0\x1b\0\3\0", "genome.fa: the bgzip file is truncated"),
    ],
)
def test_a_wrong_genome_is_refused_in_one_line(folder, content, message):
    (folder / "genome.fa").write_bytes(content)
    assert_refused(folder, on_genome(folder), message)


def test_a_genome_cut_short_after_it_was_indexed_is_refused(folder):
    assert on_genome(folder).returncode == 0
    (folder / "out" / "s.h5").unlink()
    (folder / "genome.fa").write_bytes((folder / "genome.fa").read_bytes()[:-200])
    assert_refused(folder, on_genome(folder), "genome.fa: does not fit its index")


def test_wrong_records_are_refused_in_one_line(folder):
    (folder / "b.fa").write_text((folder / "e.fa").read_text())
    both = [f"--fasta=enhancer={folder / 'e.fa'}", f"--fasta=background={folder / 'b.fa'}"]
    assert_refused(folder, encode(folder, *both), "record e1: stands in")
    nothing = encode(folder, "--fasta=e=-", input="")
    assert_refused(folder, nothing, "standard input: holds no record; give a FASTA file")
    (folder / "b.fa").write_bytes(gzip.compress((folder / "e.fa").read_bytes())[:-20])
    assert_refused(folder, encode(folder, both[1]), "b.fa: the gzip file is truncated or damaged")


def test_outputs_that_cannot_be_written_are_refused_before_the_work(folder):
    inputs = ["-r", folder / "regions.bed", "-g", folder / "genome.fa"]
    for output, message in (
        (folder / "none" / "s.h5", "does not exist; make it first"),
        (folder, "a folder; give the output a file name"),
        ("-", "cannot go to standard output; name a file"),
        (folder / "regions.bed", "both an input and --output, which would overwrite it"),
    ):
        ended = run_tool("encode-seq", *inputs, "-o", output)
        assert_refused(folder, ended, message)
    assert not (folder / "genome.fa.fai").exists()
    assert (folder / "regions.bed").read_text() == REGIONS
