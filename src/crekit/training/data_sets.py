"""Tracks and the regions that belong to them, paired by the names that the user gave."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crekit.errors import InputError
from crekit.files import sha256_text
from crekit.genome.chromosomes import abridged, natural_key
from crekit.genome.regions import Regions, read_beds
from crekit.signal.tracks import Tracks

log = logging.getLogger("crekit")
Named = tuple[str | None, Path]


@dataclass(frozen=True)
class DataSet:
    """Tracks and regions that belong together.

    Parameters
    ----------
    name : str
        Empty where there is only one.
    tracks : Path
    regions : Regions
        Of all classes.
    regions_sha256 : str
    """

    name: str
    tracks: Path
    regions: Regions
    regions_sha256: str


def pair(tracks: Sequence[Named], regions: Sequence[Named]) -> list[DataSet]:
    """Data sets from ``-t [NAME=]H5`` and ``-r [NAME=]BED``.

    With one track file, every regions file belongs to it and its name is the class of its regions. With several, both
    go by name: ``-t K562=k.h5 -r K562=k.bed -t HeLa=h.h5 -r HeLa=h.bed``.

    Raises
    ------
    InputError
        If files are missing, names do not pair, a region ends past its chromosome or calls it otherwise (chr1, 1), or a
        span stands in two of the files of one data set.
    """
    if len(tracks) == 1 and tracks[0][0] is None:
        return [_data_set("", tracks[0][1], list(regions))]
    if len(tracks) == 1 and len(regions) == 1 and regions[0][0] in {None, tracks[0][0]}:
        return [_data_set(tracks[0][0] or "", tracks[0][1], [(None, regions[0][1])])]
    names = [name for name, _ in tracks]
    if None in names or len(set(names)) < len(names):
        raise InputError("several track files need a name each, and no name twice: -t NAME=H5 -r NAME=BED")
    if {name for name, _ in regions} != set(names):
        raise InputError(
            f"track files are named {', '.join(map(str, names))}, but regions "
            f"{', '.join(str(name) for name, _ in regions)}; every name needs both"
        )
    return [
        _data_set(str(name), path, [(None, bed) for other, bed in regions if other == name]) for name, path in tracks
    ]


def _data_set(name: str, tracks: Path, regions: list[Named]) -> DataSet:
    with Tracks(tracks) as opened:
        sizes = opened.sizes
    merged, checksums = read_beds(regions, sizes=sizes, sizes_source=str(tracks), strangers=True)
    known = merged.on(sizes)
    if not len(known):
        raise InputError(f"{regions[0][1]}: no region lies on a chromosome of {tracks} ({abridged(sizes, 5)})")
    if len(known) < len(merged):
        missing = sorted(set(merged.chrom) - set(sizes), key=natural_key)
        left_out = len(merged) - len(known)
        log.warning(
            "warning: %d regions on %s left out: %s has no tracks there", left_out, abridged(missing, 5), tracks
        )
    # The class that a file was given is part of its contents; the order of files is not.
    described = sorted(f"{of_class or ''}:{one}" for (of_class, _), one in zip(regions, checksums, strict=True))
    checksum = checksums[0] if described == [f":{checksums[0]}"] else sha256_text("\n".join(described))
    return DataSet(name, tracks, known, checksum)
