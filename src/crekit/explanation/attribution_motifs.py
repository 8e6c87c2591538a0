"""Motifs from attribution: stretches of bases that contribute much (seqlets), grouped into patterns.

Seqlets are tangermeme's, called on the contributions of the regions that the model is surest of; they are grouped by
TF-MoDISco's clustering (Shrikumar 2018), as modiscolite has it. Only stretches that speak for a class are looked at.
"""

import contextlib
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from crekit.encoding.onehot import one_hot
from crekit.encoding.store import Sequences
from crekit.errors import InputError
from crekit.explanation import attribution
from crekit.explanation.attribution import Attributions
from crekit.explanation.surest import Surest, surest
from crekit.models.device import device_of
from crekit.models.file import SequenceModel
from crekit.motifs.pwm import Motif

log = logging.getLogger("crekit")

LEAST = 50
"""Seqlets; fewer give no stable groups."""
MOST = 2000
"""Seqlets; of more, those that contribute most: to group these takes two minutes of one core."""

_WIDTH = 30  # bases of a seqlet when it is grouped: room for the longest motifs, and for a centre that is off
_ROOM = 2 * _WIDTH
_NEIGHBOURS = 100  # that a seqlet is compared with base by base; modiscolite's 500 are for 20,000 seqlets
_LEIDEN_RUNS = 2  # of which the best is taken; modiscolite's 50 take many minutes here
_FLANK = 0.3  # a motif ends where columns contribute less than this share of its highest (TF-MoDISco's report)


