"""What the profiles set, read from `nextflow config -flat`, and the options that reach tasks."""

import os

import pytest
from pipeline.engine import REPOSITORY
from pipeline.runs import assert_well

pytestmark = pytest.mark.nextflow

PROFILES = {
    "awsbatch": {
        "process.executor": "'awsbatch'",
        "process.queue": "'crekit'",
        "aws.region": "'eu-west-1'",
        "aws.batch.maxTransferAttempts": "3",
    },
    "google-batch": {
        "process.executor": "'google-batch'",
        "google.location": "'europe-west4'",
        "google.batch.spot": "true",
    },
    "k8s": {"process.executor": "'k8s'", "k8s.storageClaimName": "'crekit'", "k8s.storageMountPath": "'/workspace'"},
    "slurm": {
        "process.executor": "'slurm'",
        "executor.queueSize": "100",
        "executor.submitRateLimit": "'10/1sec'",
    },
    "docker": {"docker.enabled": "true", "docker.runOptions": "'-u $(id -u):$(id -g)'"},
    # These do not touch each other's settings, so one start of the engine tells of all.
    "podman,singularity,apptainer,conda,arm,debug,gpu": {
        "podman.enabled": "true",
        "singularity.enabled": "true",
        "singularity.autoMounts": "true",
        "apptainer.enabled": "true",
        "apptainer.autoMounts": "true",
        "conda.enabled": "true",
        "conda.channels": "['conda-forge', 'bioconda']",
        "process.arch": "'linux/arm64'",
        "process.debug": "true",
        "dumpHashes": "true",
        "cleanup": "false",
        "process.'withLabel:process_gpu'.accelerator": "1",
    },
}
ALWAYS = {
    "manifest.nextflowVersion": "'!>=25.04.0'",
    "process.cache": "'lenient'",
    "process.maxRetries": "2",
    "params.publish_dir_mode": "'copy'",
    "report.file": "'results/pipeline_info/report.html'",
    "trace.overwrite": "true",
    "env.PYTHONNOUSERSITE": "1",
}


@pytest.mark.parametrize("profiles", PROFILES)
def test_profile_sets_its_values(engine, tmp_path, profiles):
    done = engine.call(tmp_path, "config", "-flat", "-profile", profiles, REPOSITORY)
    assert done.status == 0, done.errors
    found = dict(line.split(" = ", 1) for line in done.output.splitlines() if " = " in line)
    expected = {**ALWAYS, **PROFILES[profiles]}
    assert {name: found.get(name) for name in expected} == expected


# Instead of the real one: keeps what it was told, and runs the task without any container.
PODMAN = """#!/bin/bash
[[ $1 == run ]] || exit 0
echo "$*" >> {log}
while [[ $1 != */bash ]]; do shift; done
exec "$@"
"""


def test_only_networks_get_the_gpu_and_its_image_whatever_the_order_of_the_profiles(engine, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "podman").write_text(PODMAN.format(log=tmp_path / "log"))
    (tmp_path / "bin" / "podman").chmod(0o755)
    for name in ("genome.fa", "dna.safetensors"):
        (tmp_path / name).touch()
    done = engine.run(
        tmp_path,
        *("-profile", "gpu,podman", "-stub", "--workflow", "scan", "--genome", "genome.fa", "--outdir", "results"),
        *("--model", "dna.safetensors", "--max_cpus", 1, "--max_memory", "2.GB"),
        parser="v2",
        PATH=f"{tmp_path}/bin{os.pathsep}{engine.environment['PATH']}",
    )
    assert_well(done)
    told = (tmp_path / "log").read_text().splitlines()
    on_gpu = ["--device nvidia.com/gpu=all" in line for line in told]
    assert on_gpu == ["crekit/crekit:0.1.0-cuda" in line for line in told]
    # Of the index, the scan, its join and MultiQC, the scan alone.
    assert on_gpu == [False, True, False, False]


def test_help_starts_nothing(engine, tmp_path):
    shown = engine.run(tmp_path, "--help")
    assert shown.status == 0
    assert "--train_on" in shown.output
    assert not list(tmp_path.glob("work/*"))
