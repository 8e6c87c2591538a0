"""The executable sample-background: what it writes and says, and how it refuses bad input."""

import json
import os
import re

import numpy as np
import pytest
import toy_background as toy
from running import run_tool


@pytest.fixture
def files(tmp_path):
    """A genome, positives on it, and an annotation of it."""
    bases = toy.genome()
    toy.write_fasta(tmp_path / "g.fa", bases)
    spans = toy.rich_spans(bases, 40, np.random.default_rng(1))
    (tmp_path / "p.bed").write_text("".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in spans))
    (tmp_path / "a.gtf").write_text('chr1\tx\texon\t20001\t60000\t.\t+\t.\tgene_id "a";\n')
    (tmp_path / "b.bed").write_text("chr2\t20000\t60000\tHigh Signal Region\n")
    return tmp_path


def arguments(folder, *more, **instead):
    given = {"regions": "p.bed", "genome": "g.fa", "output": "out.bed", **instead}
    return [*(part for name, value in given.items() for part in (f"--{name}", folder / value)), *more]


def rows(text):
    return [line.split("\t") for line in text.splitlines()]


def test_background_and_figures_are_written(files):
    excluded = ["--exclude", files / "a.gtf", "--blacklist", files / "b.bed"]
    done = run_tool("sample-background", *arguments(files, *excluded, "--summary", files / "s.json"))
    assert (done.returncode, done.stdout) == (0, "")
    found = rows((files / "out.bed").read_text())
    assert len(found) == 40
    assert {(name, score, strand) for *_, name, score, strand in found} == {("background", "0", ".")}
    for chrom, start, end, *_ in found:
        assert chrom in {"chr1", "chr2"}
        assert int(end) <= 20_000 or int(start) >= 60_000
    lengths = sorted(int(end) - int(start) for _, start, end, *_ in rows((files / "p.bed").read_text()))
    assert sorted(int(end) - int(start) for _, start, end, *_ in found) == lengths
    summary = json.loads((files / "s.json").read_text())
    assert summary["ks_distance"]["length"]["after"] == 0 < summary["ks_distance"]["length"]["before"]
    assert summary["ks_distance"]["gc"]["after"] < 0.1 < summary["ks_distance"]["gc"]["before"]
    assert sum(summary["per_chromosome"].values()) == 40
    assert summary["bases"]["chr1"]["excluded"] == 40_000
    assert [one["role"] for one in summary["provenance"]["inputs"]] == ["regions", "genome", "exclude", "exclude"]
    assert str(files) not in json.dumps(summary)
    assert "40 regions for 40 positives" in done.stderr
    assert re.search(r"^  length +\d\.\d{4}  0\.0000$", done.stderr, flags=re.M)
    assert re.search(r"^  gc +\d\.\d{4}  0\.\d{4}$", done.stderr, flags=re.M)


def test_streams_and_seed(files):
    once = run_tool("sample-background", *arguments(files, "-q"))
    assert (once.returncode, once.stderr) == (0, "")
    first = (files / "out.bed").read_text()
    shuffled = "".join(reversed((files / "p.bed").read_text().splitlines(keepends=True)))
    streams = ["sample-background", "-r", "-", "-g", files / "g.fa", "-o", "-", "-q"]
    assert run_tool(*streams, input=shuffled).stdout == first
    assert run_tool("sample-background", *arguments(files, "--seed", 2)).returncode == 0
    assert (files / "out.bed").read_text() != first


def test_the_paper_s_way_and_repeats(files):
    paper = run_tool("sample-background", *arguments(files, "--match", "none", "--any-chromosome", output="n.bed"))
    assert paper.returncode == 0
    assert {int(end) - int(start) for _, start, end, *_ in rows((files / "n.bed").read_text())} == {300}
    masked = run_tool("sample-background", *arguments(files, "--match", "length,gc,repeats"))
    assert re.search(r"^  repeats +\d\.\d{4}  0\.\d{4}$", masked.stderr, flags=re.M)