class Run(Protocol):
    """What is needed of the plan of a run."""

    @property
    def device(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Search:
    """How to look for motifs.

    Parameters
    ----------
    classes : sequence of str
        Empty for all but background.
    per_class : int
        Regions of each class, at most: those that the model is surest of. Few of them show the strong motifs only.
    subset : str
        ``test``, ``all`` or chromosomes. What a model learned shows in its training regions too.
    method, shuffles
        See `crekit.explanation.attribution.attribute`.
    threshold : float
        p-value of a seqlet (tangermeme's `recursive_seqlets`): it ranks spans, and is no error rate.
    """

    classes: Sequence[str] = ()
    per_class: int = 2000
    subset: str = "all"
    method: str = attribution.AUTO
    shuffles: int = 5
    threshold: float = 0.01


def attribution_motifs(
    model: SequenceModel, sequences: Sequences | None, plan: Run, search: Search | None = None
) -> list[Motif]:
    """Motifs of what a model attends to.

    Parameters
    ----------
    model : SequenceModel
    sequences : Sequences
    plan : Run
        Device, threads (the result does not depend on them) and seed.
    search : Search, optional

    Returns
    -------
    list of Motif
        Class by class, of most seqlets first, named ``CLASS_1``, ``CLASS_2`` ...; none, and a warning, where there are
        too few seqlets. `nsites` is the number of seqlets. Notes: ``class``; ``share_sequences``, of the regions
        looked at, that have such a seqlet; ``contribution``, the mean sum of its bases' contributions, in logits.

    Raises
    ------
    InputError
        If there are no sequences, or they do not fit the model.
    WorkError
        See `crekit.explanation.attribution.attribute`.
    """
    if sequences is None:
        raise InputError("motifs from attribution need sequences; give a file of encode-seq with -s")
    search = search or Search()
    device = device_of(plan.device).type
    method = attribution.method_for(model, search.method)
    chosen = surest(
        model, sequences, search.classes, search.per_class, search.subset, device=device, threads=plan.threads
    )
    motifs = []
    for one in chosen:
        log.info("%s: %s of %d of %d regions", one.name, method, len(one.region), one.available)
        given = attribution.attribute(
            model,
            one.codes,
            model.settings.classes.index(one.name),
            method=method,
            shuffles=search.shuffles,
            seed=plan.seed,
            device=device,
            threads=plan.threads,
        )
        if given.error is not None:
            log.info("contributions miss the differences that they explain by at most %.1g logits", given.error)
        motifs += motifs_of(one, given, search.threshold, plan.threads)
    return motifs


def motifs_of(chosen: Surest, given: Attributions, threshold: float, threads: int = 1) -> list[Motif]:
    """Motifs of one class from its attributions; see `attribution_motifs`."""
    found = seqlets(given.contributions, threshold)
    patterns = _patterns(given, found, threads) if len(found) >= LEAST else []
    if not patterns:
        log.warning(
            "warning: %s: %d seqlets, which give no group of %d or more alike; give more regions, "
            "or a model that is surer",
            chosen.name, len(found), LEAST,
        )  # fmt: skip
        return []
    motifs = [_motif(f"{chosen.name}_{i + 1}", chosen, pattern) for i, pattern in enumerate(patterns)]
    log.info("%s: %d seqlets in %d motifs", chosen.name, sum(one.nsites for one in motifs), len(motifs))
    return motifs


def seqlets(contributions: np.ndarray, threshold: float) -> np.ndarray:
    """Stretches that contribute much, each as a span of the width at which they are grouped.

    Parameters
    ----------
    contributions : np.ndarray, shape (n, width), float32
    threshold : float

    Returns
    -------
    found : np.ndarray, shape (n_seqlets, 3), int64
        Window, start and end (which may lie outside of the window); strongest first, `MOST` at most.
    """
    from tangermeme import seqlet

    _keep_compiled(seqlet._recursive_seqlet_null, seqlet._recursive_seqlet_decode_fields)
    table = seqlet.recursive_seqlets(np.ascontiguousarray(contributions), threshold=threshold)
    table = table.sort_values(["attribution", "example_idx", "start"], ascending=[False, True, True], kind="stable")
    start = (table["start"] + table["end"]).to_numpy() // 2 - _WIDTH // 2
    found = np.stack([table["example_idx"].to_numpy(), start, start + _WIDTH], axis=1).astype(np.int64)
    return found[:MOST]


def _patterns(given: Attributions, found: np.ndarray, threads: int) -> list[Any]:
    """TF-MoDISco's patterns of seqlets, of most seqlets first."""
    import numba
    from modiscolite import affinitymat, core, gapped_kmer, tfmodisco

    _keep_compiled(gapped_kmer._extract_gkmers, affinitymat._sparse_mm_dot, affinitymat.pairwise_jaccard)
    # Patterns are shifted and widened; a seqlet that would then reach past its window is thrown away. So there is room.
    room = ((0, 0), (_ROOM, _ROOM), (0, 0))
    values, hypothetical = (
        np.pad(one.transpose(0, 2, 1).astype(np.float64), room) for one in (one_hot(given.codes), given.hypothetical)
    )
    tracks = core.TrackSet(values, values * hypothetical, hypothetical)
    cut = tracks.create_seqlets([core.Seqlet(i, _ROOM + start, _ROOM + end, False) for i, start, end in found.tolist()])
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, before))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # correlations of constant rows, which are left out
            patterns = tfmodisco.seqlets_to_patterns(
                cut,
                tracks,
                track_signs=1,
                trim_to_window_size=_WIDTH,
                nearest_neighbors_to_compute=_NEIGHBOURS,
                n_leiden_runs=_LEIDEN_RUNS,
            )
    except ValueError as error:  # seqlets of a model that learned nothing may not vary at all
        log.debug("modisco: %s", error)
        patterns = []
    finally:
        numba.set_num_threads(before)
    return sorted(patterns or [], key=lambda pattern: -len(pattern.seqlets))


def _keep_compiled(*loops: Any) -> None:
    """Have numba keep loops of other libraries, which each process would compile anew, for half a minute."""
    for loop in loops:
        with contextlib.suppress(RuntimeError):  # no folder for it can be written
            loop.enable_caching()


def _motif(name: str, chosen: Surest, pattern: Any) -> Motif:
    """A pattern without the flanks that contribute little."""
    strength = np.abs(pattern.contrib_scores).sum(axis=1)
    inside = np.flatnonzero(strength >= _FLANK * strength.max())
    kept = slice(inside[0], inside[-1] + 1)
    matrix = pattern.sequence[kept] + 1e-9  # a column of unknown bases alone has no probabilities
    notes: dict[str, float | str] = {
        "class": chosen.name,
        "share_sequences": len({seqlet.example_idx for seqlet in pattern.seqlets}) / len(chosen.region),
        "contribution": float(pattern.contrib_scores[kept].sum()),
    }
    return Motif(name, "", matrix / matrix.sum(axis=1, keepdims=True), len(pattern.seqlets), None, notes)
