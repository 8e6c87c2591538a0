"""Runs that go on: -resume, tasks that are killed in the middle, and -stub, which runs the whole graph."""

import os
import re
import stat
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pipeline.conftest import TWO_SAMPLES
from pipeline.runs import DATA, Run, assert_well, counts, tasks, tool, touch_all

pytestmark = pytest.mark.nextflow

SHEET = """sample,mark,replicate,path,index,control,reference
cells,H3K27ac,,H3K27ac_rep1.cram,,Input.bam,genome.fa
cells,H3K4me1,,H3K4me1_rep1.bam,,Input.bam,
cells,H3K4me1,,H3K4me1_rep2.bam,,Input.bam,
"""
WORDS = (
    *("--workflow", "signal", "--input", "data/sheet.csv", "--regions", "data/truth.bed", "--arch", "random-forest"),
    *("--train", "chr1", "--val", "chr2", "--test", "chr3", "--skip_scan", "--outdir", "results", "--seed", 2),
    *("--evaluate_model_args", "--bootstrap 0 --no-genome-wide", "--publish_dir_mode", "symlink"),
    *("--max_cpus", 1, "--max_memory", "2.GB"),
)
# Stands before the real tool on PATH. What it does to a task, it does once.
KILLER = """#!/bin/bash
real={real}
done={folder}/killed.$(basename $0)
if [[ "$*" == *"{victim}"* && ! -e $done ]]; then
    touch $done
    $real "$@" &
    sleep 0.2
    {kill}
    wait $!
    exit
fi
exec $real "$@"
"""
# The tool, and all that runs it below the engine.
KILL_TASK = """task=$!; one=$PPID
    while grep -q 'command[.]' /proc/$one/cmdline; do task+=" $one"; one=$(ps -o ppid= $one | tr -d ' '); done
    kill -9 $task"""


def put_killer(folder: Path, tool: str, victim: str, kill: str) -> None:
    """A tool that is killed in the middle of the task that has a word among its options, the first time."""
    real = Path(sys.executable).parent / tool
    path = folder / "bin" / tool
    path.parent.mkdir(exist_ok=True)
    path.write_text(KILLER.format(real=real, folder=folder, victim=victim, kill=kill))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture(scope="module")
def interrupted(engine, small_genome, tmp_path_factory) -> Run:
    """CRAM beside BAM, regions as given; a count and the whole task of a training are killed in the middle."""
    folder = tmp_path_factory.mktemp("interrupted")
    (folder / "data").mkdir()
    for path in small_genome.folder.iterdir():
        (folder / "data" / path.name).symlink_to(path)
    (folder / "data" / "sheet.csv").write_text(SHEET)
    put_killer(folder, "count-bins", "H3K27ac=", "kill -9 $!")
    put_killer(folder, "train-model", "random-forest", KILL_TASK)
    path = f"{folder}/bin{os.pathsep}{engine.environment['PATH']}"
    done = engine.run(folder, *WORDS, PATH=path)
    assert_well(done)
    return Run(done, folder / "results", folder / "data")


def test_killed_tasks_are_tried_again(interrupted):
    killed = [(task.process, task.exit) for task in tasks(interrupted.results) if task.status == "FAILED"]
    assert killed == [("COUNT_BINS", "137"), ("TRAIN_MODEL", "137")]
    done = Counter(task.process for task in tasks(interrupted.results) if task.status == "COMPLETED")
    assert done == {
        **{"CHECK_SIGNALS": 1, "COUNT_BINS": 3, "JOIN_TRACKS": 1},
        **{"TRAIN_MODEL": 1, "EVALUATE_MODEL": 1, "MULTIQC": 1},
    }
    assert "Execution is retried" in interrupted.done.output


def test_cram_counts_as_its_bam(interrupted, by_hand):
    data, expected = interrupted.data, by_hand / "cells.tracks.h5"
    words = [
        f"{mark}={data}/{mark}_rep{number}.bam" for mark, number in (("H3K27ac", 1), ("H3K4me1", 1), ("H3K4me1", 2))
    ]
    tool("count-bins", *words, "--control", data / "Input.bam", "-o", expected)
    found = counts(interrupted.results / "tracks" / "cells.tracks.h5")
    assert list(found) == list(counts(expected))
    for name, array in counts(expected).items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_results_are_links_where_that_is_asked_for(interrupted):
    tracks = interrupted.results / "tracks" / "cells.tracks.h5"
    assert tracks.is_symlink()
    assert interrupted.work in tracks.resolve().parents


