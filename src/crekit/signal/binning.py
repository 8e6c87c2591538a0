"""Files to one track file: each chromosome of each file is a task of a worker process, one process writes.

Tracks are written in the order of `Track.key`, so the result depends neither on the order of the files nor on the
number of processes. Only a few chromosomes of bins are in memory at a time.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from crekit import progress, provenance
from crekit.errors import InputError
from crekit.files import require_writable, sha256_file
from crekit.provenance import Input
from crekit.signal import tracks
from crekit.signal.filetypes import BIGWIG, CRAM, TRACKS
from crekit.signal.plan import File, Item, Plan
from crekit.signal.rules import FRAGMENTS, Rule
from crekit.signal.tracks import CONTROL, COUNTS, SIGNAL, VALUES, Track, Tracks, TrackWriter
from crekit.signal.workers import workers

log = logging.getLogger("crekit")

# Below so many bytes of input in all, starting processes takes longer than counting.
_SMALL = 32 << 20
_PRELOAD = ["crekit.signal.counting", "crekit.signal.bigwig"]


@dataclass(frozen=True)
class Task:
    """The bins of one chromosome of one file."""

    file: Path
    kind: str
    chrom: str
    size: int
    stored: bool
    rule: Rule
    number: int
    offset: int
    records: int | None
    reference: str | Path | None


@dataclass(frozen=True)
class Entry:
    """A track to write, and the file that it comes from."""

    track: Track
    file: File


def write_tracks(plan: Plan, output: str | Path, threads: int = 1) -> None:
    """Count all files of a plan and write one track file.

    Parameters
    ----------
    plan : Plan
        Without problems; see `make_plan`.
    output : path
    threads : int
        Worker processes. Small inputs are counted in this one.

    Raises
    ------
    InputError
        If a file is damaged, not sorted or given twice for a mark, or the output cannot be written.
    WorkError
        If the disk is full or a worker process is killed.
    """
    require_writable(output)
    paths = list(dict.fromkeys(item.file.path for item in plan.items))
    small = sum(path.stat().st_size for path in paths) < _SMALL
    with workers(1 if small else threads, _PRELOAD) as run:
        sums = run(sha256_file, paths)
        checksums = dict(zip(paths, progress.steps(sums, "reading", len(paths)), strict=True))
        entries = _entries(plan, checksums)
        tasks = _tasks(plan, entries)
        flat = [task for some in tasks.values() for task in some]
        results = iter(progress.steps(run(count_task, flat), "counting", len(flat)))
        with tracks.create(output, plan.sizes, plan.rule.bin_size, plan.normalise) as writer, ExitStack() as stack:
            spools = _spools(entries, stack)
            for entry in entries:
                track = writer.add(entry.track)
                if entry.file.kind == TRACKS:
                    _copy(track, entry, plan)
                elif (spool := spools.get(entry.file.path)) is not None and spool.library_size is not None:
                    _unspool(track, spool, plan)
                else:
                    _write(track, entry, plan, tasks[entry.file.path], results, spool)
    shape = _several(len(entries), "track"), _several(len(plan.sizes), "chromosome")
    log.info("%s: %s of %s, bins of %d bases", output, *shape, plan.rule.bin_size)


def _several(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _entries(plan: Plan, checksums: dict[Path, str]) -> list[Entry]:
    """All tracks to write, in their order. A control that several inputs bring along is written once."""
    blacklist = [] if plan.blacklist is None else [Input("blacklist", "", plan.blacklist.sha256)]
    found = [Entry(_track(item, plan.rule, checksums[item.file.path], blacklist), item.file) for item in plan.items]
    found += [Entry(track, file) for file in plan.joined for track in file.tracks]
    entries: dict[tuple[str, bool, str], Entry] = {}
    for entry in found:
        first = entries.setdefault(entry.track.key, entry)
        if first is not entry and entry.track.role == SIGNAL:
            raise InputError(
                f"{entry.track.mark}: {first.file.path} and {entry.file.path} hold the same data; "
                "replicates must be different files"
            )
        if first.track.record != entry.track.record:
            raise InputError(
                f"{entry.track.mark}: the control in {first.file.path} and {entry.file.path} was counted by "
                "different rules; count it again by one"
            )
    return [entries[key] for key in sorted(entries)]


def _track(item: Item, rule: Rule, sha256: str, blacklist: list[Input]) -> Track:
    if item.file.kind == BIGWIG:
        kind, options, role = VALUES, {"bin-size": rule.bin_size}, "signal"
    else:
        kind, options, role = COUNTS, rule.options(), "reads"
    inputs = [Input(CONTROL if item.role == CONTROL else role, item.mark, sha256), *blacklist]
    return Track(item.mark, item.role, kind, provenance.record("count-bins", options, inputs))


def _tasks(plan: Plan, entries: list[Entry]) -> dict[Path, list[Task]]:
    """What to count of each file, in the order in which it is written: stored chromosomes first. Each file once."""
    files = {entry.file.path: entry.file for entry in entries if entry.file.kind != TRACKS}
    return {path: list(_tasks_of(file, plan)) for path, file in files.items()}


def _tasks_of(file: File, plan: Plan) -> Iterator[Task]:
    others = [chrom for chrom in file.sizes if chrom not in plan.sizes and file.counted]
    numbers = {chrom: number for number, chrom in enumerate(file.sizes)}
    for chrom in (*plan.sizes, *others):
        number = numbers.get(chrom, -1)
        place = file.places.get(number)
        if number < 0 or (file.counted and place is None):
            continue
        yield Task(
            file.path, file.kind, chrom, file.sizes[chrom], chrom in plan.sizes, plan.rule, number,
            0 if place is None else place.offset, None if place is None else place.records, plan.reference,
        )  # fmt: skip


def count_task(task: Task) -> tuple[np.ndarray | None, int]:
    """Bins of a task (None where they are not stored), and how many reads counted in at least one."""
    if task.kind == BIGWIG:
        from crekit.signal import bigwig

        return bigwig.bin_means(task.file, task.chrom, task.size, task.rule.bin_size), 0
    from crekit.signal import alignments, counting, cram

    filters = task.rule.filters
    if task.kind == CRAM:
        batches = cram.alignments(task.file, filters, task.reference, task.chrom)
    else:
        batches = alignments.of_bam_chromosome(task.file, filters, task.number, task.offset)
    seen = 0

    def watched() -> Iterator[alignments.Alignments]:
        nonlocal seen
        for batch in batches:
            seen += batch.n_records
            yield batch

    bins, counted = counting.count_bins(watched(), task.size, task.rule)
    if task.records is not None and seen != task.records:
        raise InputError(
            f"{task.file}: {seen:,} records on {task.chrom}, but its index says {task.records:,}; "
            f"run samtools index {task.file}"
        )
    if not task.stored:
        return None, counted
    return bins.astype(np.uint16 if bins.max(initial=0) < 2**16 else np.uint32), counted


class Spool:
    """Bins of a file that several tracks need, kept on disk until they are written."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self._places: dict[str, tuple[int, np.dtype, int]] = {}
        self.library_size: int | None = None

    def put(self, chrom: str, bins: np.ndarray) -> None:
        """Keep the bins of a chromosome."""
        self._places[chrom] = (self._handle.tell(), bins.dtype, bins.nbytes)
        self._handle.write(bins.tobytes())

    def get(self, chrom: str) -> np.ndarray:
        """The bins of a chromosome."""
        offset, dtype, size = self._places[chrom]
        self._handle.seek(offset)
        return np.frombuffer(self._handle.read(size), dtype)


