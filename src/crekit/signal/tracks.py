"""The track store: raw bins of many marks and replicates along the genome, in one HDF5 file.

Bin `i` of a chromosome covers bases ``[i * bin_size, (i + 1) * bin_size)``; the last may be shorter. Counts are stored
as they were counted, values of bigWig files as their means. The reader normalises, averages replicates and subtracts
controls.

The same tracks give the same bytes whatever the order in which they were named: marks are sorted by name, replicates
by the checksum of what they were counted from.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from crekit.errors import InputError
from crekit.files import HeldErrors, output_path, require, sha256_file
from crekit.genome.chromosomes import abridged, natural_key

FORMAT = "crekit tracks"
VERSION = 1
SIGNAL, CONTROL = "signal", "control"
COUNTS, VALUES = "counts", "values"
NORMALISATIONS = ("rpm", "none")
_CHUNK = 65_536
# What h5py and the parsing of its attributes raise on a damaged file.
_DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class Track:
    """What is known of one stored track: the bins of one file.

    Parameters
    ----------
    mark : str
    role : str
        ``signal`` or ``control`` of that mark.
    kind : str
        ``counts`` of reads, or ``values`` of a bigWig, which are taken as they are.
    record : dict
        How it was counted: see `crekit.provenance.record`. Its first input is the file that was counted.
    library_size : int
        Reads counted in the whole file, before any choice of chromosomes; 0 for values.
    """

    mark: str
    role: str
    kind: str
    record: dict[str, Any]
    library_size: int = 0

    @property
    def key(self) -> tuple[str, bool, str]:
        """What tracks are sorted by in the file."""
        return self.mark, self.role == CONTROL, self.record["inputs"][0]["sha256"]


class Writer:
    """Takes tracks one after the other, in the order of `Track.key`. Made by `create`."""

    def __init__(self, handle: h5py.File, file: HeldErrors, sizes: Mapping[str, int], bin_size: int) -> None:
        self._handle = handle
        self._file = file
        self._sizes = sizes
        self._bin_size = bin_size
        self._last: tuple[str, bool, str] | None = None

    def add(self, track: Track) -> "TrackWriter":
        """Begin a track.

        Raises
        ------
        InputError
            If the same file is given twice for a mark, or HDF5 cannot hold the mark's name.
        ValueError
            If tracks come in another order than `Track.key`.
        """
        if not track.mark.strip(". ") or "/" in track.mark:
            raise InputError(f"{track.mark!r} cannot be the name of a mark; give it as NAME=FILE, without a slash")
        if self._last is not None and track.key <= self._last:
            if track.key == self._last:
                raise InputError(
                    f"{track.mark}: two of its files have the same contents; replicates must be different files"
                )
            raise ValueError(f"tracks must be added in order: {track.key} came after {self._last}")
        self._last = track.key
        marks = self._handle.require_group("tracks").require_group(track.mark)
        group = marks.create_group(f"{track.role}{sum(name.startswith(track.role) for name in marks) + 1}")
        group.attrs["kind"] = track.kind
        group.attrs["record"] = json.dumps(track.record)
        return TrackWriter(group, self._file, self._sizes, self._bin_size, track)


class TrackWriter:
    """Takes the bins of one track, chromosome by chromosome, and its library size at the end."""

    def __init__(
        self, group: h5py.Group, file: HeldErrors, sizes: Mapping[str, int], bin_size: int, track: Track
    ) -> None:
        self._group = group
        self._file = file
        self._sizes = sizes
        self._bin_size = bin_size
        self._track = track

    def put(self, chrom: str, bins: np.ndarray) -> None:
        """Store the bins of a chromosome, shape (n_bins,): counts (integers) or values (floats)."""
        expected = n_bins(self._sizes[chrom], self._bin_size)
        if bins.shape != (expected,):
            raise ValueError(f"{chrom} has {expected} bins, not {bins.shape}")
        if self._track.kind == VALUES:
            stored = bins.astype(np.float32)
        else:
            stored = bins.astype(np.uint16 if bins.max(initial=0) < 2**16 else np.uint32)
        chunks = (min(_CHUNK, expected),)
        packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
        self._group.create_dataset(chrom, data=stored, chunks=chunks, **packed)
        self._file.check()

    def finish(self, library_size: int) -> None:
        """State the number of reads counted in the whole file (0 for values)."""
        self._group.attrs["library_size"] = library_size


def n_bins(size: int, bin_size: int) -> int:
    """Bins of a chromosome of `size` bases: the last one may be shorter."""
    return -(-size // bin_size)


@contextmanager
def create(path: str | Path, sizes: Mapping[str, int], bin_size: int, normalise: str = "rpm") -> Iterator[Writer]:
    """Write a track file; it appears under its name when the block ends well.

    Parameters
    ----------
    path : path
    sizes : mapping of str to int
        Chromosomes to store and their sizes in bases. They are stored in natural order.
    bin_size : int
        In bases.
    normalise : str
        What readers do unless told otherwise: ``rpm`` or ``none``.
    """
    ordered = {chrom: sizes[chrom] for chrom in sorted(sizes, key=natural_key)}
    with output_path(path) as temporary, HeldErrors(temporary) as file:
        with h5py.File(file, "w") as handle:
            handle.attrs["format"] = FORMAT
            handle.attrs["version"] = VERSION
            handle.attrs["bin_size"] = bin_size
            handle.attrs["normalise"] = normalise
            handle.attrs["chroms"] = json.dumps(ordered)
            handle.create_group("tracks")
            yield Writer(handle, file, ordered, bin_size)
        file.check()


class Tracks:
    """A track file, open for reading. Use as a context.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    marks : list of str
        Sorted by name.
    sizes : dict of str to int
        Chromosomes in natural order, with their sizes in bases.
    bin_size : int
        In bases.
    normalise : str
        ``rpm`` or ``none``: what the file asks of its readers.

    Raises
    ------
    InputError
        If the file is missing, damaged, or no track file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = require(path)
        try:
            self._handle = h5py.File(self.path, "r")
        except OSError as error:
            raise InputError(f"{path}: not an HDF5 file, or damaged; make it again with count-bins") from error
        try:
            if self._handle.attrs.get("format") != FORMAT:
                raise InputError(f"{path}: an HDF5 file, but not of tracks; make it with count-bins")
            if (version := int(self._handle.attrs["version"])) > VERSION:
                raise InputError(f"{path}: written by a newer crekit (tracks format {version}); update crekit")
            self.bin_size = int(self._handle.attrs["bin_size"])
            self.normalise = str(self._handle.attrs["normalise"])
            self.sizes: dict[str, int] = json.loads(str(self._handle.attrs["chroms"]))
            if self.bin_size < 1 or not self.sizes or min(self.sizes.values()) < 1:
                raise InputError(f"{path}: the track file is damaged (no bins); make it again with count-bins")
            self._tracks = self._list()
        except InputError:
            self._handle.close()
            raise
        except _DAMAGE as error:
            self._handle.close()
            raise InputError(f"{path}: the track file is damaged ({error}); make it again with count-bins") from error
        self.marks = sorted({track.mark for track, _ in self._tracks if track.role == SIGNAL})

    def __enter__(self) -> "Tracks":
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()

    def _list(self) -> list[tuple[Track, h5py.Group]]:
        found = []
        for mark, group in self._handle["tracks"].items():
            for name, one in group.items():
                role = CONTROL if name.startswith(CONTROL) else SIGNAL
                record = json.loads(str(one.attrs["record"]))
                track = Track(mark, role, str(one.attrs["kind"]), record, int(one.attrs["library_size"]))
                found.append((track, one))
        return sorted(found, key=lambda pair: pair[0].key)

    @property
    def tracks(self) -> list[Track]:
        """Every stored track, in the order of `Track.key`."""
        return [track for track, _ in self._tracks]

    @property
    def has_control(self) -> bool:
        return any(track.role == CONTROL for track in self.tracks)

    def sha256(self) -> str:
        """Checksum of the file."""
        return sha256_file(self.path)

    def require_marks(self, marks: Sequence[str]) -> None:
        """Check that all of `marks` are there.

        Raises
        ------
        InputError
            Naming the ones that are not, and the ones that are.
        """
        missing = [mark for mark in marks if mark not in self.marks]
        if missing:
            raise InputError(f"{self.path}: has no track of {', '.join(missing)}; it holds {', '.join(self.marks)}")

    def require_like(self, bin_size: int, sizes: Mapping[str, int], other: str) -> None:
        """Check that bins and genome are those of `other` (a model, say).

        Raises
        ------
        InputError
            If the bin size differs, no chromosome is shared, or a shared one has another length.
        """
        if bin_size != self.bin_size:
            raise InputError(
                f"{self.path}: bins of {self.bin_size} bases, but {other} has {bin_size}; "
                f"count again with --bin-size {bin_size}"
            )
        shared = [chrom for chrom in self.sizes if chrom in sizes]
        if not shared:
            raise InputError(
                f"{self.path}: its chromosomes ({abridged(self.sizes, 3)}) are not those of {other} "
                f"({abridged(sizes, 3)}); count files of the same genome and the same names"
            )
        for chrom in shared:
            if sizes[chrom] != self.sizes[chrom]:
                raise InputError(
                    f"{self.path}: {chrom} has {self.sizes[chrom]} bases, but {sizes[chrom]} in {other}; "
                    "use the same genome build"
                )

    def raw(self, track: Track, chrom: str) -> np.ndarray:
        """Bins of one track as stored, shape (n_bins,), unsigned integer counts or float32 values."""
        group = next(group for known, group in self._tracks if known is track)
        try:
            stored = group[chrom]
            if stored.shape != (n_bins(self.sizes[chrom], self.bin_size),) or stored.dtype.kind not in "uf":
                raise ValueError("not the bins of this chromosome")
            return np.asarray(stored[:])
        except _DAMAGE as error:
            raise InputError(
                f"{self.path}: {track.mark} on {chrom} cannot be read, the file is damaged; "
                "make it again with count-bins"
            ) from error

    def read(
        self, chrom: str, marks: Sequence[str] | None = None, *, normalise: str | None = None, control: bool = True
    ) -> np.ndarray:
        """Bins of a chromosome, normalised, replicates averaged, the control subtracted.

        With ``rpm``, counts become counts x 10^6 / library size; values of bigWig files stay as they are. With a
        control, the control's mean is subtracted and nothing is clipped.

        Parameters
        ----------
        chrom : str
        marks : sequence of str, optional
            Which marks, in which order; default all, by name.
        normalise : str, optional
            ``rpm`` or ``none``; default what the file says.
        control : bool
            Whether to subtract controls.

        Returns
        -------
        bins : np.ndarray, shape (n_marks, n_bins), float32

        Raises
        ------
        InputError
            If a mark or the chromosome is not there, the normalisation is not known, or the file is damaged.
        """
        marks = self.marks if marks is None else list(marks)
        self.require_marks(marks)
        if normalise not in (None, *NORMALISATIONS):
            raise InputError(f"{normalise!r} is no normalisation; choose {' or '.join(NORMALISATIONS)}")
        if chrom not in self.sizes:
            raise InputError(f"{self.path}: has no chromosome {chrom}; it holds {abridged(self.sizes)}")
        bins = np.zeros((len(marks), n_bins(self.sizes[chrom], self.bin_size)), dtype=np.float32)
        for row, mark in zip(bins, marks, strict=True):
            self._add(row, mark, SIGNAL, chrom, normalise or self.normalise, 1.0)
            if control:
                self._add(row, mark, CONTROL, chrom, normalise or self.normalise, -1.0)
        return bins

    def _add(self, row: np.ndarray, mark: str, role: str, chrom: str, normalise: str, sign: float) -> None:
        """Add the mean of a mark's replicates to a row, in place."""
        replicates = [track for track in self.tracks if track.mark == mark and track.role == role]
        for track in replicates:
            scale = sign / len(replicates)
            if normalise == "rpm" and track.kind == COUNTS:
                scale *= 1e6 / max(track.library_size, 1)
            row += self.raw(track, chrom) * np.float32(scale)
