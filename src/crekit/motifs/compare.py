"""Motifs against a database of known ones: Tomtom's p-values, by memelite, and which matches count.

Offsets and orientations are Tomtom's: the query's first column lies `offset` columns after the first of the target,
which is reverse complemented where the orientation is ``-``.
"""

import importlib
import logging
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crekit.files import output_text
from crekit.motifs.pwm import Motif, information

log = logging.getLogger("crekit")

COLUMNS = (
    "motif", "target_id", "target_name", "p_value", "e_value", "q_value", "offset", "overlap", "orientation",
    "informative_columns", "counted", "empirical_p",
)  # fmt: skip
FEW = 50
"""Below so many targets, Tomtom's p-values depend on which they are: the targets are its background."""


@dataclass(frozen=True)
class Rule:
    """Which matches are listed, and which of them count.

    Parameters
    ----------
    max_evalue : float
        Matches with an E-value below it are listed. The paper's is 0.1.
    min_columns : int
        A match counts if so many columns of the alignment are informative.
    min_bits : float
        Information content that the motif's column and the target's must have, both, to be informative: a flat motif
        finds a flat stretch in any large database, such as the gap between two halves of a CTCF motif.
    background : tuple of float
        Of A, C, G, T, for the information content.
    """

    max_evalue: float = 0.1
    min_columns: int = 5
    min_bits: float = 0.25
    background: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)


@dataclass(frozen=True)
class Comparison:
    """Every motif against every target; all arrays have the shape (n_motifs, n_targets).

    Parameters
    ----------
    p : np.ndarray, float64
        p-value of the best alignment, over both orientations.
    offset, overlap : np.ndarray, int64
        In columns.
    reverse : np.ndarray, bool
        Whether the target is reverse complemented.
    informative : np.ndarray, int64
        Columns that are informative in both.
    """

    p: np.ndarray
    offset: np.ndarray
    overlap: np.ndarray
    reverse: np.ndarray
    informative: np.ndarray


@dataclass(frozen=True)
class Match:
    """One match of a motif.

    Parameters
    ----------
    motif, target : Motif
    p, evalue, q : float
        p-value; times the number of targets; and the false discovery rate over the motif's targets.
    offset, overlap : int
        In columns.
    orientation : str
        ``+`` or ``-``.
    informative : int
        Columns that are informative in both.
    counted : bool
        Whether they are enough.
    empirical : float or None
        Share of untrained kernels whose best counted match is as good; None where there are none to compare with, 1
        for a match that does not count.
    """

    motif: Motif
    target: Motif
    p: float
    evalue: float
    q: float
    offset: int
    overlap: int
    orientation: str
    informative: int
    counted: bool
    empirical: float | None = None


def compare(motifs: Sequence[Motif], targets: Sequence[Motif], rule: Rule, *, threads: int = 1) -> Comparison:
    """Compare every motif with every target (Gupta 2007: complete scores, Euclidean distance).

    Parameters
    ----------
    motifs : sequence of Motif
        At least one.
    targets : sequence of Motif
        At least one.
    rule : Rule
    threads : int
        The result does not depend on it.
    """
    import numba

    tomtom = _tomtom()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few targets, which is for the caller to say
        found = tomtom(
            [np.ascontiguousarray(motif.matrix.T) for motif in motifs],
            [np.ascontiguousarray(target.matrix.T) for target in targets],
            n_jobs=min(threads, numba.get_num_threads()),
        )
    p, _, offset, overlap, reverse = found
    offset, overlap, reverse = offset.astype(np.int64), overlap.astype(np.int64), reverse > 0
    informative = _informative(motifs, targets, offset, reverse, rule)
    return Comparison(np.clip(p, 0, 1), offset, overlap, reverse, informative)


def _informative(
    motifs: Sequence[Motif], targets: Sequence[Motif], offset: np.ndarray, reverse: np.ndarray, rule: Rule
) -> np.ndarray:
    """How many columns of each alignment are informative in the motif and in the target."""
    widest = max(target.width for target in targets)
    # One column of zeros at the end, for what lies beside the target.
    enough = np.zeros((2, len(targets), widest + 1), dtype=bool)
    for j, target in enumerate(targets):
        of_target = information(target.matrix, rule.background) >= rule.min_bits
        enough[0, j, : target.width], enough[1, j, : target.width] = of_target, of_target[::-1]
    rows = []
    for i, motif in enumerate(motifs):
        of_motif = np.flatnonzero(information(motif.matrix, rule.background) >= rule.min_bits)
        column = of_motif + offset[i][:, None]
        column = np.where((column < 0) | (column > widest), widest, column)
        rows.append(enough[reverse[i].astype(int)[:, None], np.arange(len(targets))[:, None], column].sum(axis=1))
    return np.stack(rows)


