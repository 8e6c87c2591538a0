"""count-bins as a user runs it."""

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pysam
import pytest
from reads import SIZES, simulate, write_bam, write_bigwig
from running import run_tool
from toy_multiqc import data

from crekit.signal.tracks import Tracks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("count_bins")
    for seed, name in enumerate(("H3K4me1_rep1", "H3K4me1_rep2", "H3K27ac", "input")):
        write_bam(folder / f"{name}.bam", simulate(800, seed=seed))
    return folder


def test_a_samplesheet_gives_the_same_bytes_as_arguments(folder, tmp_path):
    sheet = folder / "sheet.csv"
    sheet.write_text(
        "mark,replicate,path,control\n"
        "H3K4me1,1,H3K4me1_rep1.bam,input.bam\nH3K4me1,2,H3K4me1_rep2.bam,input.bam\nH3K27ac,1,H3K27ac.bam,input.bam\n"
    )
    bams = [folder / f"{name}.bam" for name in ("H3K27ac", "H3K4me1_rep2", "H3K4me1_rep1")]
    done = run_tool("count-bins", *bams, "--control", folder / "input.bam", "-o", tmp_path / "a.h5")
    assert (done.returncode, done.stdout) == (0, "")
    assert "H3K4me1 (signal): " in done.stderr
    other = run_tool("count-bins", "--samplesheet", sheet, "-o", tmp_path / "b.h5", "-q")
    assert (other.returncode, other.stdout, other.stderr) == (0, "", "")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with Tracks(tmp_path / "a.h5") as tracks:
        assert tracks.marks == ["H3K27ac", "H3K4me1"]
        assert tracks.has_control


def test_options_reach_the_rule(folder, tmp_path):
    options = "--bin-size 200 --count five-prime --shift 4,5 --min-mapq 10 --duplicates drop --secondary drop"
    rest = "--multimappers keep --chroms chr1 --normalise none"
    done = run_tool("count-bins", f"M={folder}/input.bam", *options.split(), *rest.split(), "-o", tmp_path / "x.h5")
    assert done.returncode == 0, done.stderr
    with Tracks(tmp_path / "x.h5") as tracks:
        assert (tracks.bin_size, tracks.normalise, list(tracks.sizes)) == (200, "none", ["chr1"])
        assert tracks.tracks[0].record["options"] == {
            "bin-size": 200,
            "count": "five-prime",
            "min-overlap": 0.5,
            "shift": [4, 5],
            "extend": 0,
            "min-mapq": 10,
            "duplicates": "drop",
            "secondary": "drop",
            "multimappers": "keep",
        }
        np.testing.assert_equal(int(tracks.raw(tracks.tracks[0], "chr1").sum()) > 100, True)


def test_check_lists_what_would_be_counted_without_an_output(folder):
    done = run_tool("count-bins", folder / "H3K27ac.bam", "--control", folder / "input.bam", "--check")
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[0] == ["mark", "role", "kind", "chromosomes", "mapped_reads", "file"]
    assert [line[:4] for line in lines[1:]] == [["H3K27ac", role, "BAM", "3"] for role in ("signal", "control")]
    assert int(lines[1][4]) > 600


