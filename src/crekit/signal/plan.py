"""What will be counted: every file is looked into, and all that is wrong is found, before the work starts."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from crekit.errors import InputError
from crekit.genome import chromosomes
from crekit.genome.regions import Regions, read_bed
from crekit.signal.filetypes import BIGWIG, TRACKS
from crekit.signal.inspection import File, inspect
from crekit.signal.rules import DROP, Rule
from crekit.signal.samplesheet import Source, mark_of
from crekit.signal.tracks import CONTROL, NORMALISATIONS, SIGNAL, n_bins

log = logging.getLogger("crekit")
Value = TypeVar("Value", int, str)


class Problems(list[str]):
    """Messages of all that is wrong with the inputs, each once."""

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep the message of an `InputError` instead of raising it."""
        try:
            yield
        except InputError as error:
            if str(error) not in self:
                self.append(str(error))

    def raise_first(self) -> None:
        """Raise the first, if there is one, and say how many more there are."""
        if self:
            more = f" (and {len(self) - 1} more; --check lists all)" if len(self) > 1 else ""
            raise InputError(self[0] + more)


@dataclass(frozen=True)
class Request:
    """What is asked for, besides the files.

    Parameters
    ----------
    rule : Rule
        Its bin size gives way to that of tracks files where `bin_size` is None.
    bin_size : int or None
        As asked for; None: that of the tracks files given, else the rule's.
    normalise : str or None
        What readers of the result do; None: what the tracks files given say, else ``rpm``.
    sizes, blacklist, reference : path or None
        Chromosome sizes; spans whose bins are set to 0; FASTA of CRAM files.
    chroms : str or None
        Chromosomes to store.
    """

    rule: Rule = field(default_factory=Rule)
    bin_size: int | None = None
    normalise: str | None = None
    sizes: str | Path | None = None
    chroms: str | None = None
    blacklist: str | Path | None = None
    reference: str | Path | None = None


@dataclass(frozen=True)
class Item:
    """A file in its role."""

    mark: str
    role: str
    file: File