def best_counted(comparison: Comparison, rule: Rule) -> np.ndarray:
    """Each motif's least p-value among the matches that count, whatever their E-value; 1 where there is none."""
    return np.where(comparison.informative >= rule.min_columns, comparison.p, 1.0).min(axis=1, initial=1.0)


def matches(
    motifs: Sequence[Motif],
    targets: Sequence[Motif],
    comparison: Comparison,
    rule: Rule,
    untrained: np.ndarray | None = None,
) -> list[Match]:
    """The matches of every motif with an E-value below the rule's, motif by motif, best first.

    Parameters
    ----------
    motifs, targets : sequence of Motif
    comparison : Comparison
        Of `motifs` with `targets`.
    rule : Rule
    untrained : np.ndarray, shape (n,), optional
        `best_counted` of n untrained kernels. A match's empirical p-value is (1 + those as good) / (1 + n).
    """
    from scipy.stats import false_discovery_control

    found = []
    for i, motif in enumerate(motifs):
        p = comparison.p[i]
        q = false_discovery_control(p)
        order = np.argsort(p, kind="stable")
        for j in order[p[order] * len(targets) < rule.max_evalue]:
            counted = bool(comparison.informative[i, j] >= rule.min_columns)
            statistic = float(p[j]) if counted else 1.0
            empirical = None if untrained is None else float(1 + np.sum(untrained <= statistic)) / (1 + len(untrained))
            found.append(
                Match(
                    motif,
                    targets[j],
                    float(p[j]),
                    float(p[j] * len(targets)),
                    float(q[j]),
                    int(comparison.offset[i, j]),
                    int(comparison.overlap[i, j]),
                    "-" if comparison.reverse[i, j] else "+",
                    int(comparison.informative[i, j]),
                    counted,
                    empirical,
                )
            )
    return found


def write_table(path: str | Path, found: Sequence[Match]) -> None:
    """Write matches as TSV, with the columns `COLUMNS`; ``NA`` for an empirical p-value that there is not."""
    with output_text(path) as handle:
        handle.write("\t".join(COLUMNS) + "\n")
        for match in found:
            numbers = [f"{x:.6g}" for x in (match.p, match.evalue, match.q)]
            empirical = "NA" if match.empirical is None else f"{match.empirical:.6g}"
            places = [str(match.offset), str(match.overlap), match.orientation, str(match.informative)]
            names = [match.motif.name, match.target.name, match.target.alternative]
            row = [*names, *numbers, *places, "yes" if match.counted else "no", empirical]
            handle.write("\t".join(row) + "\n")


def _tomtom() -> Callable[..., Any]:
    """Memelite's Tomtom, announced where its first call will compile it."""
    try:
        module = _memelite()
    except RuntimeError:  # numba found no folder for compiled code that it may write in
        module = _imported_with_own_cache()
    kept = module._tomtom.stats.cache_path
    if not module._tomtom.signatures and not (kept and any(Path(kept).glob("tomtom._tomtom-*.nbi"))):
        log.info("the first comparison of motifs compiles Tomtom, which takes a minute; later ones start at once")
    return module.tomtom


def _memelite() -> Any:
    return importlib.import_module("memelite.tomtom")  # the package has a function of this name


_own_cache: list[tempfile.TemporaryDirectory] = []


def _imported_with_own_cache() -> Any:
    """Memelite's module, its compiled code in a temporary folder that goes when Python ends."""
    config: Any = importlib.import_module("numba").config
    log.info("no folder for compiled code can be written (see NUMBA_CACHE_DIR): each run compiles anew")
    _own_cache.append(tempfile.TemporaryDirectory(prefix="crekit-numba-"))
    for name in [name for name in sys.modules if name.split(".")[0] == "memelite"]:
        del sys.modules[name]
    before = config.CACHE_DIR
    config.CACHE_DIR = _own_cache[0].name
    try:
        return _memelite()
    finally:
        config.CACHE_DIR = before