def test_check_says_all_that_is_wrong_a_line_each(folder, tmp_path):
    write_bam(tmp_path / "other.bam", [{"start": 1, "chrom": "1"}], {"1": 10_050})
    done = run_tool(
        "count-bins", folder / "H3K27ac.bam", tmp_path / "other.bam", tmp_path / "gone.bam", __file__, "--check", "-q"
    )
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("count-bins: error: ")
    done = run_tool("count-bins", folder / "H3K27ac.bam", tmp_path / "gone.bam", __file__, "--check")
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert [line.rsplit(": ", 1)[-1] for line in lines] == [
        "no such file; check the path",
        "not BAM, CRAM, bigWig or tracks; SAM can be made BAM with samtools sort",
        "2 problems found; nothing was counted",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no file to count"),
        (["{bam}"], "no output is named"),
        (["{bam}", "-o", "/nowhere/x.h5"], "the folder /nowhere does not exist"),
        (["{bam}", "--count", "pairs", "-o", "{out}"], "give reads, fragments or five-prime"),
        (["{bam}", "--chroms", "chr5", "-o", "{out}"], "known are chr1, chr2, chr10"),
        (["{cut}", "-o", "{out}"], "cut.bam: the file is truncated"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(folder, tmp_path, arguments, message):
    cut = tmp_path / "cut.bam"
    cut.write_bytes((folder / "input.bam").read_bytes()[:-3000])
    names = {"bam": folder / "input.bam", "cut": cut, "out": tmp_path / "x.h5"}
    done = run_tool("count-bins", *(argument.format(**names) for argument in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cut.bam"]


def children(pid: int) -> set[int]:
    """All processes below one."""
    found: set[int] = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found |= {int(status.parent.name)} | children(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to find the worker processes")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_workers_too_and_leaves_nothing(tmp_path, rng, number, status):
    # Seconds of work: a small file under 200 marks, with processes started although it is small.
    big = write_bam(tmp_path / "big.bam", [{"start": int(start)} for start in np.sort(rng.integers(0, 9000, 4000))])
    command = (
        "from crekit.signal import binning; binning._SMALL = 0; "
        "import crekit_tools.count_bins as tool; tool.app(prog='count-bins')"
    )
    out = tmp_path / "out"
    out.mkdir()
    arguments = [sys.executable, "-c", command, *(f"M{i}={big}" for i in range(200)), "-o", str(out / "x.h5")]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    below: set[int] = set()
    while not (below and list(out.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.02)  # until the workers have begun and the temporary file is there
        below = children(process.pid)
    assert below
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert [line for line in errors.splitlines() if "error" in line or "Traceback" in line] == [errors.splitlines()[-1]]
    assert list(out.iterdir()) == []
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in below) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in below)


def test_sizes_of_the_simulated_genome_are_stored(folder, tmp_path):
    assert run_tool("count-bins", folder / "input.bam", "-o", tmp_path / "x.h5", "-q").returncode == 0
    with Tracks(tmp_path / "x.h5") as tracks:
        assert tracks.sizes == SIZES


def test_a_filter_of_reads_that_a_bigwig_has_not_is_warned_of(folder, tmp_path):
    bigwig = write_bigwig(tmp_path / "values.bw", [("chr1", 0, 500, 2.0)], SIZES)
    done = run_tool(
        "count-bins", f"A={folder}/input.bam", f"B={bigwig}", "--min-mapq", 10, "--duplicates", "drop", "-o",
        tmp_path / "x.h5",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (
        f"warning: {bigwig}: a bigWig has values and no reads, so that --min-mapq 10, --duplicates drop does nothing; "
        "filter before it is made\n"
    ) in done.stderr
    for files, options in (([f"A={folder}/input.bam"], ["--min-mapq", 10]), ([f"B={bigwig}"], [])):
        done = run_tool("count-bins", *files, *options, "-o", tmp_path / "y.h5")
        assert (done.returncode, "a bigWig has" in done.stderr) == (0, False)


def test_a_control_with_fewer_chromosomes_than_its_mark_has_a_remedy_of_its_own(tmp_path):
    mark = write_bam(tmp_path / "A.bam", [{"start": 5}], {"chr1": 5_000, "chr2": 5_000, "chr3": 5_000})
    control = write_bam(tmp_path / "input.bam", [{"start": 5}], {"chr1": 5_000, "chr3": 5_000})
    given = ("count-bins", mark, "--control", control, "-o", tmp_path / "x.h5")
    done = run_tool(*given)
    assert (done.returncode, done.stderr) == (
        2,
        f"count-bins: error: {control}: a control without chr2, which {mark} has; give a control of the whole genome, "
        "or store only what both have, with --chroms (chr1, chr3)\n",
    )
    assert run_tool(*given, "--chroms", "chr1,chr3", "-q").returncode == 0


def test_a_reference_of_plain_gzip_is_told_to_be_bgzip(tmp_path):
    bam = write_bam(tmp_path / "A.bam", [{"start": 5}], {"chr1": 500})
    fasta = tmp_path / "g.fa"
    fasta.write_text(">chr1\n" + "ACGTN" * 100 + "\n")
    pysam.view("-C", "-T", str(fasta), "-o", str(tmp_path / "A.cram"), str(bam), catch_stdout=False)
    pysam.index(str(tmp_path / "A.cram"))
    (tmp_path / "g.fa.gz").write_bytes(gzip.compress(fasta.read_bytes(), mtime=0))
    done = run_tool("count-bins", tmp_path / "A.cram", "--reference", tmp_path / "g.fa.gz", "-o", tmp_path / "x.h5")
    assert (done.returncode, done.stderr) == (
        2,
        f"count-bins: error: {tmp_path}/g.fa.gz: plain gzip, in which no place can be found; unpack it, pack it with "
        "bgzip, and run samtools faidx again\n",
    )


def test_reads_of_each_track_are_written_for_multiqc_when_counted_and_when_joined(folder, tmp_path):
    bams = [folder / f"{name}.bam" for name in ("H3K27ac", "H3K4me1_rep2", "H3K4me1_rep1")]
    given = ("--control", folder / "input.bam", "--multiqc", tmp_path / "mqc", "-q")
    assert run_tool("count-bins", *bams, *given, "-o", tmp_path / "x.h5").returncode == 0
    joined = run_tool("count-bins", tmp_path / "x.h5", "--multiqc", tmp_path / "mqc", "-o", tmp_path / "joined.h5")
    assert joined.returncode == 0, joined.stderr
    found = data(tmp_path / "mqc")
    assert list(found) == ["joined.reads", "joined.tracks", "x.reads", "x.tracks"]
    with Tracks(tmp_path / "x.h5") as tracks:
        sizes = [(track.mark, track.role, track.library_size) for track in tracks.tracks]
    rows = [(f"x: {mark} {role}", size) for mark, role, size in sizes]
    assert [(row.rstrip("12"), *counts.values()) for row, counts in found["x.reads"].items()] == rows
    assert [one["reads"] for one in found["x.tracks"].values()] == [size for *_, size in sizes]
    assert list(found["joined.tracks"].values()) == list(found["x.tracks"].values())


def test_a_folder_for_multiqc_that_is_a_file_is_refused_before_the_work(folder, tmp_path):
    given = ["--multiqc", folder / "input.bam", "-o", tmp_path / "x.h5"]
    ended = run_tool("count-bins", folder / "H3K27ac.bam", *given)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "input.bam: a file, not a folder; give --multiqc a folder" in ended.stderr
    assert not (tmp_path / "x.h5").exists()