@dataclass(frozen=True)
class Blacklist:
    """Spans whose bins are set to 0, and the checksum of the file that they stand in."""

    regions: Regions
    sha256: str

    def bins(self, chrom: str, size: int, bin_size: int) -> np.ndarray:
        """Which bins of a chromosome share a base with a span, shape (n_bins,), bool."""
        spans = self.regions.on([chrom])
        steps = np.zeros(n_bins(size, bin_size) + 1, dtype=np.int64)
        inside = spans.start < size
        np.add.at(steps, spans.start[inside] // bin_size, 1)
        np.add.at(steps, n_bins_until(np.minimum(spans.end[inside], size), bin_size), -1)
        return np.cumsum(steps[:-1]) > 0


def n_bins_until(end: np.ndarray, bin_size: int) -> np.ndarray:
    """Number of the first bin that begins at or behind each end."""
    return -(-end // bin_size)


@dataclass(frozen=True)
class Plan:
    """All that counting needs, checked.

    Parameters
    ----------
    items : tuple of Item
        Files of reads and of values, with their marks.
    joined : tuple of File
        Tracks files whose tracks are taken over.
    rule : Rule
    sizes : dict of str to int
        Chromosomes to store, in natural order.
    normalise : str
    blacklist : Blacklist or None
    reference : path or None
    """

    items: tuple[Item, ...]
    joined: tuple[File, ...]
    rule: Rule
    sizes: dict[str, int]
    normalise: str
    blacklist: Blacklist | None = None
    reference: str | Path | None = None


def make_plan(sources: list[Source], request: Request) -> tuple[Plan, Problems]:
    """Look into all files and decide what is counted.

    Returns
    -------
    plan : Plan
        Only to be worked on when there are no problems.
    problems : Problems
        One line for each thing that is wrong.
    """
    problems = Problems()
    files: dict[Path, File] = {}
    for source in sources:
        if source.path in files:
            continue
        with problems.noted():
            try:
                files[source.path] = inspect(source.path, request.reference)
            except InputError as error:
                raise InputError(f"{source.where}{error}") from error
    known = [source for source in sources if source.path in files]
    if not sources:
        problems.append("no file to count; give [MARK=]FILE, or --samplesheet")
    joined = tuple(_joined(known, files, problems))
    items = tuple(_items(known, files, joined, problems))
    bin_size = _agreed(joined, "bin_size", request.bin_size, request.rule.bin_size, problems)
    normalise = _agreed(joined, "normalise", request.normalise, NORMALISATIONS[0], problems)
    if normalise not in NORMALISATIONS:
        problems.append(f"--normalise {normalise}: give {' or '.join(NORMALISATIONS)}")
    sizes: dict[str, int] = {}
    with problems.noted():
        sizes = _sizes(known, files, request, problems)
    blacklist = None
    if request.blacklist is not None:
        with problems.noted():
            blacklist = _blacklist(request.blacklist, sizes, joined)
    rule = replace(request.rule, bin_size=bin_size)
    _warn_of_idle(items, rule)
    return Plan(items, joined, rule, sizes, normalise, blacklist, request.reference), problems


def _warn_of_idle(items: Iterable[Item], rule: Rule) -> None:
    """Warn of a filter of reads that is asked for where a file has no reads."""
    filters = rule.filters
    asked = [f"--min-mapq {filters.min_mapq}"] if filters.min_mapq else []
    asked += [f"--{name} drop" for name in ("duplicates", "secondary") if getattr(filters, name) == DROP]
    for file in dict.fromkeys(item.file.path for item in items if item.file.kind == BIGWIG) if asked else ():
        log.warning(
            "warning: %s: a bigWig has values and no reads, so that %s does nothing; filter before it is made",
            file,
            ", ".join(asked),
        )


def _joined(sources: list[Source], files: Mapping[Path, File], problems: Problems) -> Iterator[File]:
    """Tracks files, each once."""
    for source in sources:
        file = files[source.path]
        if file.kind != TRACKS:
            continue
        if source.role == CONTROL:
            problems.append(
                f"{source.where}{source.path}: a tracks file brings its controls along; name it as an input"
            )
        elif source.mark is not None:
            problems.append(
                f"{source.where}{source.path}: a tracks file keeps its marks ({', '.join(_marks(file))}); "
                f"leave out {source.mark}="
            )
        else:
            yield file


def _marks(file: File) -> list[str]:
    return sorted({track.mark for track in file.tracks if track.role == SIGNAL})


def _items(
    sources: list[Source], files: Mapping[Path, File], joined: Iterable[File], problems: Problems
) -> Iterator[Item]:
    """Signals by their marks, and each control once for every mark that it serves."""
    signals: list[Item] = []
    for source in sources:
        if files[source.path].kind != TRACKS and source.role == SIGNAL:
            with problems.noted():
                signals.append(Item(mark_of(source), SIGNAL, files[source.path]))
    yield from signals
    of_reads = sorted({item.mark for item in signals if item.file.counted})
    marks = {item.mark for item in signals}.union(*map(_marks, joined))
    for source in sources:
        file = files[source.path]
        if source.role == SIGNAL or file.kind == TRACKS:
            continue
        if source.mark is None and not (of_reads and file.counted):
            problems.append(
                f"{source.where}{source.path}: a control without a mark serves marks counted from reads, by reads, "
                "and there are none; give MARK=PATH"
            )
        elif source.mark is not None and source.mark not in marks:
            problems.append(
                f"{source.where}{source.path}: a control of {source.mark}, but no such mark is counted "
                f"({', '.join(sorted(marks)) or 'none'}); correct the name"
            )
        else:
            yield from (Item(mark, CONTROL, file) for mark in ([source.mark] if source.mark else of_reads))


def _agreed(joined: Iterable[File], name: str, asked: Value | None, default: Value, problems: Problems) -> Value:
    """A setting that all tracks files and the request must share (the request may override how to normalise)."""
    if name == "normalise" and asked is not None:
        return asked
    agreed, source = asked, "is asked for"
    for file in joined:
        value = getattr(file, name)
        if agreed is None:
            agreed, source = value, f"in {file.path}"
        elif value != agreed:
            problems.append(f"{file.path}: its {_NAMES[name]} is {value}, but {agreed} {source}; {_REMEDIES[name]}")
    return default if agreed is None else agreed


_NAMES = {"bin_size": "bin size", "normalise": "normalisation"}
_REMEDIES = {"bin_size": "count the files again with one --bin-size", "normalise": "say which with --normalise"}


def _sizes(
    sources: list[Source], files_of: Mapping[Path, File], request: Request, problems: Problems
) -> dict[str, int]:
    """Chromosomes to store and their sizes; all files must have them."""
    files = [files_of[path] for path in dict.fromkeys(one.path for one in sources)]
    signals = {one.path for one in sources if one.role == SIGNAL}
    known: dict[str, int] = {}
    source: dict[str, str | Path] = {}
    if request.sizes is not None:
        known = chromosomes.read_sizes(request.sizes)
        source = dict.fromkeys(known, request.sizes)
    else:
        for file in files:
            source = {**dict.fromkeys(file.sizes, file.path), **source}
            known = {**file.sizes, **known}
    if not known:
        return {}
    names = sorted(known, key=chromosomes.natural_key)
    chosen = names if request.chroms is None else chromosomes.select(request.chroms, known)
    for file in files:
        with problems.noted():
            _require_chromosomes(file, {chrom: known[chrom] for chrom in chosen}, source, file.path not in signals)
    return {chrom: known[chrom] for chrom in chosen}


def _require_chromosomes(
    file: File, sizes: Mapping[str, int], source: Mapping[str, str | Path], is_control: bool
) -> None:
    """Check that a file has the chromosomes to store, in the same sizes; a bigWig may lack some."""
    missing = [chrom for chrom in sizes if chrom not in file.sizes]
    respelled = [chrom for chrom in missing if file.sizes.keys() & {f"chr{chrom}", chrom.removeprefix("chr")}]
    if missing and not respelled and file.kind == BIGWIG and len(missing) < len(sizes):
        log.warning("warning: %s: has no %s; bins there are 0", file.path, chromosomes.abridged(missing, 5))
    elif is_control and missing and not respelled and len(missing) < len(sizes):
        shared = chromosomes.abridged([chrom for chrom in sizes if chrom in file.sizes], 5)
        raise InputError(
            f"{file.path}: a control without {chromosomes.abridged(missing, 5)}, which {source[missing[0]]} has; give "
            f"a control of the whole genome, or store only what both have, with --chroms ({shared})"
        )
    elif missing:
        first = (respelled or missing)[0]
        chromosomes.require_known([first], str(source[first]), file.sizes, str(file.path))
    for chrom, size in sizes.items():
        if file.sizes.get(chrom, size) != size:
            raise InputError(
                f"{file.path}: {chrom} has {file.sizes[chrom]} bases, but {size} in {source[chrom]}; "
                "use files of one genome build"
            )


def _blacklist(path: str | Path, sizes: Mapping[str, int], joined: Iterable[File]) -> Blacklist:
    """The blacklist; spans on chromosomes that are not stored are of no account."""
    regions, sha256 = read_bed(path, named=False, unique=False)
    chroms = dict.fromkeys(regions.chrom)
    if sizes and not any(chrom in sizes for chrom in chroms):
        chromosomes.require_known(chroms, str(path), sizes, "the files to count")
    for file in joined:
        for track in file.tracks:
            if not any(one["role"] == "blacklist" and one["sha256"] == sha256 for one in track.record["inputs"]):
                raise InputError(
                    f"{file.path}: {track.mark} was counted without the blacklist {path}; "
                    "count its file again, or leave out --blacklist"
                )
    return Blacklist(regions, sha256)


def report(plan: Plan, problems: Problems, say: Callable[[str], object]) -> None:
    """Say all that is wrong, or what would be counted, as a table.

    Raises
    ------
    InputError
        If anything is wrong, after each problem has been logged.
    """
    for problem in problems:
        log.error("%s", problem)
    if problems:
        raise InputError(f"{len(problems)} problem{'s' * (len(problems) > 1)} found; nothing was counted")
    say("mark\trole\tkind\tchromosomes\tmapped_reads\tfile")
    for item in plan.items:
        mapped = "." if item.file.mapped is None else item.file.mapped
        shared = sum(chrom in item.file.sizes for chrom in plan.sizes)
        say(f"{item.mark}\t{item.role}\t{item.file.kind}\t{shared}\t{mapped}\t{item.file.path}")
    for file in plan.joined:
        for track in file.tracks:
            say(f"{track.mark}\t{track.role}\t{file.kind}\t{len(plan.sizes)}\t.\t{file.path}")
