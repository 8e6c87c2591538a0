"""Regions of a genome: BED in and out, choosing, overlap.

Coordinates are 0-based and half-open, as in BED. A region's id is ``chrom:start-end``; its name is its class.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TextIO

import numpy as np

from crekit.errors import InputError
from crekit.files import called, read_text, sha256_text
from crekit.genome.chromosomes import natural_key, require_known


@dataclass(frozen=True)
class Regions:
    """Spans on chromosomes, each with a class.

    Parameters
    ----------
    chrom : np.ndarray, shape (n_regions,), object
    start, end : np.ndarray, shape (n_regions,), int64
        In bases, 0-based, half-open.
    name : np.ndarray, shape (n_regions,), object
        The class of each.
    """

    chrom: np.ndarray
    start: np.ndarray
    end: np.ndarray
    name: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, index: np.ndarray) -> "Regions":
        """Some of the regions, by a mask or by positions."""
        return Regions(*(getattr(self, field.name)[index] for field in fields(self)))

    @property
    def ids(self) -> np.ndarray:
        """``chrom:start-end`` of each region, shape (n_regions,), object."""
        spans = zip(self.chrom, self.start, self.end, strict=True)
        return np.array([f"{chrom}:{start}-{end}" for chrom, start, end in spans], dtype=object)

    @property
    def midpoint(self) -> np.ndarray:
        """Middle of each region, rounded down, shape (n_regions,), int64."""
        return (self.start + self.end) // 2

    def sorted(self) -> "Regions":
        """The same regions by chromosome (natural order), start, end, name."""
        rank = {chrom: i for i, chrom in enumerate(sorted(set(self.chrom), key=natural_key))}
        order = np.lexsort((self.name.astype(str), self.end, self.start, np.array([rank[c] for c in self.chrom])))
        return self[order]

    def on(self, chroms: Iterable[str]) -> "Regions":
        """Those on the given chromosomes, in their order."""
        return self[np.isin(self.chrom.astype(str), list(chroms))]


def make(chrom: Iterable[str], start: Iterable[int], end: Iterable[int], name: str | Iterable[str]) -> Regions:
    """Regions from columns; one name serves all."""
    chroms = np.array(list(chrom), dtype=object)
    names = [name] * len(chroms) if isinstance(name, str) else list(name)
    starts, ends = (np.array(list(column), dtype=np.int64) for column in (start, end))
    return Regions(chroms, starts, ends, np.array(names, dtype=object))


def concatenate(parts: Iterable[Regions]) -> Regions:
    """All regions of several sets, one set after the other."""
    parts = list(parts)
    if not parts:
        return make([], [], [], [])
    columns = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Regions))
    return Regions(*columns)


def parse_bed(
    text: str,
    source: str,
    *,
    name: str | None = None,
    sizes: Mapping[str, int] | None = None,
    sizes_source: str = "the chromosome sizes",
    strangers: bool = False,
    unique: bool = True,
    named: bool = True,
) -> Regions:
    """Regions from the text of a BED file, checked record by record.

    Parameters
    ----------
    text : str
        BED with three or more columns, separated by tabs. ``#``, ``track`` and ``browser`` lines are passed over.
    source : str
        What to call the text in messages: its path.
    name : str, optional
        The class of every region; without it, the class stands in the fourth column.
    sizes : mapping of str to int, optional
        Chromosome sizes, to check names and ends against.
    sizes_source : str
        What to call them in messages.
    strangers : bool
        Whether chromosomes that have no size are let through, where it is not only their spelling that differs.
    unique : bool
        Whether the same span twice is an error (regions) or fine (peaks).
    named : bool
        Whether a fourth column is needed; if not, a missing one leaves the name empty.

    Raises
    ------
    InputError
        If a record has too few columns, coordinates that are no numbers, an empty or reversed span, an unknown
        chromosome, an end past its chromosome, or stands there twice; or if there is no record.
    """
    chroms: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    names: list[str] = []
    seen: dict[tuple[str, int, int], int] = {}
    for number, line in _records(text):
        fields = line.split("\t")
        where = f"{source}, line {number}"
        chrom, start, end = _span(fields, where)
        if sizes is not None:
            require_known([chrom], where, sizes, sizes_source, strangers=strangers)
            if end > sizes.get(chrom, end):
                raise InputError(
                    f"{where}: {chrom}:{start}-{end} ends past the chromosome "
                    f"({sizes[chrom]} bases in {sizes_source}); use the same genome build for all files"
                )
        if unique and (first := seen.setdefault((chrom, start, end), number)) != number:
            raise InputError(f"{where}: {chrom}:{start}-{end} stands there twice (first in line {first}); remove one")
        if name is None and named and (len(fields) < 4 or not fields[3].strip()):
            raise InputError(f"{where}: no class in column 4; add it, or give the file as CLASS=PATH")
        chroms.append(chrom)
        starts.append(start)
        ends.append(end)
        names.append(name if name is not None else fields[3].strip() if len(fields) > 3 else "")
    if not chroms:
        raise InputError(f"{source}: holds no region; give a BED file with at least one record")
    return make(chroms, starts, ends, names)


def _records(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are records, with their numbers."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#") and line.split(maxsplit=1)[0] not in {"track", "browser"}:
            yield number, line


def _line_of(text: str, span: tuple[str, int, int]) -> int:
    """Number of the first line of a span that is there."""
    return next(number for number, line in _records(text) if _span(line.split("\t"), "") == span)


def _span(fields: list[str], where: str) -> tuple[str, int, int]:
    if len(fields) < 3:
        raise InputError(f"{where}: {len(fields)} column(s) where BED needs chrom, start and end, separated by tabs")
    chrom, start, end = fields[:3]
    try:
        span = chrom, int(start), int(end)
    except ValueError:
        raise InputError(f"{where}: start {start!r} and end {end!r} are not whole numbers; give a BED file") from None
    if not 0 <= span[1] < span[2] < 2**63:
        raise InputError(f"{where}: {chrom}:{start}-{end} is no span; BED needs 0 <= start < end")
    return span


def read_bed(path: str | Path, **checks: object) -> tuple[Regions, str]:
    """Regions of a BED file (plain or gzip; ``-`` is standard input), and the checksum of its contents.

    Takes the keywords of `parse_bed`.
    """
    text = read_text(path)
    return parse_bed(text, called(path), **checks), sha256_text(text)  # type: ignore[arg-type]


def read_beds(files: Sequence[tuple[str | None, Path]], **checks: object) -> tuple[Regions, list[str]]:
    """Regions of several BED files, one file after the other, and the checksum of each.

    Parameters
    ----------
    files : sequence of (str or None, path)
        Class (or None: it stands in the file) and BED.
    **checks
        The other keywords of `parse_bed`.

    Raises
    ------
    InputError
        If a file is wrong, or a span stands in two of them.
    """
    texts = [read_text(path) for _, path in files]
    parts = []
    first: dict[tuple[str, int, int], int] = {}
    for number, ((name, path), text) in enumerate(zip(files, texts, strict=True)):
        part = parse_bed(text, called(path), name=name, **checks)  # type: ignore[arg-type]
        spans = list(zip(part.chrom, part.start.tolist(), part.end.tolist(), strict=True))
        for span in spans:
            if (there := first.setdefault(span, number)) != number:
                raise InputError(
                    f"{called(path)}, line {_line_of(text, span)}: {span[0]}:{span[1]}-{span[2]} stands in "
                    f"{called(files[there][1])}, line {_line_of(texts[there], span)}, too; remove it from one"
                )
        parts.append(part)
    return concatenate(parts), [sha256_text(text) for text in texts]


def write_bed(handle: TextIO, regions: Regions) -> None:
    """Write BED6: name = class, score 0, strand ``.``; in the order given."""
    for chrom, start, end, name in zip(regions.chrom, regions.start, regions.end, regions.name, strict=True):
        handle.write(f"{chrom}\t{start}\t{end}\t{name}\t0\t.\n")


def overlaps(regions: Regions, others: Regions, distance: int = 0) -> np.ndarray:
    """Which regions share a base with any of the others, or lie within `distance` bases of one.

    Parameters
    ----------
    regions, others : Regions
    distance : int
        Bases by which the others are widened on both sides first.

    Returns
    -------
    hit : np.ndarray, shape (n_regions,), bool
    """
    hit = np.zeros(len(regions), dtype=bool)
    for chrom in set(regions.chrom):
        mine = np.flatnonzero(regions.chrom == chrom)
        theirs = others.chrom == chrom
        starts = np.sort(others.start[theirs] - distance)
        ends = np.sort(others.end[theirs] + distance)
        # Others that begin before my end, less those that ended by my start, are the ones that I meet.
        begun = np.searchsorted(starts, regions.end[mine], side="left")
        ended = np.searchsorted(ends, regions.start[mine], side="right")
        hit[mine] = begun > ended
    return hit
