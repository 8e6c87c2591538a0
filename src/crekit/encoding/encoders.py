"""What besides one-hot codes a network may read of DNA: k-mer embeddings and motif frequencies.

Their settings and arrays travel together: into the sequence store, and from there into the model.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crekit.encoding.kmer_embedding import POOLINGS, SIZE, embed
from crekit.encoding.kmer_vectors import KmerVectors
from crekit.genome.fasta import N
from crekit.motifs import hits, scoring
from crekit.motifs.scoring import Scoring

ONE_HOT, KMER, MOTIF = "one-hot", "kmer", "motif"
_MOTIF_ARRAYS = ("scores", "widths", "thresholds")


@dataclass(frozen=True)
class KmerEncoding:
    """How a sequence becomes a k-mer embedding: see `crekit.encoding.kmer_embedding.embed`."""

    vectors: KmerVectors
    pooling: str = "axis"
    size: int = SIZE

    def facts(self) -> dict[str, Any]:
        """All but the vectors."""
        return {
            "k": self.vectors.k,
            "dimension": self.vectors.dimension,
            "pooling": self.pooling,
            "size": self.size,
        }


@dataclass(frozen=True)
class Encoders:
    """The encoders of a sequence file or a model.

    Parameters
    ----------
    kmer : KmerEncoding, optional
    motif : crekit.motifs.scoring.Scoring, optional
    """

    kmer: KmerEncoding | None = None
    motif: Scoring | None = None

    def __bool__(self) -> bool:
        return self.kmer is not None or self.motif is not None

    @property
    def names(self) -> list[str]:
        """``kmer`` and ``motif``, as far as they are there."""
        return [name for name, one in ((KMER, self.kmer), (MOTIF, self.motif)) if one is not None]

    def only(self, names: Collection[str]) -> "Encoders":
        """Those of them that are named."""
        return Encoders(self.kmer if KMER in names else None, self.motif if MOTIF in names else None)

    def facts(self) -> dict[str, dict[str, Any]]:
        """Settings, as JSON; what is left out stands in `arrays`."""
        found: dict[str, dict[str, Any]] = {}
        if self.kmer is not None:
            found[KMER] = self.kmer.facts()
        if self.motif is not None:
            found[MOTIF] = {**self.motif.facts(), "rows": len(self.motif.scores)}
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """k-mer vectors, and scores, widths and thresholds of motifs."""
        found: dict[str, np.ndarray] = {}
        if self.kmer is not None:
            found["kmer_vectors"] = self.kmer.vectors.vectors
        if self.motif is not None:
            found |= {f"motif_{name}": getattr(self.motif, name) for name in _MOTIF_ARRAYS}
        return found

    def same_as(self, other: "Encoders") -> bool:
        """Whether other encoders give the same numbers."""
        mine, theirs = self.arrays(), other.arrays()
        return self.facts() == other.facts() and all(np.array_equal(mine[name], theirs[name]) for name in mine)

    def encode(self, codes: np.ndarray, threads: int = 1) -> dict[str, np.ndarray]:
        """Encode sequences.

        Parameters
        ----------
        codes : np.ndarray, shape (n, width), uint8
            Shorter ones are filled up with N on the right: a sequence ends with its last base that is not N.
        threads : int
            For the motifs; the results do not depend on it.

        Returns
        -------
        values : dict of str to np.ndarray, float32
            ``kmer``, shape (n, size), and ``motif``, shape (n, n_motifs), as far as they are there.
        """
        found: dict[str, np.ndarray] = {}
        if self.kmer is not None:
            found[KMER] = embed(codes, self.kmer.vectors, self.kmer.pooling, self.kmer.size)
        if self.motif is not None:
            known = codes != N
            lengths = np.where(known.any(axis=1), codes.shape[1] - np.argmax(known[:, ::-1], axis=1), 0)
            found[MOTIF] = hits.frequencies(
                [row[:length] for row, length in zip(codes, lengths, strict=True)], self.motif, threads
            )
        return found


def sizes(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Numbers that each encoding gives of a sequence, from `Encoders.facts`."""
    found: dict[str, int] = {}
    if KMER in facts:
        found[KMER] = int(facts[KMER]["size"])
    if MOTIF in facts:
        found[MOTIF] = len(facts[MOTIF]["names"])
    return found


def restore(facts: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, np.ndarray]) -> Encoders:
    """The encoders that `facts` and `arrays` came from.

    Raises
    ------
    ValueError, LookupError, TypeError
        If they do not fit together, as in a damaged file.
    """
    kmer = motif = None
    if KMER in facts:
        one = dict(facts[KMER])
        vectors = KmerVectors(int(one["k"]), np.asarray(arrays["kmer_vectors"], dtype=np.float32))
        if vectors.vectors.shape != (4**vectors.k, one["dimension"]) or one["pooling"] not in POOLINGS:
            raise ValueError("k-mer vectors cannot be right")
        kmer = KmerEncoding(vectors, one["pooling"], int(one["size"]))
    if MOTIF in facts:
        known = {name: value for name, value in facts[MOTIF].items() if name != "rows"}
        motif = scoring.restore(known, *(np.asarray(arrays[f"motif_{name}"]) for name in _MOTIF_ARRAYS))
    return Encoders(kmer, motif)
