"""The regions of all sequence files of a run, with their DNA, their encoders and, where asked for, their tracks."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from crekit.encoding.encoders import Encoders
from crekit.encoding.store import FASTA, Sequences
from crekit.errors import InputError
from crekit.files import require, sha256_file
from crekit.genome.regions import Regions, concatenate
from crekit.models import registry
from crekit.motifs.scoring import Scoring
from crekit.provenance import Input
from crekit.training import sequence_signal
from crekit.training.clusters import find_clusters
from crekit.training.encoded_sites import MotifCache, cache_of
from crekit.training.sites import relabel

Named = tuple[str | None, Path]
ENCODINGS = {
    "kmer": ("k-mer embeddings", "--kmer-vectors"),
    "motif": ("motif frequencies", "--motifs"),
}
"""Of each encoding, what to call it, and the option of encode-seq that makes it."""


@dataclass(frozen=True)
class Pool:
    """The regions of all sequence files of a run.

    Parameters
    ----------
    files : list of Sequences
    names : list of str
        Of the data sets; empty where there is one.
    regions : Regions
        With their classes renamed where that was asked for.
    ids : np.ndarray, shape (n_regions,), object
    file, row : np.ndarray, shape (n_regions,), int64
        Which file each region is in, and which of its regions it is.
    inputs : list of Input
    signal : SignalInput, optional
        What is read of tracks, where there are some.
    tracks : np.ndarray, shape (n_regions, n_marks, n_bins), float32, optional
        Of each region, normalised but not standardised.
    has_tracks : np.ndarray, shape (n_regions,), bool, optional
        Where the tracks reach.
    track_files : tuple of Path
        Of each file, its tracks; empty without tracks.
    said : set of str
        What was said of these regions already; the folds of a run share it.
    caches : list of MotifCache
        Motif frequencies that were computed already; folds and models share them.
    """

    files: list[Sequences]
    names: list[str]
    regions: Regions
    ids: np.ndarray
    file: np.ndarray
    row: np.ndarray
    inputs: list[Input]
    signal: sequence_signal.SignalInput | None = None
    tracks: np.ndarray | None = None
    has_tracks: np.ndarray | None = None
    track_files: tuple[Path, ...] = ()
    said: set[str] = field(default_factory=set)
    caches: list[MotifCache] = field(default_factory=list)

    def read_tracks(self, signal: sequence_signal.SignalInput) -> tuple[np.ndarray, np.ndarray]:
        """Tracks of all regions; see `crekit.training.sequence_signal.read`.

        Raises
        ------
        InputError
            If there are no track files, or one does not fit.
        """
        if not self.track_files:
            raise InputError(f"{self.files[0].path}: the model reads tracks too ({', '.join(signal.marks)}); give -t")
        wanted = (tuple(signal.marks), signal.bin_size, signal.n_bins, signal.normalise)
        if wanted not in self._read:
            values = np.zeros((len(self.regions), len(signal.marks), signal.n_bins), dtype=np.float32)
            inside = np.zeros(len(self.regions), dtype=bool)
            for number, path in enumerate(self.track_files):
                mine = self.file == number
                source = str(self.files[number].path)
                values[mine], inside[mine] = sequence_signal.read(path, self.regions[mine], signal, source)
            self._read[wanted] = (values, inside)
        return self._read[wanted]

    @cached_property
    def _read(self) -> dict[tuple[Any, ...], tuple[np.ndarray, np.ndarray]]:
        """Tracks that were read before: models of all folds read the same ones."""
        return {}

    def motif_cache(self, motif: Scoring | None) -> MotifCache | None:
        """Where the frequencies of these motifs are kept; None without motifs, or where they are too many."""
        n_windows = np.concatenate([one.n_windows for one in self.files])
        return None if motif is None else cache_of(self.caches, motif, n_windows)

    @property
    def source(self) -> str:
        """``genome`` or ``fasta``."""
        return self.files[0].source

    @property
    def encoders(self) -> Encoders:
        """The encoders that all files hold."""
        return self.files[0].encoders

    @property
    def stored_split(self) -> np.ndarray | None:
        """Part of each region as the files hold it, shape (n_regions,), int64; None where one of them holds none."""
        parts = [one.split for one in self.files]
        known = [one for one in parts if one is not None]
        return np.concatenate(known).astype(np.int64) if len(known) == len(parts) else None

    @cached_property
    def clusters(self) -> np.ndarray:
        """Cluster of each region, found once for all folds: see `crekit.training.clusters`."""
        return find_clusters(self.codes)

    @cached_property
    def codes(self) -> list[np.ndarray]:
        """DNA of each region, with what its windows reach round it, uint8."""
        return [self.files[file].codes(row) for file, row in zip(self.file, self.row, strict=True)]


def require_readable(pool: Pool, arch: str, parameters: dict[str, Any]) -> None:
    """Check that an architecture can read the windows of sequence files.

    Raises
    ------
    InputError
        If it wants windows of one width and the files hold whole regions, the windows are too narrow for it, or it
        reads encodings that the files have no encoders for.
    """
    architecture, first = registry.find(arch), pool.files[0]
    if not architecture.gradient:
        return
    if not first.window and arch.startswith("deepenhancer"):
        raise InputError(f"{first.path}: holds whole regions, but {arch} reads windows; encode with --window 300")
    for name in architecture.needs:
        if name not in pool.encoders.names:
            what, option = ENCODINGS[name]
            hint = " before audit-dataset --fix, which keeps them with -s" if first.split is not None else ""
            raise InputError(f"{first.path}: {arch} reads {what}; encode with {option}{hint}")
    try:
        architecture.of_sequences(2, first.window, parameters, pool.encoders.facts())
    except ValueError as error:
        raise InputError(f"{first.path}: {error}; encode with a wider --window") from error


def load(named: Sequence[Named], mapping: dict[str, str]) -> Pool:
    """Read the sequence files of a run.

    Parameters
    ----------
    named : sequence of (str or None, path)
    mapping : dict of str to str
        Classes to rename.

    Raises
    ------
    InputError
        If a file is wrong, files have other windows or another kind of source, or two data sets share a name or a
        region.
    """
    names = [name or "" for name, _ in named]
    if len(named) > 1 and ("" in names or len(set(names)) < len(names)):
        raise InputError("several sequence files need a name each, and no name twice: -s NAME=H5")
    ordered = sorted(named, key=lambda one: one[0] or "")
    files = [Sequences(path) for _, path in ordered]
    digests = [one.sha256() for one in files]
    if len(set(digests)) < len(digests):
        raise InputError(f"{files[-1].path}: two data sets have the same contents; give each once")
    for one in files[1:]:
        if one.rule != files[0].rule or one.source != files[0].source:
            raise InputError(
                f"{one.path}: not encoded as {files[0].path} (window, stride, short regions, N, genome or FASTA); "
                "run encode-seq with the same options"
            )
        if not one.encoders.same_as(files[0].encoders):
            raise InputError(
                f"{one.path}: has other k-mer vectors or motifs than {files[0].path}; run encode-seq with the same ones"
            )
    regions = concatenate(relabel(one.regions, _known(mapping, one), str(one.path)) for one in files)
    _require_all(mapping, files)
    return Pool(
        files,
        sorted(names),
        regions,
        np.concatenate([one.ids for one in files]),
        np.repeat(np.arange(len(files)), [len(one) for one in files]),
        np.concatenate([np.arange(len(one)) for one in files]),
        [Input("sequences", name, one) for name, one in zip(sorted(names), digests, strict=True)],
    )


def with_track_files(pool: Pool, named: Sequence[Named]) -> Pool:
    """The pool with the track file of each data set.

    Raises
    ------
    InputError
        If the names do not pair.
    """
    paths = tuple(sequence_signal.pair(pool.names, named))
    inputs = [Input("tracks", name, sha256_file(require(path))) for name, path in zip(pool.names, paths, strict=True)]
    return replace(pool, track_files=paths, inputs=[*pool.inputs, *inputs])


def with_tracks(pool: Pool, named: Sequence[Named], signal: sequence_signal.SignalInput) -> Pool:
    """The pool with the tracks of its regions; see `with_track_files` and `Pool.read_tracks`."""
    found = with_track_files(pool, named)
    values, inside = found.read_tracks(signal)
    return replace(found, signal=signal, tracks=values, has_tracks=inside)


def _known(mapping: dict[str, str], one: Sequences) -> dict[str, str]:
    return {old: new for old, new in mapping.items() if old in one.classes}


def _require_all(mapping: dict[str, str], files: Sequence[Sequences]) -> None:
    """Check that every class to be renamed is in one of the files."""
    known = sorted({name for one in files for name in one.classes})
    for old in mapping:
        if old not in known:
            raise InputError(f"--relabel {old}: the sequences hold no such class, only {', '.join(known)}")


def default_folds(pool: Pool) -> str:
    """What folds go by unless told otherwise: blocks of a genome, clusters of records."""
    return "cluster" if pool.source == FASTA else "block"
