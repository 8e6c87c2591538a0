"""The sequence store: the DNA of regions, each span once, with the starts of its windows, in one HDF5 file.

A span holds all bases that the windows of its region cover. Windows are cut from it when they are read, and one-hot
codes, reverse complements and other encodings are made from them batch by batch.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from crekit.encoding.encoders import Encoders, restore, sizes
from crekit.encoding.windows import Rule, spread
from crekit.errors import InputError
from crekit.files import HeldErrors, output_path, require, sha256_file
from crekit.genome.fasta import N
from crekit.genome.regions import Regions

FORMAT = "crekit sequences"
VERSION = 1
GENOME, FASTA = "genome", "fasta"
PARTS = (0, 1, 2, -1)
_DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError)
_PACKED: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
_NUMBERS = {"start": "i8", "end": "i8", "class": "i4", "span_start": "i8", "span": "i8", "windows": "i8"}


@dataclass(frozen=True)
class Part:
    """Some regions and their spans, as they are written.

    Parameters
    ----------
    regions : Regions
        For records of a FASTA, the place that their name tells, or no chromosome and the span from 0 to the length.
    ids : np.ndarray, shape (n,), object
        Ids of the regions, or names of the records.
    codes : list of np.ndarray
        Span of each region, uint8.
    span_start : np.ndarray, shape (n,), int64
        Where each span starts on its chromosome.
    windows : np.ndarray, shape (n,), int64
        Windows of each region.
    window_start : np.ndarray, shape (n_windows,), int64
        Starts of the windows within their spans, region by region.
    """

    regions: Regions
    ids: np.ndarray
    codes: Sequence[np.ndarray]
    span_start: np.ndarray
    windows: np.ndarray
    window_start: np.ndarray


class Writer:
    """Takes regions part by part. Made by `create`."""

    def __init__(self, handle: h5py.File, file: HeldErrors, classes: Sequence[str]) -> None:
        self._handle = handle
        self._file = file
        self._position = {name: i for i, name in enumerate(classes)}
        text = h5py.string_dtype()
        for name, kind in {"codes": "u1", "window_start": "i4", **_NUMBERS, "chrom": text, "id": text}.items():
            packed = {"compression": "gzip", "compression_opts": 1} if kind is text else _PACKED
            chunk = 1 << 18 if name == "codes" else 1 << 14
            handle.create_dataset(name, shape=(0,), maxshape=(None,), dtype=kind, chunks=(chunk,), **packed)

    def add(self, part: Part) -> None:
        """Store some regions."""
        if not len(part.regions):
            return
        columns = {
            "codes": np.concatenate(part.codes),
            "window_start": part.window_start,
            "start": part.regions.start,
            "end": part.regions.end,
            "class": np.array([self._position[name] for name in part.regions.name]),
            "span_start": part.span_start,
            "span": np.array([len(codes) for codes in part.codes]),
            "windows": part.windows,
            "chrom": part.regions.chrom,
            "id": part.ids,
        }
        for name, values in columns.items():
            stored = self._handle[name]
            before = len(stored)
            stored.resize((before + len(values),))
            stored[before:] = values
        self._file.check()

    def store_encodings(self, encodings: Mapping[str, np.ndarray]) -> None:
        """Store encodings of the next windows, shape (n, size) each, in the order of the windows."""
        for name, values in encodings.items():
            if f"encodings/{name}" not in self._handle:
                shape = (0, values.shape[1])
                self._handle.create_dataset(
                    f"encodings/{name}",
                    shape=shape,
                    maxshape=(None, shape[1]),
                    dtype="f4",
                    chunks=(16, shape[1]),
                    **_PACKED,
                )
            stored = self._handle[f"encodings/{name}"]
            before = len(stored)
            stored.resize(before + len(values), axis=0)
            stored[before:] = values
        self._file.check()

    def keep(self, encoders: Encoders) -> None:
        """Store the settings and arrays of encoders."""
        self._handle.attrs["encoders"] = json.dumps(encoders.facts())
        for name, array in encoders.arrays().items():
            self._handle.create_dataset(f"encoders/{name}", data=array, **_PACKED)

    def finish(self, scored: np.ndarray, metadata: Mapping[str, Any], split: np.ndarray | None = None) -> None:
        """State how many windows of each region are scored, its part of a split if it has one, and all else known."""
        self._handle.create_dataset("scored", data=scored, dtype="i4", chunks=True, **_PACKED)
        if split is not None:
            self._handle.create_dataset("split", data=split, dtype="i1", chunks=True, **_PACKED)
        self._handle.attrs["metadata"] = json.dumps(metadata)


@contextmanager
def create(path: str | Path, rule: Rule, source: str, classes: Sequence[str]) -> Iterator[Writer]:
    """Write a sequence file; it appears under its name when the block ends well.

    Parameters
    ----------
    path : path
    rule : Rule
    source : str
        ``genome`` or ``fasta``.
    classes : sequence of str
    """
    with output_path(path) as temporary, HeldErrors(temporary) as file:
        with h5py.File(file, "w") as handle:
            handle.attrs["format"] = FORMAT
            handle.attrs["version"] = VERSION
            handle.attrs["source"] = source
            handle.attrs["rule"] = json.dumps(asdict(rule))
            handle.attrs["classes"] = json.dumps(list(classes))
            yield Writer(handle, file, classes)
        file.check()


class Sequences:
    """A sequence file, read into memory. Use as a context.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    rule : Rule
        How regions became windows.
    source : str
        ``genome`` or ``fasta``.
    classes : list of str
    regions : Regions
        Region and class of each sequence; a FASTA record has no chromosome and starts at 0, unless its name is a place.
    ids : np.ndarray, shape (n,), object
    span_start : np.ndarray, shape (n,), int64
        Where each span starts on its chromosome (in a record that was padded, below 0).
    n_windows, n_scored : np.ndarray, shape (n,), int64
        Windows of each region, and how many of them a score is the maximum of: see
        `crekit.encoding.windows.match_numbers`.
    sizes : dict of str to int
        Chromosomes of the genome; empty for FASTA records.
    encoders : Encoders
        k-mer vectors and motifs that models of these sequences read them by; none of them if it is false.
    split : np.ndarray, shape (n,), int8, or None
        Part of each region where the file holds a split: 0 train, 1 validation, 2 test, -1 none of them.
    record : dict

    Raises
    ------
    InputError
        If the file is missing, damaged, or no sequence file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = require(path)
        try:
            with h5py.File(self.path, "r") as handle:
                self._read(handle)
        except InputError:
            raise
        except _DAMAGE as error:
            if not h5py.is_hdf5(self.path):
                raise InputError(f"{path}: not an HDF5 file, or damaged; make it again with encode-seq") from error
            reason = str(error).split("\n")[0]
            raise InputError(
                f"{path}: the sequence file is damaged ({reason}); make it again with encode-seq"
            ) from error

    def __enter__(self) -> "Sequences":
        return self

    def __exit__(self, *_: object) -> None:
        del self._codes, self._views

    def __len__(self) -> int:
        return len(self.ids)

    def _read(self, handle: h5py.File) -> None:
        if handle.attrs.get("format") != FORMAT:
            raise InputError(f"{self.path}: an HDF5 file, but not of sequences; make it with encode-seq")
        if (version := int(handle.attrs["version"])) > VERSION:
            raise InputError(f"{self.path}: written by a newer crekit (sequences format {version}); update crekit")
        self.source = str(handle.attrs["source"])
        self.rule = Rule(**json.loads(str(handle.attrs["rule"])))
        self.classes: list[str] = json.loads(str(handle.attrs["classes"]))
        metadata = json.loads(str(handle.attrs["metadata"]))
        self.sizes: dict[str, int] = metadata["sizes"]
        self.record: dict[str, Any] = metadata["record"]
        self.dropped: dict[str, dict[str, int]] = metadata["dropped"]
        facts = json.loads(str(handle.attrs.get("encoders", "{}")))
        arrays = {name: np.asarray(one[:]) for name, one in handle["encoders"].items()} if facts else {}
        self.encoders = restore(facts, arrays)
        columns = {name: np.asarray(handle[name][:]) for name in (*_NUMBERS, "codes", "window_start", "scored")}
        chrom, self.ids = (handle[name].asstr()[:].astype(object) for name in ("chrom", "id"))
        _check_columns(columns, chrom, self.ids, self.classes, self.rule)
        names = np.array(self.classes, dtype=object)[columns["class"]]
        self.regions = Regions(chrom, columns["start"], columns["end"], names)
        self.span_start = columns["span_start"]
        self.n_windows, self.n_scored = columns["windows"], columns["scored"].astype(np.int64)
        self.split = np.asarray(handle["split"][:]) if "split" in handle else None
        if self.split is not None and (self.split.shape != self.ids.shape or not np.isin(self.split, PARTS).all()):
            raise ValueError("the split cannot be right")
        self._codes = columns["codes"]
        self._span = np.concatenate([[0], np.cumsum(columns["span"])])
        self._window = np.concatenate([[0], np.cumsum(self.n_windows)])
        self._start = np.repeat(self._span[:-1], self.n_windows) + columns["window_start"]
        self._views = np.lib.stride_tricks.sliding_window_view(self._codes, self.rule.width or 1)
        self.stored_encodings = sorted(handle.get("encodings", {}))
        wanted = {name: (len(self._start), size) for name, size in sizes(facts).items()}
        if any(handle[f"encodings/{name}"].shape != wanted.get(name) for name in self.stored_encodings):
            raise ValueError("stored encodings cannot be right")
        if self.source == GENOME:
            self._check_places()

    def _check_places(self) -> None:
        """Check that the regions lie on the chromosomes."""
        ends = np.array([self.sizes.get(chrom, -1) for chrom in self.regions.chrom])
        if (self.regions.end > ends).any():
            raise ValueError("regions cannot be right")

    @property
    def window(self) -> int:
        """Bases in a window; 0 for whole regions."""
        return self.rule.width

    @property
    def stride(self) -> int:
        return self.rule.stride

    def sha256(self) -> str:
        """Checksum of the file."""
        return sha256_file(self.path)

    def codes(self, i: int) -> np.ndarray:
        """The stored span of region `i`, shape (n,), uint8; a view."""
        return self._codes[self._span[i] : self._span[i + 1]]

    def window_start(self, region: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Start of windows on their chromosomes, shape (m,), int64."""
        return self.span_start[region] + self._start[self._window[region] + window] - self._span[region]

    def window_codes(self, region: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Windows of regions.

        Parameters
        ----------
        region, window : np.ndarray, shape (m,), int
            Which region, and which of its windows (0 for whole regions).

        Returns
        -------
        codes : np.ndarray, shape (m, width), uint8
            Whole regions are as wide as the longest of them, and padded with N on the right.
        """
        if not self.rule.width:
            return self._whole(np.asarray(region))
        return self._views[self._start[self._window[region] + window]]

    def encodings(self, name: str, region: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Stored encodings of windows, shape (m, size), float32; `name` is one of `stored_encodings`.

        Raises
        ------
        InputError
            If the file was damaged or changed since it was opened.
        """
        wanted, place = np.unique(self._window[region] + window, return_inverse=True)
        try:
            with h5py.File(self.path, "r") as handle:
                return np.asarray(handle[f"encodings/{name}"][wanted])[place]
        except _DAMAGE as error:
            raise InputError(f"{self.path}: damaged, or changed meanwhile; make it again with encode-seq") from error

    def _whole(self, region: np.ndarray) -> np.ndarray:
        first, length = self._span[region], self._span[region + 1] - self._span[region]
        place = np.arange(length.max(initial=0))
        inside = place < length[:, None]
        codes = np.full(inside.shape, N, dtype=np.uint8)
        codes[inside] = self._codes[(first[:, None] + place)[inside]]
        return codes

    def scored(self) -> tuple[np.ndarray, np.ndarray]:
        """The windows that scores are made of, for all regions: see `crekit.encoding.windows.spread`."""
        return spread(self.n_windows, self.n_scored)


def _check_columns(
    columns: Mapping[str, np.ndarray], chrom: np.ndarray, ids: np.ndarray, classes: Sequence[str], rule: Rule
) -> None:
    """Check that the columns fit together, so that no window is cut outside its span.

    Raises
    ------
    ValueError
        Naming what is wrong.
    """
    n, span, windows, scored = len(ids), columns["span"], columns["windows"], columns["scored"]
    whole = np.ones(n, dtype=np.int64)
    facts = {
        "columns": lambda: {(one.dtype.kind, one.ndim) for one in columns.values()} <= {("i", 1), ("u", 1)},
        "regions": lambda: n > 0 and {len(chrom), len(scored), *(len(columns[name]) for name in _NUMBERS)} == {n},
        "spans": lambda: span.min() > 0 and span.sum() == len(columns["codes"]),
        "numbers of windows": lambda: windows.min() > 0 and windows.sum() == len(columns["window_start"]),
        "windows": lambda: (
            columns["window_start"].min() >= 0
            and (columns["window_start"] <= np.repeat(span - rule.width, windows)).all()
            and (rule.width > 0 or np.array_equal(windows, whole))
        ),
        "scored windows": lambda: scored.min() > 0 and (scored <= windows).all(),
        "classes": lambda: columns["class"].min() >= 0 and columns["class"].max() < len(classes),
        "regions' spans": lambda: (
            columns["start"].min() >= 0
            and (columns["start"] < columns["end"]).all()
            and (columns["span_start"] < columns["end"]).all()
            and (columns["span_start"] + span > columns["start"]).all()
        ),
        "bases": lambda: columns["codes"].max() <= N,
    }
    for name, holds in facts.items():
        if not holds():
            raise ValueError(f"{name} cannot be right")
