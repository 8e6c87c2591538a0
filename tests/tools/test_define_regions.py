"""The executable define-regions: what it writes and prints, and how it refuses bad input."""

import json
import os
import re

import pytest
from running import run_tool
from toy_multiqc import data

SIZES = {"chr1": 400_000, "chr2": 300_000, "chr10": 200_000, "chrX": 100_000}
FILES = {
    "sizes": "".join(f"{chrom}\t{size}\n" for chrom, size in SIZES.items()),
    "tss.bed": "chr10\t50000\t50001\tB|coding\t0\t-\nchr1\t20000\t20001\tA|coding\t0\t+\n",
    "open.narrowPeak": "".join(
        f"{chrom}\t{start}\t{start + 150}\t.\t0\t.\t5\t-1\t-1\t75\n"
        for chrom, start in [("chr1", 20_100), ("chr1", 60_000), ("chr10", 50_100), ("chr2", 90_000), ("chrX", 70_000)]
    ),
    "p300.narrowPeak": "chr1\t60000\t60400\nchr2\t90000\t90200\nchrX\t70100\t70300\n",
    "cbp.bed": "chr1\t60200\t60600\n",
    "h3k4me3.broadPeak": "chrX\t70500\t72000\t.\t435\t.\t7.5\t15.4\t-1\n",
    "black.bed": "chr2\t90500\t90600\tHigh Signal Region\n",
}
ELEMENTS = [
    "chr1\t19000\t21000\tpromoter\t0\t.",
    "chr1\t59300\t61300\tenhancer\t0\t.",
    "chr10\t49000\t51000\tpromoter\t0\t.",
]


def _elements(text):
    return [line for line in text.splitlines() if "background" not in line]


@pytest.fixture
def files(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def arguments(folder, *more, **instead):
    """The options of a run on the files of a folder; `instead` puts others in their places, or takes them away."""
    given = {"tss": "tss.bed", "open": "open.narrowPeak", "cofactor": "p300.narrowPeak", "h3k4me3": "h3k4me3.broadPeak"}
    given |= {"sizes": "sizes", "output": "regions.bed", **instead}
    given = {name: value for name, value in given.items() if value is not None}
    return [*(part for name, value in given.items() for part in (f"--{name}", folder / value)), *more]


def test_regions_markers_and_figures_are_written(files):
    done = run_tool(
        "define-regions",
        *arguments(files, "--cofactor", files / "cbp.bed", "--blacklist", files / "black.bed", "--background", 40),
        *["--markers-output", files / "markers.bed", "--summary", files / "summary.json"],
    )
    assert (done.returncode, done.stdout) == (0, "")
    lines = (files / "regions.bed").read_text().splitlines()
    assert _elements((files / "regions.bed").read_text()) == ELEMENTS
    background = [line.split("\t") for line in lines if "background" in line]
    assert len(background) == 40
    assert {(int(start) % 2000, int(end) - int(start)) for _, start, end, *_ in background} == {(0, 2000)}
    order = [line.split("\t")[0] for line in lines]
    assert order == sorted(order, key=list(SIZES).index)
    assert "chr1\t60000\t60600\tmarker\n" in (files / "markers.bed").read_text()
    summary = json.loads((files / "summary.json").read_text())
    assert summary["counts"]["enhancer"] == {"chr1": 1, "chr2": 0, "chr10": 0, "chrX": 0}
    assert {"class": "enhancer", "step": "no blacklisted base", "in": 2, "removed": 1, "kept": 1} in summary["filters"]
    assert [one["role"] for one in summary["provenance"]["inputs"]].count("cofactor") == 2
    assert str(files) not in (files / "summary.json").read_text()
    assert [line.split() for line in done.stderr.splitlines() if line.startswith("  all")] == [["all", "40", "1", "2"]]
    assert "What each filter removed" in done.stderr


def test_streams_order_and_seed(files):
    quiet = ["-q", "--background", "20"]
    once = run_tool("define-regions", *arguments(files, *quiet))
    assert (once.returncode, once.stderr) == (0, "")
    first = (files / "regions.bed").read_text()
    shuffled = "".join(reversed(FILES["tss.bed"].splitlines(keepends=True)))
    streams = arguments(files, *quiet, "--output", "-", "--tss", "-", tss=None, output=None)
    piped = run_tool("define-regions", *streams, input=shuffled)
    assert piped.stdout == first
    other = run_tool("define-regions", *arguments(files, *quiet, "-o", "-", "--seed", 2, output=None))
    assert other.returncode == 0
    assert other.stdout != first
    assert _elements(other.stdout) == _elements(first)


def test_too_few_tiles_are_warned_of_and_groups_are_kept_apart(files):
    groups = ["--background-per", "chr1=7,chr2,chr10=3,chrX=9000"]
    done = run_tool("define-regions", *arguments(files, *groups, "-o", "-", output=None))
    chroms = [line.split("\t")[0] for line in done.stdout.splitlines() if "background" in line]
    assert (chroms.count("chr1"), chroms.count("chr2") + chroms.count("chr10")) == (7, 3)
    drawn = chroms.count("chrX")
    assert f"warning: chrX has {drawn} background tiles where 9000 are asked for; all are taken" in done.stderr


@pytest.mark.parametrize(
    ("instead", "more", "message"),
    [
        ({"open": "none.bed"}, [], r"none.bed: cannot be read"),
        ({"output": "none/regions.bed"}, [], "the folder .*none does not exist"),
        ({}, ["--background", "5", "--background-per", "chr1=5"], "exclude each other"),
        ({"h3k4me3": None}, [], "Missing option '--h3k4me3'"),
    ],
    ids=["missing file", "missing folder", "two numbers", "missing option"],
)
def test_bad_input_is_one_line_and_leaves_nothing(files, instead, more, message):
    before = set(files.iterdir())
    done = run_tool("define-regions", *arguments(files, *more, **instead))
    assert done.returncode == 2
    assert done.stderr.startswith("define-regions: error: ")
    assert len(done.stderr.splitlines()) == 1
    assert re.search(message, done.stderr)
    assert set(files.iterdir()) == before


def test_without_bedtools_it_says_how_to_get_it(files):
    done = run_tool("define-regions", *arguments(files), env={**os.environ, "PATH": "/nowhere"})
    assert done.returncode == 1
    assert "install it: apt-get install bedtools, conda install -c bioconda bedtools, or brew install" in done.stderr
    assert not (files / "regions.bed").exists()


def test_regions_of_each_class_are_written_for_multiqc(files):
    done = run_tool("define-regions", *arguments(files, "--background", 20, "--multiqc", files / "mqc", "-q"))
    assert done.returncode == 0, done.stderr
    names = [line.split("\t")[3] for line in (files / "regions.bed").read_text().splitlines()]
    counts = {name: names.count(name) for name in ("enhancer", "promoter", "background")}
    assert data(files / "mqc") == {"regions.regions": {"regions": counts}}
    assert counts["background"] == 20
