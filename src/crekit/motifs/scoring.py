"""What a hit of each motif is: scores, thresholds, strands, and by what hits are divided.

Two ways make one: `calibrated`, with thresholds that are exact for a p-value, and `published`, Enhancer-MDLF's, with
the thresholds of a file.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crekit.errors import InputError
from crekit.files import called, sha256_text
from crekit.motifs import database, pssm, thresholds
from crekit.motifs.pwm import UNIFORM

LOG = logging.getLogger("crekit")

STRANDS = ("both", "forward")
FREQUENCIES = ("position", "length")

_LARGEST = 1e6  # of a score or threshold: their sums are exact, and near enough in single precision
_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Scoring:
    """How motifs are searched.

    Parameters
    ----------
    names : list of str
        Of the motifs, in the order of the features.
    scores : ndarray of shape (sum of widths, 4), float64
        Rows of all motifs one after the other, columns A, C, G, T: integers, 100 times the natural log odds, where the
        thresholds are calibrated; else the log odds.
    widths : ndarray of shape (n,), int64
    thresholds : ndarray of shape (n,), float64
        A site is a hit when its score is this or more.
    strands : str
        ``both``: a site is scored as it stands and as its reverse complement, and may be two hits; or ``forward``.
    frequency : str
        Hits over scanned ``position`` (of all strands that are scanned), or over the ``length`` of the sequence.
    ambiguous : bool
        Whether a site with an N is scanned, the N adding 0 (as published), or left out of hits and positions.
    p : float or None
        P-value of the thresholds, where they were calibrated.
    background : tuple of float
        Of A, C, G, T.
    motifs_sha256, thresholds_sha256 : str
        Checksums of the files' text; empty where there was none.
    """

    names: list[str]
    scores: NDArray[np.float64]
    widths: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    strands: str = "both"
    frequency: str = "position"
    ambiguous: bool = False
    p: float | None = None
    background: tuple[float, ...] = UNIFORM
    motifs_sha256: str = ""
    thresholds_sha256: str = ""

    @property
    def n_motifs(self) -> int:
        """How many features a sequence has."""
        return len(self.names)

    def facts(self) -> dict[str, Any]:
        """All but the arrays, for JSON; `restore` makes the scoring of them again."""
        return {
            "names": list(self.names),
            "strands": self.strands,
            "frequency": self.frequency,
            "ambiguous": self.ambiguous,
            "p": self.p,
            "background": list(self.background),
            "motifs_sha256": self.motifs_sha256,
            "thresholds_sha256": self.thresholds_sha256,
        }

    def check(self) -> None:
        """Check that it can be used, wherever it comes from.

        Raises
        ------
        ValueError
            Saying what does not fit.
        """
        n = len(self.names)
        if not n or not all(isinstance(name, str) and name for name in self.names) or len(set(self.names)) < n:
            raise ValueError("names of motifs must be texts, each once")
        if self.widths.shape != (n,) or self.widths.dtype != np.int64 or (self.widths < 1).any():
            raise ValueError(f"widths of {n} motifs must be {n} whole numbers from 1 on")
        if self.thresholds.shape != (n,) or self.scores.shape != (sum(self.widths.tolist()), 4):
            raise ValueError("scores and thresholds of motifs do not fit their widths")
        for values in (self.scores, self.thresholds):
            if values.dtype != np.float64 or not (np.abs(values) <= _LARGEST).all():
                raise ValueError(f"scores and thresholds of motifs must be float64, and no larger than {_LARGEST:g}")
        if self.strands not in STRANDS or self.frequency not in FREQUENCIES or not isinstance(self.ambiguous, bool):
            raise ValueError("strands must be both or forward, frequency position or length, ambiguous true or false")
        if self.p is not None and not (isinstance(self.p, float) and 0 < self.p < 1):
            raise ValueError("the p-value of motifs must lie between 0 and 1")
        require_background(self.background)


def restore(
    facts: Mapping[str, Any],
    scores: NDArray[np.float64],
    widths: NDArray[np.int64],
    thresholds: NDArray[np.float64],
) -> Scoring:
    """A scoring of what `Scoring.facts` gave and its three arrays, checked.

    Raises
    ------
    ValueError
        If something is missing, unknown or does not fit.
    """
    try:
        given = {**facts, "names": list(facts["names"]), "background": tuple(facts["background"])}
        scoring = Scoring(scores=scores, widths=widths, thresholds=thresholds, **given)
    except (TypeError, KeyError) as error:
        raise ValueError(f"the facts of motifs are damaged ({error})") from error
    scoring.check()
    return scoring


def require_background(background: Sequence[float]) -> None:
    """Check that these are four positive numbers with the sum 1.

    Raises
    ------
    ValueError
    """
    numbers = len(background) == 4 and all(isinstance(share, float | int) for share in background)
    if not numbers or min(background) <= 0 or not abs(sum(background) - 1) <= 1e-6:
        raise ValueError("the background must be four positive numbers, of A, C, G, T, with the sum 1")


def calibrated(
    motifs_path: str | Path | None,
    p: float = 1e-4,
    strands: str = "both",
    frequency: str = "position",
    background: Sequence[float] = UNIFORM,
) -> Scoring:
    """A scoring whose thresholds are exact for a p-value.

    Parameters
    ----------
    motifs_path : path or None
        Of any format that `crekit.motifs.database` reads; None is JASPAR CORE vertebrates.
    p : float
        Probability of a hit at a position of one strand, in DNA of the background. Motifs whose best word is more
        probable are kept, without any hit, and a warning names them.
    strands : str
        ``both`` or ``forward``.
    frequency : str
        ``position`` or ``length``.
    background : sequence of float
        Of A, C, G, T.

    Raises
    ------
    InputError
        If the file cannot be read, or `p` is no probability.
    """
    if not 0 < p < 1:
        raise InputError(f"a p-value of motifs of {p:g}; give one between 0 and 1, such as 1e-4")
    _, digest, motifs = database.load(motifs_path)
    scores = np.concatenate([pssm.integers(motif, background) for motif in motifs])
    widths = np.array([motif.width for motif in motifs], dtype=np.int64)
    lowest, reached = thresholds.exact(scores, widths, p, background)
    short = [motif.name for motif, enough in zip(motifs, reached, strict=True) if not enough]
    if short:
        shown = ", ".join(short[:_SHOWN]) + (" ..." if len(short) > _SHOWN else "")
        LOG.warning("%d motif(s) too short or too vague for p %g have no hits: %s", len(short), p, shown)
    scoring = Scoring(
        [motif.name for motif in motifs],
        scores.astype(np.float64),
        widths,
        lowest.astype(np.float64),
        strands,
        frequency,
        p=p,
        background=tuple(float(share) for share in background),
        motifs_sha256=digest,
    )
    scoring.check()
    return scoring


def published(
    motifs_path: str | Path | None,
    thresholds_path: str | Path,
    strands: str = "forward",
    frequency: str = "length",
) -> Scoring:
    """Enhancer-MDLF's scoring: log odds as the file has them, thresholds of a file, N adding 0.

    Parameters
    ----------
    motifs_path : path or None
        As for `calibrated`. Log odds are against a uniform background.
    thresholds_path : path
        In HOMER's format, for the same motifs by name, in any order.
    strands : str
        ``forward``, as published, or ``both``.
    frequency : str
        ``length``, as published, or ``position``.

    Raises
    ------
    InputError
        If a file cannot be read, or a motif of one of them is not in the other.
    """
    digest, names, matrices = database.load_log_odds(motifs_path)
    text, wanted = thresholds.read(thresholds_path)
    for missing in (name for name in names if name not in wanted):
        raise InputError(
            f"{called(thresholds_path)}: no threshold of motif {missing}; give the thresholds of the same motifs"
        )
    for extra in sorted(wanted.keys() - set(names)):
        raise InputError(
            f"{called(thresholds_path)}: a threshold of motif {extra}, which is not among the motifs; "
            "give the thresholds of the same motifs"
        )
    scoring = Scoring(
        names,
        np.concatenate(matrices),
        np.array([len(matrix) for matrix in matrices], dtype=np.int64),
        np.array([wanted[name] for name in names]),
        strands,
        frequency,
        ambiguous=True,
        motifs_sha256=digest,
        thresholds_sha256=sha256_text(text),
    )
    scoring.check()
    return scoring
