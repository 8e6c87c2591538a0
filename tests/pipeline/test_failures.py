"""Runs that must fail: the line that tells why is the last one, no task is tried twice, and nothing starts in vain."""

import shutil
from pathlib import Path

import pytest
from pipeline.engine import Engine, Finished
from pipeline.runs import DATA, Task, tasks

pytestmark = pytest.mark.nextflow

SIZES = "chr1\t402350\nchr2\t398120\nchr3\t400050\nchr4\t395500\n"


def signal_run(engine: Engine, folder: Path, *words: object, sheet: Path = DATA / "samplesheet.csv") -> Finished:
    """The profile test, but for what a test spoils."""
    return engine.run(folder, "-profile", "test", "--input", sheet, "--outdir", "results", *words)


def assert_ends_with(done: Finished, *parts: str) -> None:
    """Exit 1, and the last line of either stream is one line with these parts."""
    assert done.status == 1
    assert all(part in done.last_line for part in parts), done.errors[-2000:]


def test_chromosome_names_that_do_not_match_stop_the_run_before_anything_else_starts(engine, tmp_path):
    (tmp_path / "sizes").write_text(SIZES.replace("chr", ""))
    done = signal_run(engine, tmp_path, "--sizes", "sizes")
    assert_ends_with(done, "count-bins: error: ", "problems found; nothing was counted")
    assert "sizes: chromosome 1 is called chr1 in in1/H3K27ac_rep1.bam; rename the chromosomes" in done.output
    assert tasks(tmp_path / "results") == [Task("CHECK_SIGNALS", "signals", "FAILED", "2")]


def test_all_faults_of_the_headers_are_told_at_once(engine, tmp_path):
    shutil.copytree(DATA, tmp_path / "data")
    for name in ("alpha/H3K27ac_rep1.bam", "beta/H3K4me3.bw"):
        (tmp_path / "data" / name).write_bytes(b"not what the name says")
    done = signal_run(engine, tmp_path, sheet=tmp_path / "data" / "samplesheet.csv")
    assert done.status == 1
    assert "H3K27ac_rep1.bam" in done.output + done.errors
    assert "H3K4me3.bw" in done.output + done.errors
    assert [task.process for task in tasks(tmp_path / "results")] == ["CHECK_SIGNALS"]


def test_a_refused_peak_file_is_named_in_the_last_line(engine, tmp_path):
    shutil.copytree(DATA, tmp_path / "data")
    (tmp_path / "data" / "alpha" / "p300.narrowPeak").write_text("chr1\tfive\t20\n")
    done = signal_run(engine, tmp_path, "--annotations", "data/annotations.csv")
    assert_ends_with(done, "define-regions: error: ", "p300.narrowPeak")
    failed = [task for task in tasks(tmp_path / "results") if task.status == "FAILED"]
    assert failed == [Task("DEFINE_REGIONS", "alpha", "FAILED", "2")]


def test_an_option_that_a_tool_does_not_know_is_not_tried_twice(engine, tmp_path):
    done = signal_run(engine, tmp_path, "--count_bins_args=--no-such-option")
    assert_ends_with(done, "--no-such-option")
    assert tasks(tmp_path / "results") == [Task("CHECK_SIGNALS", "signals", "FAILED", "2")]


def test_a_leak_stops_the_run_before_training_where_it_is_asked_to(engine, tmp_path, rng):
    bases = ["".join(rng.choice(list("ACGT"), 300)) for _ in range(60)]
    for name, records in {"enhancer": bases[:30], "background": [*bases[30:], *bases[:20]]}.items():
        first = 1000 if name == "enhancer" else 500_000
        spans = [f"chr{i % 3 + 1}:{first + 1000 * i}-{first + 1000 * i + 300}" for i in range(len(records))]
        text = "".join(f">{span}\n{dna}\n" for span, dna in zip(spans, records, strict=True))
        (tmp_path / f"{name}.fa").write_text(text)
    done = engine.run(
        tmp_path,
        *("--workflow", "sequence", "--fasta", "enhancer=enhancer.fa,background=background.fa"),
        *("--folds", 3, "--by", "random", "--arch", "kmer-logistic", "--audit_fail", "--outdir", "results"),
    )
    assert_ends_with(done, "verdict: leak (")
    assert [(task.process, task.exit) for task in tasks(tmp_path / "results")] == [
        ("AUDIT_DATASET", "3"),
        ("ENCODE_SEQ", "0"),
    ]


def test_a_results_folder_that_cannot_be_made_is_told_in_one_line(engine, tmp_path):
    (tmp_path / "file").touch()
    done = signal_run(engine, tmp_path, "--outdir", "file/results")
    assert_ends_with(done, f"ERROR: --outdir file/results: {tmp_path}/file is a file; give a folder")
