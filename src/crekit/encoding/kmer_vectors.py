"""Vectors of k-mers: read from a file of train-embedding or of dna2vec, written as train-embedding does.

A k-mer's number has two bits a base (A 0, C 1, G 2, T 3), the first base highest, so that the 4^k vectors of one k are
an array. A file may hold several k.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from crekit.encoding import kmer_vectors_text
from crekit.errors import InputError
from crekit.files import HeldErrors, output_path, require

FORMAT = "crekit k-mer vectors"
VERSION = 1
LARGEST_K = 12
_DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError)
_PACKED: dict[str, Any] = {"compression": "gzip", "compression_opts": 4, "shuffle": True, "fletcher32": True}
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class KmerVectors:
    """The vectors of all k-mers of one length.

    Parameters
    ----------
    k : int
    vectors : np.ndarray, shape (4^k, dimension), float32
        By the k-mer's number.
    """

    k: int
    vectors: np.ndarray

    @property
    def dimension(self) -> int:
        return int(self.vectors.shape[1])

    def sha256(self) -> str:
        """Checksum of k and the vectors: the same for every format of file that holds the same float32 numbers."""
        return hashlib.sha256(f"{self.k}\n".encode() + self.vectors.astype("<f4").tobytes()).hexdigest()


def read(path: str | Path, k: int) -> KmerVectors:
    """The vectors of all k-mers of length `k` in a file.

    Parameters
    ----------
    path : path
        HDF5 of train-embedding; word2vec text (a k-mer and its numbers a line, with or without a first line of two
        counts; plain or gzip); or ``NAME_vec.txt`` (only numbers), with the k-mers in ``NAME_index.txt`` beside it.
    k : int

    Raises
    ------
    InputError
        If the file is missing, empty, truncated or of another format; if it holds no k-mers of that length, lacks one
        or has one twice; if a vector has another dimension or a number that is not finite.
    """
    if not 1 <= k <= LARGEST_K:
        raise InputError(f"--k {k}: give a length of k-mers from 1 to {LARGEST_K}")
    with open(require(path), "rb") as handle:
        packed = handle.read(len(_SIGNATURE)) == _SIGNATURE
    if not packed:
        return KmerVectors(k, kmer_vectors_text.read(Path(path), k))
    vectors = _read_packed(path, k)
    if vectors.shape[0] != 4**k or vectors.ndim != 2 or not vectors.shape[1] or not np.isfinite(vectors).all():
        raise InputError(f"{path}: the vectors for k = {k} are damaged; make the file again with train-embedding")
    return KmerVectors(k, vectors)


def _read_packed(path: str | Path, k: int) -> np.ndarray:
    try:
        with h5py.File(path, "r") as handle:
            if handle.attrs.get("format") != FORMAT:
                raise InputError(f"{path}: HDF5, but not of k-mer vectors; give a file of train-embedding")
            if handle.attrs["version"] != VERSION:
                raise InputError(f"{path}: made by another version of crekit; make it again with train-embedding")
            if f"k{k}" not in handle:
                held = sorted(int(name[1:]) for name in handle)
                raise InputError(kmer_vectors_text.no_such_k(path, k, held))
            return np.asarray(handle[f"k{k}"][:], dtype=np.float32)
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(f"{path}: truncated or damaged; copy it, or make it again with train-embedding") from error


def write(path: str | Path, vectors: Mapping[int, np.ndarray], record: Mapping[str, Any]) -> None:
    """Write vectors of several k as HDF5.

    Parameters
    ----------
    path : path
    vectors : mapping of int to np.ndarray, shape (4^k, dimension), float32
        k -> vectors by the k-mer's number.
    record : mapping
        How they were made; goes into the file as JSON.
    """
    with output_path(path) as temporary, HeldErrors(temporary) as file:
        with h5py.File(file, "w") as handle:
            handle.attrs["format"] = FORMAT
            handle.attrs["version"] = VERSION
            handle.attrs["record"] = json.dumps(record)
            for k in sorted(vectors):
                handle.create_dataset(f"k{k}", data=vectors[k].astype("<f4"), **_PACKED)
        file.check()
