"""What a file holds, told by its header and index: nothing is counted yet."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from crekit.errors import InputError
from crekit.signal import bam, bgzf, filetypes
from crekit.signal.filetypes import BAM, BIGWIG, CRAM, TRACKS
from crekit.signal.tracks import Track, Tracks

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class File:
    """A file, looked into.

    Parameters
    ----------
    path : Path
    kind : str
        BAM, CRAM, bigWig or tracks.
    sizes : dict of str to int
        Its chromosomes, in its order.
    places : dict of int to bam.Place
        Chromosomes that have reads, by their number; of BAM and CRAM files.
    tracks : tuple of Track
        What a tracks file holds.
    bin_size, normalise
        Of a tracks file.
    """

    path: Path
    kind: str
    sizes: dict[str, int]
    places: dict[int, bam.Place] = field(default_factory=dict)
    tracks: tuple[Track, ...] = ()
    bin_size: int | None = None
    normalise: str | None = None

    @property
    def counted(self) -> bool:
        """Whether it holds reads."""
        return self.kind in (BAM, CRAM)

    @property
    def mapped(self) -> int | None:
        """Mapped reads, where the index tells."""
        if self.kind != BAM or any(place.mapped is None for place in self.places.values()):
            return None
        return sum(place.mapped or 0 for place in self.places.values())


def inspect(path: Path, reference: str | Path | None = None) -> File:
    """Look into a file: what it is, its chromosomes, its index.

    Raises
    ------
    InputError
        If it is none of the known kinds, truncated, damaged, or a BAM or CRAM file without index.
    """
    kind = filetypes.kind_of(path)
    if kind == TRACKS:
        with Tracks(path) as tracks:
            return File(path, kind, tracks.sizes, {}, tuple(tracks.tracks), tracks.bin_size, tracks.normalise)
    if kind == BIGWIG:
        from crekit.signal import bigwig

        return File(path, kind, bigwig.read_sizes(path))
    if kind == CRAM:
        return _inspect_cram(path, reference)
    bgzf.require_end(path)
    header = bam.read_header(path)
    if not header.sizes:
        raise InputError(f"{path}: its header names no chromosome; give reads that are aligned to a genome")
    index = _require_index(path, bam.find_index(path), header.order)
    places = bam.read_index(index)
    if any(number >= len(header.sizes) for number in places):
        raise InputError(f"{index}: not the index of {path} (it knows more chromosomes); run samtools index {path}")
    return File(path, kind, header.sizes, places)


def _inspect_cram(path: Path, reference: str | Path | None) -> File:
    from crekit.signal import cram

    header = cram.read_header(path, reference)
    index = _require_index(path, cram.find_index(path), header.order)
    numbers = cram.chromosomes_with_reads(index, len(header.sizes))
    return File(path, CRAM, header.sizes, {number: bam.Place(0, None, None) for number in numbers})


def _require_index(path: Path, index: Path | None, order: str) -> Path:
    if index is None:
        sort = "samtools sort, then " if order in ("queryname", "unsorted") else ""
        raise InputError(f"{path}: no index beside it; run {sort}samtools index {path}")
    if index.stat().st_mtime < path.stat().st_mtime:
        log.warning("warning: %s: older than %s; run samtools index again if the file has changed", index, path.name)
    return index
