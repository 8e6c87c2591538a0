"""scan-genome on DNA as its users run it. What it computes is tested in tests/scanning."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest
from running import run_executable, run_tool
from toy_dna import random_dna_model, save_model, share_model, stream, write_fasta
from toy_signal import settings

from crekit.models.file import save

GENOME = {"chr1": "A" * 400 + "T" * 300 + "A" * 400, "chr2": "acgtN" * 100}


@pytest.fixture
def inputs(tmp_path) -> list[str | Path]:
    model = save_model(tmp_path / "model.safetensors", share_model())
    return ["-m", model, "-g", write_fasta(tmp_path / "genome.fa", GENOME)]


def made(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("scan*")}


def test_a_scan_writes_its_files_and_says_what_it_found(inputs, tmp_path):
    ended = run_executable("scan-genome", *inputs, "-o", tmp_path / "scan")
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "scanning 2 chromosome(s) with deepenhancer-4conv on c" in ended.stderr
    assert "enhancer: 1 blocks of 0.00055 Mb" in ended.stderr
    assert made(tmp_path) == {"scan.bed", "scan.enhancer.bw", "scan.igv.xml", "scan.summary.json"}
    assert (tmp_path / "scan.bed").read_text() == "chr1\t300\t850\tenhancer\t1000\t.\t300\t850\t255,140,0\n"


def test_options_reach_the_scan_and_its_record(inputs, tmp_path):
    given = "--step 20 --cutoff 0.7 --filter block --reverse-complement --chroms chr1 --window 300 -q"
    ended = run_tool("scan-genome", *inputs, *given.split(), "-o", tmp_path / "scan")
    assert (ended.returncode, ended.stderr) == (0, "")
    summary = json.loads((tmp_path / "scan.summary.json").read_text())
    assert summary["record"]["options"] == {
        "step": 20, "cutoff": 0.7, "filter": "block", "window": 300, "reverse_complement": True,
    }  # fmt: skip
    assert list(summary["chromosomes"]) == ["chr1"]


def test_a_stream_is_scanned_as_the_file(inputs, tmp_path, monkeypatch):
    run_tool("scan-genome", *inputs, "-o", tmp_path / "scan")
    expected = (tmp_path / "scan.summary.json").read_bytes()
    monkeypatch.setattr("sys.stdin", stream(Path(inputs[3]).read_bytes()))
    ended = run_tool("scan-genome", *inputs[:2], "-g", "-", "-o", tmp_path / "scan2", "-q")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "scan2.summary.json").read_bytes() == expected


def test_joined_scans_equal_one_scan(inputs, tmp_path):
    run_tool("scan-genome", *inputs, "-o", tmp_path / "scan")
    expected = {name: (tmp_path / name).read_bytes() for name in made(tmp_path)}
    for chrom in GENOME:
        run_tool("scan-genome", *inputs, "--chroms", chrom, "-o", tmp_path / chrom)
    joins = [word for chrom in GENOME for word in ("--join", tmp_path / chrom)]
    assert run_tool("scan-genome", *joins, "-o", tmp_path / "scan").returncode == 0
    assert {name: (tmp_path / name).read_bytes() for name in made(tmp_path)} == expected


def test_regions_and_records_give_tables_on_standard_output(inputs, monkeypatch):
    monkeypatch.setattr("sys.stdin", stream(b"chr1\t400\t700\tx\n"))
    ended = run_tool("scan-genome", *inputs, "-r", "-", "-o", "-", "-q")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "id\tchrom\tstart\tend\tname\tpredicted\tbackground\tenhancer",
        "chr1:400-700\tchr1\t400\t700\tx\tenhancer\t0.000001\t0.999999",
    ]
    records = f">some record\n{'A' * 300}\n>short\nTTT\n"
    monkeypatch.setattr("sys.stdin", stream(records.encode()))
    ended = run_tool("scan-genome", *inputs[:2], "--fasta", "-", "-o", "-")
    assert ended.returncode == 0
    assert ended.stdout.splitlines() == [
        "id\tlength\tpredicted\tbackground\tenhancer",
        "some\t300\tbackground\t0.999999\t0.000001",
        "short\t3\tNA\tNA\tNA",
    ]
    assert "1 record(s) have NA" in ended.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--normalise", "rpm"], "--normalise is for tracks"),
        (["--chroms", "chr7"], "'chr7' is not known; known are chr1, chr2"),
        (["--window", "200"], "--window 200: the model's windows have 300 bases"),
        (["-t", "tracks.h5"], "either tracks (-t) or DNA (-g, --fasta)"),
        (["--fasta", "other.fa"], "leave out -g and -r"),
        (["-r", "regions.bed", "--step", "10"], "leave out --chroms"),
        (["-r", "none.bed"], "none.bed: cannot be read"),
        (["--known-tss", "none.bed"], "none.bed: cannot be read"),
        (["--step", "0"], "--step"),
        (["--join", "part"], "--join: the scans were made before"),
    ],
)
def test_wrong_options_are_refused_in_one_line(inputs, tmp_path, options, message):
    refused(tmp_path, message, *inputs, *options)


def refused(folder: Path, message: str, *words: object) -> None:
    ended = run_tool("scan-genome", *words, "-o", folder / "scan")
    assert ended.returncode == 2, ended.stderr
    *before, last = ended.stderr.splitlines()
    assert all(line.startswith(("scanning ", "warning: ")) for line in before)
    assert last.startswith("scan-genome: error: ")
    assert message in last
    assert not made(folder)
    assert not list(folder.glob(".scan*"))


def test_genomes_that_cannot_be_read_are_refused(inputs, tmp_path):
    whole = Path(inputs[3]).read_bytes()
    for name, content, message in (
        ("empty.fa", b"", "empty.fa: the file is empty"),
        ("protein.fa", b">chr1\nMEEPQ\n", "record chr1: 'E' at base 2 is no letter of DNA"),
        ("table.fa", b"chr1\t0\t300\n", "table.fa: does not begin with '>'"),
        ("twice.fa", b">chr1\nACGT\n>chr1\nACGT\n", "record chr1: stands there twice"),
        ("none.fa", None, "none.fa: no such file"),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        refused(tmp_path, message, *inputs[:2], "-g", path)
    # The end is lost after the index was made.
    pysam.faidx(str(inputs[3]))
    Path(inputs[3]).write_bytes(whole[:-300])
    refused(tmp_path, "genome.fa: does not fit its index", *inputs)


def test_streams_that_break_off_leave_nothing(inputs, tmp_path, monkeypatch):
    bad = {"": "standard input: holds no record", f">a\n{'ACGT' * 100}\n>b\n": "record b: is empty"}
    for text, message in bad.items():
        monkeypatch.setattr("sys.stdin", stream(text.encode()))
        refused(tmp_path, message, *inputs[:2], "-g", "-")


def test_models_of_the_other_kind_are_refused(inputs, tmp_path):
    signal = tmp_path / "signal.safetensors"
    save(signal, settings(), settings().build())
    refused(tmp_path, "signal.safetensors: a model of tracks, which sequences cannot feed", "-m", signal, *inputs[2:])
    message = "model.safetensors: a model of sequences, which tracks cannot feed"
    refused(tmp_path, message, *inputs[:2], "-t", tmp_path / "tracks.h5")
    refused(tmp_path, "signal.safetensors: a model of tracks", "-m", signal, "--fasta", inputs[3])


def test_a_model_of_whole_regions_needs_a_window(inputs, tmp_path):
    model = save_model(tmp_path / "lstm.safetensors", random_dna_model("lstm", window=0))
    refused(tmp_path, "lstm: the model reads whole regions of any length; give --window", "-m", model, *inputs[2:])
    ended = run_tool("scan-genome", "-m", model, *inputs[2:], "--window", 250, "-o", tmp_path / "scan")
    assert ended.returncode == 0, ended.stderr


def test_outputs_that_cannot_be_written_are_refused_before_the_work(inputs, tmp_path):
    for output in (tmp_path / "none" / "scan", "-"):
        ended = run_tool("scan-genome", *inputs, "-o", output)
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    ended = run_tool("scan-genome", *inputs[:2], "--fasta", inputs[3], "-o", inputs[3])
    assert ended.returncode == 2
    assert "both an input and --output" in ended.stderr


def test_a_stream_that_is_stopped_leaves_nothing(inputs, tmp_path):
    (tmp_path / "out").mkdir()
    command = [Path(sys.executable).parent / "scan-genome", *inputs[:2], "-g", "-", "-o", tmp_path / "out" / "scan"]
    process = subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(">a\n" + "ACGT" * 100 + "\n>b\n")
    process.stdin.flush()
    while "scanning a stream" not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    process.terminate()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 143, said
    assert os.listdir(tmp_path / "out") == []


def test_the_tables_probabilities_add_up(inputs, tmp_path, rng):
    model = save_model(tmp_path / "m.safetensors", random_dna_model("deepenhancer-6conv3pool", ["a", "b", "c"]))
    records = {f"r{i}": rng.integers(0, 4, 300).astype(np.uint8) for i in range(5)}
    fasta = write_fasta(tmp_path / "r.fa", records)
    ended = run_tool("scan-genome", "-m", model, "--fasta", fasta, "-o", tmp_path / "table.tsv")
    assert ended.returncode == 0, ended.stderr
    rows = [line.split("\t") for line in (tmp_path / "table.tsv").read_text().splitlines()[1:]]
    for row in rows:
        shares = dict(zip("abc", map(float, row[3:]), strict=True))
        assert abs(sum(shares.values()) - 1) < 2e-6
        assert row[2] == max(shares, key=lambda name: shares[name])