def test_limits_reach_the_tasks(interrupted):
    """Training asks for 2 CPUs and 8 GB, and for 16 GB when it is tried again."""
    report = (interrupted.results / "pipeline_info" / "report.html").read_text()
    assert set(re.findall(r'"cpus":"(\d+)"', report)) == {"1"}
    assert set(re.findall(r'"memory":"(\d+)"', report)) == {str(2 * 1024**3)}
    model = (interrupted.results / "models" / "cells.random-forest.safetensors").resolve()
    assert "--threads 1 " in model.with_name(".command.sh").read_text()


def test_resume_runs_nothing_again_though_all_inputs_were_touched(interrupted, engine):
    touch_all(interrupted.data)
    done = engine.run(interrupted.done.folder, *WORDS, "-resume")
    assert_well(done)
    assert {task.status for task in tasks(interrupted.results)} == {"CACHED"}


def test_resume_of_many_tasks_runs_nothing_again_under_the_strict_parser(two_samples, engine):
    before = tasks(two_samples.results)
    touch_all(two_samples.data)
    done = engine.run(two_samples.done.folder, *TWO_SAMPLES, "-resume", parser="v2")
    assert_well(done)
    after = tasks(two_samples.results)
    assert [task.name for task in after] == [task.name for task in before]
    assert {task.status for task in after} == {"CACHED"}


DNA = ("--genome", "genome.fa", "--regions", "truth.bed", "--folds", 3, "--arch", "gkm-svm,kmer-logistic")
# Profile, options, and how often each process runs. The clouds' profiles are tried in the same go, on this machine.
STUBS = {
    "signal": (
        *("awsbatch,test", ("--train_on", "alpha,alpha+beta")),
        {
            **{"CHECK_SIGNALS": 1, "COUNT_BINS": 10, "JOIN_TRACKS": 2, "DEFINE_REGIONS": 2, "LABEL_ACTIVITY": 2},
            **{"TRAIN_MODEL": 2, "EVALUATE_MODEL": 3, "EXPLAIN_MODEL": 2, "SCAN_GENOME": 6, "JOIN_SCANS": 3},
            "MULTIQC": 1,
        },
    ),
    "sequence": (
        *("google-batch", DNA),
        {
            **{"INDEX_GENOME": 1, "SAMPLE_BACKGROUND": 1, "ENCODE_SEQ": 1, "AUDIT_DATASET": 1, "TRAIN_MODEL": 6},
            **{"EVALUATE_MODEL": 1, "SCAN_GENOME": 1, "JOIN_SCANS": 1, "MULTIQC": 1},
        },
    ),
    "audit": (
        *("k8s", DNA[:4]),
        {"INDEX_GENOME": 1, "SAMPLE_BACKGROUND": 1, "ENCODE_SEQ": 1, "AUDIT_DATASET": 1, "MULTIQC": 1},
    ),
    "scan": (
        *("k8s", ("--model", "a.safetensors,b.safetensors", "--input", DATA / "samplesheet.csv")),
        {
            **{"CHECK_SIGNALS": 1, "COUNT_BINS": 10, "JOIN_TRACKS": 2, "SCAN_GENOME": 8, "JOIN_SCANS": 4, "MULTIQC": 1},
        },
    ),
}


@pytest.mark.parametrize("workflow", STUBS)
def test_stub_runs_the_whole_graph_with_the_profile_of_a_cloud(engine, tmp_path, workflow):
    profile, words, expected = STUBS[workflow]
    for name in ("genome.fa", "truth.bed", "a.safetensors", "b.safetensors"):
        (tmp_path / name).write_text("")
    words = ("--workflow", workflow, *words, "--outdir", "results", "-stub", "-process.executor", "local")
    words = (*words, "--max_cpus", 1, "--max_memory", "2.GB")
    done = engine.run(tmp_path, "-profile", profile, *words)
    assert_well(done)
    assert Counter(task.process for task in tasks(tmp_path / "results")) == expected
    assert "ERROR" not in done.output + done.errors
