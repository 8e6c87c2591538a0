"""Held-out sequences that have relatives in the training data: copies of a repeat, of a gene family, of a place.

Alike is what the split by cluster means by it: a fifth of the 11-mers of the sequence that has fewer are in the other,
on either strand, 11-mers that very many sequences hold aside.
"""

import numpy as np

from crekit.audit.agreement import RULE, agreement
from crekit.audit.finding import Finding
from crekit.audit.kmers import flatten, kmer_sets
from crekit.audit.likeness import count_owners, likeness
from crekit.audit.rounds import judged
from crekit.audit.sample import Sample

K = 11
CONTAINED = 0.2
COMMON = 0.02
MOST = 1_000


def check_homology(sample: Sample, seed: int = 1, contained: float = CONTAINED) -> Finding:
    """Held-out sequences that are like a training sequence of their own class.

    Parameters
    ----------
    sample : Sample
    seed : int
        Of the draw and the shuffles.
    contained : float
        Share of the smaller set of 11-mers that must be in the other.

    Returns
    -------
    finding : Finding
        ``homology``; the value is the excess of `crekit.audit.agreement`.
    """
    check, title = "homology", "Homology across the split"
    each = judged(sample)
    if not each:
        return Finding(check, title, "skipped", "There is no split.")
    side = sample.part.astype(np.int64)
    if sample.fold is not None:
        side = np.where(side >= 0, sample.fold, -1)
    held = np.flatnonzero(np.any([one.held for one in each], axis=0))
    at = held
    if len(at) > MOST:
        at = np.sort(np.random.default_rng(seed).choice(at, MOST, replace=False))
    names, label = np.unique(sample.classes.astype(str), return_inverse=True)
    best, example = nearest_by_class(sample, at, side, label, len(names), contained)
    # The nearest relative votes; of several that are as near, each class.
    beside = (best > 0) & (best == best.max(axis=1, keepdims=True))
    found = agreement(label[at], beside, side[at], seed)
    drawn = "" if len(at) == len(held) else f" drawn of {len(held):,}"
    order = np.argsort(-best.max(axis=1), kind="stable")
    order = order[beside[order].any(axis=1)][:10]
    return Finding(
        check=check,
        title=title,
        verdict=found.verdict,
        value=found.excess,
        what="share of the held-out sequences",
        p=found.p,
        threshold=f"{K}-mer containment {contained:g}; {RULE}",
        says=f"{found.beside:,} of {found.held:,} held-out sequences{drawn} are like a training sequence; "
        f"{found.agree:,.0f} have its class, where chance gives {found.expected:,.0f}.",
        remedy="Split by cluster." if found.verdict != "fine" else "",
        detail=found.record()
        | {
            "contained": contained,
            "examples": [
                [str(sample.ids[at[i]]), str(sample.ids[example[i]]), round(float(best[i].max()), 3)] for i in order
            ],
        },
    )


def nearest_by_class(
    sample: Sample, at: np.ndarray, side: np.ndarray, label: np.ndarray, n_classes: int, contained: float
) -> tuple[np.ndarray, np.ndarray]:
    """The training sequences that held-out sequences are most like.

    Parameters
    ----------
    sample : Sample
    at : np.ndarray, shape (m,), int64
        Positions of the held-out sequences.
    side : np.ndarray, shape (n,), int64
        The fold of each sequence where the sample has folds, else its part; -1 for none.
    label : np.ndarray, shape (n,), int64
        The class of each sequence, by number.
    n_classes : int
    contained : float
        A smaller containment counts as none.

    Returns
    -------
    best : np.ndarray, shape (m, n_classes), float64
        The largest containment in a training sequence of each class; 0 for none.
    nearest : np.ndarray, shape (m,), int64
        Position of the training sequence of the largest of all; -1 for none.
    """
    flat, bounds = flatten(sample.codes)
    kmers, kmer_bounds = kmer_sets(*flatten([sample.codes[i] for i in at]), K, 1)
    owner = np.repeat(np.arange(len(at)), np.diff(kmer_bounds))
    owners = owner[np.argsort(kmers, kind="stable")]
    owner_bounds = np.concatenate([[0], np.cumsum(np.bincount(kmers.astype(np.int64), minlength=4**K))])
    useful = count_owners(flat, bounds, K) <= max(COMMON * len(sample), 50)
    return likeness(
        flat, bounds, K, owners, owner_bounds, useful, at, np.diff(kmer_bounds), side, sample.fold is not None, label,
        n_classes, contained,
    )  # fmt: skip
