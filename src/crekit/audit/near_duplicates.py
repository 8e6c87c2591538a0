"""Sequences that are nearly the same as another: shifted windows of one place, alleles, recent copies of a repeat."""

from typing import Any

import numpy as np

from crekit.audit.duplicates import EXAMPLES, exact_groups
from crekit.audit.finding import Finding, Verdict
from crekit.audit.near import CONTAINED, FEWEST, LOOSE, K, Pairs, near_pairs
from crekit.audit.rounds import rounds
from crekit.audit.sample import Sample

LOOK = 0.005
LEAK = 0.01


def check_near(sample: Sample, seed: int = 1, k: int = K, contained: float = CONTAINED) -> list[Finding]:
    """Near duplicates within a class, across classes and across the split; exact ones are not counted again.

    Parameters
    ----------
    sample : Sample
    seed : int
        Not used: the check draws nothing. All checks take one.
    k : int
        Bases of a k-mer.
    contained : float
        Share of the smaller set of k-mers that must be in the other. Pairs at .5 are counted too, and told.

    Returns
    -------
    findings : list of Finding
        ``near-within``, ``near-classes``, ``near-split``.
    """
    groups = exact_groups(sample.codes)
    pairs = pairs_of(sample, groups, k, min(contained, LOOSE))
    same = sample.classes[pairs.first] == sample.classes[pairs.second]
    rule = f"{k}-mer containment {contained:g}"
    return [
        _finding("near-within", "Near duplicates within a class", sample, pairs.of(same), contained, rule),
        _finding("near-classes", "Near duplicates across classes", sample, pairs.of(~same), contained, rule),
        _split(sample, groups, pairs, contained, rule),
    ]


def pairs_of(sample: Sample, groups: np.ndarray, k: int = K, contained: float = CONTAINED) -> Pairs:
    """Near duplicates among the sequences that are used, one standing for its exact copies in the same part and class.

    Parameters
    ----------
    sample : Sample
    groups : np.ndarray, shape (n,), int64
        As `exact_groups` gives them.
    k, contained
        As in `near_pairs`.

    Returns
    -------
    pairs : Pairs
        By the positions in the sample; no pair is of exact copies.
    """
    side = sample.part.astype(np.int64) if sample.fold is None else sample.fold
    used = np.flatnonzero(sample.part >= 0)
    _, number = np.unique(sample.classes[used].astype(str), return_inverse=True)
    _, first = np.unique(np.stack([groups[used], side[used], number]), axis=1, return_index=True)
    kept = used[np.sort(first)]
    pairs = near_pairs([sample.codes[i] for i in kept], k, contained)
    found = Pairs(kept[pairs.first], kept[pairs.second], pairs.containment, pairs.complete)
    return found.of(groups[found.first] != groups[found.second])


def _finding(check: str, title: str, sample: Sample, pairs: Pairs, contained: float, rule: str) -> Finding:
    near = pairs.of(pairs.containment >= contained)
    n_pairs, n_used = len(near), int((sample.part >= 0).sum())
    n_loose = int((pairs.containment >= LOOSE).sum())
    n_sequences = len(np.union1d(near.first, near.second))
    many = n_sequences >= max(LOOK * n_used, 1)
    wrong = "Remove both of each pair, or settle its label." if check == "near-classes" else "Keep one of each pair."
    return Finding(
        check=check,
        title=title,
        verdict="look" if many else "fine",
        value=n_pairs,
        what="pairs",
        threshold=f"{rule}; look: {LOOK:.1%} of the sequences",
        says=f"{_at_least(near)}{_pairs(n_pairs)} ({n_sequences:,} of {n_used:,} sequences) at {rule}, "
        f"{_pairs(n_loose)} at {LOOSE:g}.",
        remedy=f"{wrong} A split by cluster keeps the rest on one side." if many else "",
        detail=_detail(sample, pairs, near),
    )


def _split(sample: Sample, groups: np.ndarray, pairs: Pairs, contained: float, rule: str) -> Finding:
    title = "Near duplicates across the split"
    each = rounds(sample)
    if not each:
        return Finding("near-split", title, "skipped", "There is no split.")
    near = pairs.of(pairs.containment >= contained)
    ends, others = np.concatenate([near.first, near.second]), np.concatenate([near.second, near.first])
    per_round, crossing = {}, np.zeros(len(near), dtype=bool)
    for one in each:
        crosses = one.held[ends] & one.seen[others]
        crossing |= crosses.reshape(2, -1).any(axis=0)
        # A copy of a sequence that stands for it is as near as it is.
        hit = one.held & np.isin(groups, groups[ends[crosses]])
        n_held = int(one.held.sum())
        per_round[one.name] = {"near": int(hit.sum()), "held_out": n_held, "share": float(hit.sum() / n_held)}
    name, of = max(per_round.items(), key=lambda item: item[1]["share"])
    share = of["share"]
    verdict: Verdict = "leak" if share >= LEAK else "look" if share >= LOOK else "fine"
    return Finding(
        check="near-split",
        title=title,
        verdict=verdict,
        value=share,
        what="share of the held-out sequences",
        threshold=f"{rule}; look: {LOOK:.1%} of a held-out part; leak: {LEAK:.0%}",
        says=f"{_at_least(near)}{of['near']:,} of {of['held_out']:,} sequences of the {name} part have a near "
        f"duplicate in its training data ({rule}).",
        remedy="Remove them from training, or split by cluster." if verdict != "fine" else "",
        detail={"rounds": per_round} | _detail(sample, pairs, near.of(crossing)),
    )


def _pairs(n: int) -> str:
    return f"{n:,} pair{'s' * (n != 1)}"


def _at_least(pairs: Pairs) -> str:
    return "" if pairs.complete else "At least "


def _detail(sample: Sample, pairs: Pairs, near: Pairs) -> dict[str, Any]:
    worst = np.argsort(-near.containment, kind="stable")[:EXAMPLES]
    return {
        "pairs_at": {f"{share:g}": int((pairs.containment >= share).sum()) for share in (0.5, 0.6, 0.7, 0.8, 0.9)},
        "fewest_kmers": FEWEST,
        "complete": pairs.complete,
        "examples": [
            [str(sample.ids[near.first[i]]), str(sample.ids[near.second[i]]), round(float(near.containment[i]), 3)]
            for i in worst
        ],
    }
