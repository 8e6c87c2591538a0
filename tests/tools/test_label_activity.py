"""The executable label-activity: what it writes and prints, and how it refuses bad input."""

import re

import pyBigWig
import pytest
from running import run_tool
from toy_multiqc import data

COUNTS = {"enhancer": [0, 2, 60, 1, 80, 70], "promoter": [900, 3, 800, 2, 4, 700]}
LABELLED = (
    ["poised", "poised", "active", "poised", "active", "active"],
    ["active", "poised", "active", "poised", "poised", "active"],
)


def spans(name, start):
    return [("chr1", start + 10_000 * i, start + 10_000 * i + 2_000, name) for i in range(6)]


def write_bigwig(path, counts, sign=1, chrom="chr1"):
    """A value of one base in each region."""
    starts = [start + 500 + 10_000 * i for start in (0, 500_000) for i in range(6)]
    values = [float(sign * number) for numbers in counts.values() for number in numbers]
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([(chrom, 1_000_000)])
        out.addEntries([chrom] * 12, starts, ends=[start + 1 for start in starts], values=values)


@pytest.fixture
def files(tmp_path):
    records = [*spans("promoter", 500_000), ("chr1", 90_000, 92_000, "background"), *spans("enhancer", 0)]
    (tmp_path / "regions.bed").write_text("".join("\t".join(map(str, record)) + "\t0\t.\n" for record in records))
    write_bigwig(tmp_path / "plus.bw", COUNTS)
    write_bigwig(tmp_path / "minus.bw", {**COUNTS, "enhancer": [70, *COUNTS["enhancer"][1:]]}, sign=-1)
    return tmp_path


def labels(text, name):
    return [
        line.split("\t")[3].removesuffix(f"_{name}") for line in text.splitlines() if line.split("\t")[3].endswith(name)
    ]


def test_unstranded_regions_are_labelled_in_natural_order(files):
    done = run_tool("label-activity", "-r", files / "regions.bed", "--reads", files / "plus.bw", "-o", "-")
    assert done.returncode == 0
    assert (labels(done.stdout, "enhancer"), labels(done.stdout, "promoter")) == LABELLED
    assert done.stdout.splitlines()[6] == "chr1\t90000\t92000\tbackground\t0\t."
    assert "enhancer: 3 active, 3 poised\n" in done.stderr


def test_stranded_regions_table_and_plot(files):
    output, table, plot = files / "labelled.bed", files / "values.tsv", files / "cut.svg"
    strands = ["--plus", files / "plus.bw", "--minus", files / "minus.bw"]
    wanted = ["-o", output, "--table", table, "--plot", plot]
    done = run_tool("label-activity", "-r", files / "regions.bed", *strands, *wanted, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (
        labels(output.read_text(), "enhancer") == LABELLED[0][1:]
    )  # the first is low on one strand, high on the other
    assert labels(output.read_text(), "promoter") == LABELLED[1]
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    assert rows[1] == ["chr1:0-2000", "enhancer", "0", "70", "0.000000", "6.149747", "discordant"]
    assert len(rows) == 13
    first = [path.read_bytes() for path in (output, table, plot)]
    run_tool("label-activity", "-r", files / "regions.bed", *strands, *wanted, "-q")
    assert [path.read_bytes() for path in (output, table, plot)] == first


def test_classes_and_chromosomes_can_be_named(files):
    text = (files / "regions.bed").read_text()
    for name in ("enhancer", "promoter"):
        lines = [line.split("\t")[:3] for line in text.splitlines() if name in line]
        (files / f"{name}.bed").write_text("".join("\t".join(line) + "\n" for line in [*lines, ["chr2", "5", "9"]]))
    given = ["-r", f"enhancer={files / 'enhancer.bed'}", "--reads", files / "plus.bw", "-o", "-"]
    assert (
        "no data on chr2, where regions lie; leave them out with --chroms" in run_tool("label-activity", *given).stderr
    )
    done = run_tool("label-activity", *given, "--chroms", "chr1")
    assert labels(done.stdout, "enhancer") == LABELLED[0]
    twice = run_tool("label-activity", *given, "-r", f"promoter={files / 'promoter.bed'}")
    assert re.search(r"promoter.bed: chr2:5-9 stands in another file of regions too", twice.stderr)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "give --reads, or both --plus and --minus"),
        (["--plus", "plus.bw"], "give --reads, or both --plus and --minus"),
        (["--reads", "plus.bw", "--plus", "plus.bw", "--minus", "minus.bw"], "exclude each other"),
        (["--reads", "none.bam"], r"none\.bam: no such file"),
        (["--reads", "regions.bed"], r"regions\.bed: not BAM, CRAM, bigWig"),
        (["--reads", "cut.bw"], r"cut\.bw: not a bigWig file, truncated"),
        (["--reads", "plus.bw", "--plot", "plot.doc"], r"plot\.doc: a plot ends in"),
        (["--reads", "plus.bw", "--table", "out.bed"], r"out\.bed: given for two outputs"),
        (["--reads", "plus.bw", "--chroms", "chr3"], "'chr3' is not known; known are chr1"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(files, given, message, monkeypatch):
    monkeypatch.chdir(files)
    (files / "cut.bw").write_bytes((files / "plus.bw").read_bytes()[:40])
    before = set(files.iterdir())
    done = run_tool("label-activity", "-r", "regions.bed", *given, "-o", "out.bed")
    assert done.returncode == 2
    assert done.stderr.startswith("label-activity: error: ")
    assert len(done.stderr.splitlines()) == 1
    assert re.search(message, done.stderr)
    assert set(files.iterdir()) == before


def test_regions_of_each_label_are_written_for_multiqc_the_dropped_ones_too(files):
    strands = ["--plus", files / "plus.bw", "--minus", files / "minus.bw"]
    wanted = ["-o", "-", "--multiqc", files / "mqc", "-q"]
    assert run_tool("label-activity", "-r", files / "regions.bed", *strands, *wanted).returncode == 0
    counts = {"active_enhancer": 3, "poised_enhancer": 2, "active_promoter": 3, "poised_promoter": 3}
    counts |= {"discordant": 1, "background": 1, "other": 0}
    assert data(files / "mqc") == {"label-activity.activity": {"label-activity": counts}}