def test_gc_that_the_genome_has_not_is_warned_of(files):
    with open(files / "g.fa", "a") as handle:
        handle.write(">chr3\n" + "G" * 60 + "\n" + ("A" * 60 + "\n") * 20)
    (files / "p.bed").write_text("chr3\t0\t60\n")
    done = run_tool("sample-background", *arguments(files))
    assert "warning: 1 regions differ from their partners by more than 0.02 in GC" in done.stderr


@pytest.mark.parametrize(
    ("positives", "message"),
    [
        ("", "holds no region"),
        ("chr1\t5000\n", "2 column"),
        ("Dear reader,\n", "1 column"),
        ("1\t5000\t5300\n", "chromosome 1 is called chr1 in"),
        ("chr9\t5000\t5300\n", "chromosome chr9 is not in"),
        ("chr2\t149900\t150001\n", "chr2:149900-150001 ends past the chromosome"),
        ("chr1\t5000\t5300\nchr1\t5000\t5300\n", "stands there twice"),
        ("chr1\t5000\t5300\tbackground\n", "holds no region to draw background for"),
        ("chr1\t0\t300\n", "chr1:0-300 has no A, C, G or T"),
        ("chr2\t4000\t120000\n", "too little is left for background of up to 116000 bases: chr2 has room for 0 of 1"),
    ],
    ids=["empty", "cut", "letter", "spelling", "stranger", "past end", "twice", "no positive", "all N", "no room"],
)
def test_wrong_positives_are_one_line_and_leave_nothing(files, positives, message):
    (files / "p.bed").write_text(positives)
    done = run_tool("sample-background", *arguments(files))
    assert_refused(done, "p.bed", message)
    assert not (files / "out.bed").exists()


def assert_refused(done, *mentions):
    assert (done.returncode, done.stdout) == (2, "")
    said = [line for line in done.stderr.splitlines() if line]
    assert said[-1].startswith("sample-background: error: ")
    for mention in mentions:
        assert mention in said[-1]


@pytest.mark.parametrize(
    ("instead", "more", "message"),
    [
        ({"regions": "none.bed"}, [], "none.bed: cannot be read"),
        ({"genome": "none.fa"}, [], "none.fa: no such file"),
        ({"genome": "a.gtf"}, [], "a.gtf"),
        ({"output": "none/out.bed"}, [], "none does not exist"),
        ({"output": "p.bed"}, [], "both an input and --output"),
        ({}, ["--exclude", "none.gtf"], "none.gtf: cannot be read"),
        ({}, ["--match", "size"], "'size' is none of length, gc, repeats"),
        ({}, ["--ratio", "0"], "--ratio 0: give a number above 0"),
        ({}, ["--chroms", "chr7"], "'chr7' is not known; known are chr1, chr2"),
        ({"regions": "b.bed"}, ["--chroms", "chr1"], "b.bed: holds no record on the chosen chromosomes"),
    ],
    ids=["regions", "genome", "no FASTA", "folder", "overwrite", "exclude", "match", "ratio", "chroms", "no record"],
)
def test_bad_input_is_one_line(files, instead, more, message):
    before = {path: path.stat().st_mtime_ns for path in files.iterdir()}
    assert_refused(run_tool("sample-background", *arguments(files, *more, **instead)), message)
    assert {path: path.stat().st_mtime_ns for path in files.iterdir() if path.suffix != ".fai"} == before


def test_a_truncated_genome_is_refused(files):
    assert run_tool("sample-background", *arguments(files)).returncode == 0  # makes the index
    whole = (files / "g.fa").read_bytes()
    (files / "g.fa").write_bytes(whole[: len(whole) // 2])
    os.utime(files / "g.fa.fai")
    assert_refused(run_tool("sample-background", *arguments(files, output="other.bed")), "g.fa", "truncated")
    assert not (files / "other.bed").exists()


def test_repeats_need_a_soft_masked_genome(files):
    (files / "g.fa").write_text((files / "g.fa").read_text().upper().replace(">CHR", ">chr"))
    done = run_tool("sample-background", *arguments(files, "--match", "length,gc,repeats"))
    assert_refused(done, "g.fa: chr1 is all in upper case", "give a soft-masked FASTA")
