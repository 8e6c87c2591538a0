"""scan-genome as its users run it. What it computes is tested in tests/scanning."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from running import run_executable, run_tool
from toy_multiqc import data
from toy_scan import centre_model, draw, random_model, save_model, save_tracks

SIZES = {"chr1": 30_000, "chr2": 12_050, "chr3": 20_000}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> list[str | Path]:
    folder = tmp_path_factory.mktemp("inputs")
    drawn = {
        "chr1": draw(300, (3, 5, 1, 6), (60, 64, 1, 8), (65, 70, 2, 9)),
        "chr2": draw(121, (100, 101, 1, 9)),
        "chr3": draw(200),
    }
    bins = {mark: {chrom: columns[i] for chrom, columns in drawn.items()} for i, mark in enumerate("AB")}
    model = save_model(folder / "model.safetensors", centre_model(SIZES))
    return ["-m", model, "-t", save_tracks(folder / "tracks.h5", SIZES, bins)]


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_scan_writes_its_five_files_and_says_what_it_found(inputs, tmp_path):
    ended = run_executable("scan-genome", *inputs, "-o", tmp_path / "scan")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "enhancer: 3 blocks of 0.0066 Mb" in ended.stderr
    assert "on cpu" in ended.stderr or "on cuda" in ended.stderr
    names = {"scan.bed", "scan.enhancer.bw", "scan.promoter.bw", "scan.igv.xml", "scan.summary.json"}
    assert set(outputs(tmp_path)) == names


def test_options_reach_the_scan_and_its_record(inputs, tmp_path):
    (tmp_path / "known.bed").write_text("chr1\t1000\t1001\n")
    given = "--step 200 --cutoff 0.7 --filter block --tss-distance 100 --marker-distance 300 --seed 7 --normalise rpm"
    files = ["--known-tss", tmp_path / "known.bed", "--markers", tmp_path / "known.bed"]
    ended = run_tool("scan-genome", *inputs, *given.split(), *files, "--chroms", "chr1", "-o", tmp_path / "scan", "-q")
    assert (ended.returncode, ended.stderr) == (0, "")
    summary = json.loads((tmp_path / "scan.summary.json").read_text())
    assert summary["record"]["options"] == {
        "step": 200, "cutoff": 0.7, "filter": "block", "normalise": "rpm", "tss_distance": 100, "marker_distance": 300,
        "seed": 7,
    }  # fmt: skip
    assert list(summary["chromosomes"]) == ["chr1"]


def test_joined_scans_equal_one_scan(inputs, tmp_path):
    for name in ("whole", "parts", "joined"):
        (tmp_path / name).mkdir()
    run_tool("scan-genome", *inputs, "-o", tmp_path / "whole" / "scan")
    joins: list[str | Path] = []
    for chrom in ("chr3", "chr1", "chr2"):
        run_tool("scan-genome", *inputs, "--chroms", chrom, "-o", tmp_path / "parts" / chrom)
        joins += ["--join", tmp_path / "parts" / chrom]
    ended = run_tool("scan-genome", *joins, "-o", tmp_path / "joined" / "scan")
    assert ended.returncode == 0, ended.stderr
    assert outputs(tmp_path / "joined") == outputs(tmp_path / "whole")


def test_regions_give_a_table_on_standard_output(inputs):
    ended = run_executable("scan-genome", *inputs, "-r", "-", "-o", "-", "-q", input="chr1\t5900\t8500\n")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "id\tchrom\tstart\tend\tname\tpredicted\tbackground\tenhancer\tpromoter",
        "chr1:5900-8500\tchr1\t5900\t8500\t.\tenhancer\t0.100000\t0.800000\t0.100000",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--step", "150"], "--step 150: windows start at bins"),
        (["--filter", "best"], "--filter best: choose window or block"),
        (["--cutoff", "2"], "--cutoff"),
        (["--chroms", "chr7"], "'chr7' is not known; known are chr1, chr2, chr3"),
        (["--join", "part"], "--join: the scans were made before"),
        (["-r", "regions.bed", "--chroms", "chr1"], "leave out --chroms"),
        (["--window", "300"], "--window and --reverse-complement are for DNA"),
        (["-g", "genome.fa"], "either tracks (-t) or DNA (-g, --fasta)"),
        (["--device", "tpu"], "--device tpu"),
        (["--known-tss", "none.bed"], "none.bed: cannot be read"),
    ],
)
def test_wrong_options_are_refused_in_one_line(inputs, tmp_path, options, message):
    ended = run_tool("scan-genome", *inputs, *options, "-o", tmp_path / "scan")
    assert ended.returncode == 2
    assert ended.stderr.startswith("scan-genome: error: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert not outputs(tmp_path)


def test_a_model_without_tracks_is_refused(inputs, tmp_path):
    ended = run_tool("scan-genome", *inputs[:2], "-o", tmp_path / "scan")
    assert ended.returncode == 2
    assert "give a model (-m) and either tracks (-t) or DNA (-g, --fasta), or scans to --join" in ended.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_scan_that_is_stopped_leaves_nothing(tmp_path, number, status):
    sizes = {"chr1": 40_000_000}
    rng = np.random.default_rng(1)
    counts = {f"mark{i}": {"chr1": rng.poisson(2.0, 400_000).astype(np.uint16)} for i in range(4)}
    model = save_model(tmp_path / "model.safetensors", random_model("ep-dnn"), sizes=sizes)
    tracks = save_tracks(tmp_path / "tracks.h5", sizes, counts)
    (tmp_path / "out").mkdir()
    command = [Path(sys.executable).parent / "scan-genome", "-m", model, "-t", tracks, "-o", tmp_path / "out" / "scan"]
    process = subprocess.Popen([*map(str, command), "-p", "1"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while len(os.listdir(tmp_path / "out")) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)  # all five temporary files are there while it scans
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == status
    assert "nothing was left under the name of the output" in said
    assert os.listdir(tmp_path / "out") == []


def test_blocks_are_written_for_multiqc_by_a_scan_and_by_a_join(inputs, tmp_path):
    (tmp_path / "markers.bed").write_text("chr1\t1000\t1001\n")
    given = [*inputs, "--markers", tmp_path / "markers.bed", "-q", "--multiqc", tmp_path / "mqc"]
    joins: list[str | Path] = []
    for chrom in ("chr1", "chr2", "chr3"):
        assert run_tool("scan-genome", *given, "--chroms", chrom, "-o", tmp_path / chrom).returncode == 0
        joins += ["--join", tmp_path / chrom]
    ended = run_tool("scan-genome", *joins, "-o", tmp_path / "a.scan", "--multiqc", tmp_path / "mqc")
    assert ended.returncode == 0, ended.stderr
    found = data(tmp_path / "mqc")
    assert list(found) == ["a.scan.scan", "chr1.scan", "chr2.scan", "chr3.scan"]
    summary = json.loads((tmp_path / "a.scan.summary.json").read_text())["classes"]["enhancer"]
    assert found["a.scan.scan"]["a.scan: enhancer"] == {
        "blocks": summary["blocks"],
        "megabases": pytest.approx(summary["bases"] / 1e6, rel=1e-3),
        "validation_rate": pytest.approx(summary["validation_rate"], rel=1e-3),
        "shuffled_rate": pytest.approx(summary["shuffled_rate"], rel=1e-3),
    }
    assert summary["blocks"] == 3


def test_regions_have_no_blocks_for_multiqc(inputs, tmp_path):
    (tmp_path / "r.bed").write_text("chr1\t0\t2000\n")
    ended = run_tool("scan-genome", *inputs, "-r", tmp_path / "r.bed", "-o", "-", "--multiqc", tmp_path / "mqc")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--multiqc tells of a scan's blocks; leave it out with -r and --fasta" in ended.stderr
