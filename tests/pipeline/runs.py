"""What a run of the pipeline left behind: its tasks, its files, and what they are compared with."""

import csv
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pyBigWig
from pipeline.engine import Finished
from running import run_tool

DATA = Path(__file__).resolve().parents[2] / "nextflow" / "assets" / "test"
# As --max_cpus 1 of the runs: the bytes of a network depend on the number of threads.
THREADS = ("--threads", 1)


@dataclass(frozen=True)
class Run:
    """A run that ended well.

    Parameters
    ----------
    done : Finished
    results : Path
        Its --outdir.
    data : Path
        The folder of its inputs.
    """

    done: Finished
    results: Path
    data: Path

    @property
    def work(self) -> Path:
        return self.done.folder / "work"


@dataclass(frozen=True)
class Task:
    """A row of the trace: a process without its workflows, the tag, the status, the exit status, and the attempts."""

    process: str
    tag: str
    status: str
    exit: str

    @property
    def name(self) -> str:
        return f"{self.process} ({self.tag})"


def tasks(results: Path) -> list[Task]:
    """The tasks of a run, by its trace, in the order of the processes' and the tags' names."""
    with (results / "pipeline_info" / "trace.txt").open() as rows:
        found = [_task(row) for row in csv.DictReader(rows, delimiter="\t")]
    return sorted(found, key=lambda task: (task.process, task.tag))


def _task(row: dict[str, str]) -> Task:
    process, _, tag = row["name"].rsplit(":", 1)[-1].partition(" (")
    return Task(process, tag.removesuffix(")"), row["status"], row["exit"])


def assert_well(done: Finished) -> None:
    assert done.status == 0, done.output[-3000:] + done.errors[-3000:]


def tool(name: str, *words: object) -> None:
    """Run a tool by hand."""
    done = run_tool(name, *words)
    assert done.returncode == 0, done.stderr


def assert_same_bytes(found: Path, expected: Path) -> None:
    assert found.read_bytes() == expected.read_bytes(), f"{found.name} differs from what the tool makes by hand"


def assert_same_bigwigs(found: Path, expected: Path) -> None:
    """By content: the compressed blocks of a bigWig may be cut in another way."""
    with pyBigWig.open(str(found)) as one, pyBigWig.open(str(expected)) as other:
        assert one.chroms() == other.chroms()
        for chrom, size in one.chroms().items():
            np.testing.assert_array_equal(one.values(chrom, 0, size), other.values(chrom, 0, size))


def assert_same_scan(results: Path, name: str, prefix: Path) -> None:
    """The scan NAME of a run is the scan PREFIX of scan-genome: blocks, summary and bigWigs."""
    found = sorted(path.name.removeprefix(name) for path in (results / "scan").glob(f"{name}.*"))
    assert found == sorted(path.name.removeprefix(prefix.name) for path in prefix.parent.glob(f"{prefix.name}.*"))
    assert_same_bytes(results / "scan" / f"{name}.bed", prefix.parent / f"{prefix.name}.bed")
    for ending in (ending for ending in found if ending.endswith(".bw")):
        assert_same_bigwigs(results / "scan" / f"{name}{ending}", prefix.parent / f"{prefix.name}{ending}")


def counts(tracks: Path) -> dict[str, np.ndarray]:
    """All arrays of a track file by their names."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(tracks) as file:
        file.visititems(lambda name, one: found.update({name: one[()]}) if isinstance(one, h5py.Dataset) else None)
    return found


def touch_all(folder: Path) -> None:
    """Give every file of a folder another time."""
    for path in folder.rglob("*"):
        times = path.stat()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 3_600_000_000_000))


@contextmanager
def without_write_permission(folder: Path) -> Iterator[None]:
    """Nothing of a folder may be written, except by root."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths if not path.is_symlink()}
    for path, mode in modes.items():
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
