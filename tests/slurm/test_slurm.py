"""The pipeline on a Slurm cluster, on its nodes and in containers there, and with a node that is lost in mid-run."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from pipeline.engine import Engine, Finished
from pipeline.runs import Task, assert_same_bigwigs, assert_same_bytes, assert_well, tasks
from slurm.cluster import PARTITION, Cluster

from crekit import __version__

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]

# All that is published but for what tells times: the engine's reports, and MultiQC's page with its log.
COMPARED = {"tracks", "regions", "models", "evaluation", "explanation", "scan"}
NOT_COMPARED = {"pipeline_info", "multiqc"}
# A node that is lost before its jobs could tell how they ended.
NO_STATUS = "-"

SETTINGS = f"""
process.queue = '{PARTITION}'
executor {{
    pollInterval = '1 s'
    queueStatInterval = '1 s'
    exitReadTimeout = '5 s'
}}
podman.runOptions = '--network=none'
"""
WITHOUT_MULTIQC = "process { withName: 'MULTIQC' { ext.when = false } }\n"
# Seconds that a run may take on a machine with much else to do; on two quiet cores it takes about two minutes.
PATIENCE = 2400
WITHOUT_RETRIES = "process.errorStrategy = 'terminate'\n"


@pytest.fixture(scope="module")
def words(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What all runs are given: one thread a task, as a network's bytes depend on it, and quick looks at the queue."""
    settings = tmp_path_factory.mktemp("settings") / "tests.config"
    settings.write_text(SETTINGS + ("" if shutil.which("multiqc") else WITHOUT_MULTIQC))
    return ["-c", settings, "--max_cpus", 1, "--max_memory", f"{cluster.memory // cluster.cpus}.MB"]


@pytest.fixture(scope="module")
def expected(engine: Engine, words: list[object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the same run without a cluster."""
    folder = tmp_path_factory.mktemp("local")
    assert_well(engine.run(folder, "-profile", "test", "--outdir", "results", *words, timeout=PATIENCE))
    return folder / "results"


def assert_same_results(found: Path, expected: Path, *left_out: str) -> None:
    """The same files with the same bytes, bigWig files with the same values."""
    names = sorted(compared(expected, *left_out))
    assert {Path(name).parts[0] for name in names} | {*left_out} == COMPARED
    assert sorted(compared(found)) == names
    for name in names:
        compare = assert_same_bigwigs if name.endswith(".bw") else assert_same_bytes
        compare(found / name, expected / name)


def compared(results: Path, *left_out: str) -> Iterator[str]:
    for path in results.rglob("*"):
        name = path.relative_to(results)
        if path.is_file() and name.parts[0] not in NOT_COMPARED.union(left_out):
            yield str(name)


def run(engine: Engine, cluster: Cluster, folder: Path, *words: object, **variables: str) -> Finished:
    """The test profile; what profiles are added is among the words."""
    return engine.run(folder, "--outdir", "results", *words, timeout=PATIENCE, **cluster.environment, **variables)


def test_a_run_on_slurm_gives_what_a_local_run_gives(engine, cluster, words, expected, tmp_path):
    before = cluster.jobs("all")
    assert_well(run(engine, cluster, tmp_path, "-profile", "test,slurm", *words))
    assert_same_results(tmp_path / "results", expected)
    done = tasks(tmp_path / "results")
    assert {task.status for task in done} == {"COMPLETED"}
    # Each task was a job, and none is left.
    assert len(cluster.jobs("COMPLETED").keys() - before) == len(done)
    assert cluster.jobs() == {}


def test_a_run_on_slurm_in_containers_gives_what_a_local_run_gives(engine, cluster, words, expected, podman, tmp_path):
    images = [
        *("--container", f"localhost/crekit:{__version__}"),
        *("--multiqc_container", f"localhost/crekit-multiqc:{__version__}"),
    ]
    assert_well(run(engine, cluster, tmp_path, "-profile", "test,slurm,podman", *words, *images, **podman))
    assert_same_results(tmp_path / "results", expected)
    scripts = [path.read_text() for path in (tmp_path / "work").glob("*/*/.command.run")]
    assert scripts
    assert all("podman run" in script for script in scripts)


@contextmanager
def running(*call: object, **variables: str) -> Iterator[Future[Finished]]:
    """A run that goes on beside the test."""
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(run, *call, **variables)  # type: ignore[arg-type]


def lose_node(cluster: Cluster, process: str) -> None:
    """Kill the node when a task of a process has started there, and start it again when it has been missed."""

    def started() -> bool:
        names = cluster.jobs("RUNNING").values()
        return any(process in name for name in names) and bool(cluster.task_processes())

    cluster.wait(started, f"{process} to run", PATIENCE)
    assert cluster.kill_node(), "no process of a job was there to be killed"
    cluster.start_node()


def lost(results: Path, process: str) -> list[Task]:
    """Tasks of a process that ended without an exit status."""
    return [task for task in tasks(results) if (task.process, task.exit) == (process, NO_STATUS)]


def test_a_node_lost_in_mid_run_costs_a_run_no_result(engine, cluster, words, expected, tmp_path):
    """Without retries the run fails, and -resume goes on; as the profile has it, lost tasks are submitted again."""
    (tmp_path / "once.config").write_text(WITHOUT_RETRIES)
    here = [engine, cluster, tmp_path, "-profile", "test,slurm", "--skip_scan", *words]
    results = tmp_path / "results"

    with running(*here, "-c", tmp_path / "once.config") as first:
        lose_node(cluster, "COUNT_BINS")
        failed = first.result()
    assert failed.status == 1
    assert lost(results, "COUNT_BINS")
    assert not list(results.glob("models/*"))
    before = {task.name for task in tasks(results) if task.status == "COMPLETED"}

    with running(*here, "-resume") as second:
        lose_node(cluster, "TRAIN_MODEL")
        done = second.result()
    assert_well(done)
    assert {task.name for task in tasks(results) if task.status == "CACHED"} == before
    again = lost(results, "TRAIN_MODEL")
    assert again
    assert {task.name for task in again} < {task.name for task in tasks(results) if task.status == "COMPLETED"}
    assert_same_results(results, expected, "scan")
    assert cluster.jobs() == {}