def _spools(entries: list[Entry], stack: ExitStack) -> dict[Path, Spool]:
    """A spool for each counted file that is needed more than once."""
    paths = [entry.file.path for entry in entries if not entry.file.tracks]
    several = [path for path in dict.fromkeys(paths) if paths.count(path) > 1]
    return {path: Spool(stack.enter_context(tempfile.TemporaryFile())) for path in several}


def _copy(track: TrackWriter, entry: Entry, plan: Plan) -> None:
    """Take a track over from a tracks file."""
    with Tracks(entry.file.path) as source:
        same = next(one for one in source.tracks if one.key == entry.track.key)
        for chrom in plan.sizes:
            track.put(chrom, source.raw(same, chrom))
    track.finish(entry.track.library_size)


def _unspool(track: TrackWriter, spool: Spool, plan: Plan) -> None:
    """Write a track of a file that was counted for another one before."""
    for chrom in plan.sizes:
        track.put(chrom, spool.get(chrom))
    track.finish(spool.library_size or 0)


def _write(
    track: TrackWriter,
    entry: Entry,
    plan: Plan,
    tasks: list[Task],
    results: Iterator[tuple[np.ndarray | None, int]],
    spool: Spool | None,
) -> None:
    """Write a track as its results come, and keep the bins where another track needs them."""
    chroms = {task.chrom for task in tasks}
    dtype = np.float32 if entry.track.kind == VALUES else np.uint16
    library_size = 0
    for chrom, size in plan.sizes.items():
        bins: np.ndarray | None = np.zeros(tracks.n_bins(size, plan.rule.bin_size), dtype)
        if chrom in chroms:
            bins, counted = next(results)
            library_size += counted
        assert bins is not None  # stored chromosomes come with their bins  # noqa: S101
        if plan.blacklist is not None:
            bins[plan.blacklist.bins(chrom, size, plan.rule.bin_size)] = 0
        track.put(chrom, bins)
        if spool is not None:
            spool.put(chrom, bins)
    for _ in range(len(chroms - plan.sizes.keys())):
        library_size += next(results)[1]
    track.finish(library_size)
    if spool is not None:
        spool.library_size = library_size
    _report(entry, library_size)


def _report(entry: Entry, library_size: int) -> None:
    track, path = entry.track, entry.file.path
    if track.kind == VALUES:
        log.info("%s (%s): %s, means of its values", track.mark, track.role, path)
    elif library_size == 0:
        why = "fragments need proper pairs" if track.record["options"]["count"] == FRAGMENTS else "is it empty?"
        log.warning("warning: %s (%s): no read of %s counted; %s", track.mark, track.role, path, why)
    else:
        what = "fragment" if track.record["options"]["count"] == FRAGMENTS else "read"
        log.info("%s (%s): %s, %s counted", track.mark, track.role, path, _several(library_size, what))
