"""Sequences that stand in the data more than once, on either strand."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import poisson

from crekit.audit.finding import Finding, Verdict
from crekit.audit.rounds import rounds
from crekit.audit.sample import Sample
from crekit.genome.fasta import N, complement_codes

LEAK = 0.01
BY_CHANCE = 0.001
EXAMPLES = 10

_ANY = f"look: any that chance does not explain (Poisson p <= {BY_CHANCE})"


def exact_groups(codes: Sequence[np.ndarray]) -> np.ndarray:
    """Sequences that are equal, or the reverse complement of one another, have the same number.

    Parameters
    ----------
    codes : sequence of np.ndarray, uint8

    Returns
    -------
    groups : np.ndarray, shape (n,), int64
        Numbered by their first member.
    """
    known: dict[bytes, int] = {}
    groups = np.empty(len(codes), dtype=np.int64)
    for i, one in enumerate(codes):
        groups[i] = known.setdefault(min(one.tobytes(), complement_codes(one).tobytes()), len(known))
    return groups


def expected_pairs(sample: Sample, one: np.ndarray, other: np.ndarray | None = None) -> float:
    """Pairs of equal sequences that chance makes, of random bases in the shares that the sample has.

    Parameters
    ----------
    sample : Sample
    one : np.ndarray, shape (n,), bool
    other : np.ndarray, shape (n,), bool, optional
        Pairs of one of these and one of those; without it, pairs among the first.
    """
    counts = np.bincount(np.concatenate([np.zeros(0, dtype=np.uint8), *sample.codes]), minlength=N + 1)[:N]
    share = counts / max(counts.sum(), 1)
    lengths = sample.lengths
    width, index = np.unique(lengths, return_inverse=True)
    n_one = np.bincount(index[one], minlength=len(width)).astype(float)
    n_pairs = n_one * (n_one - 1) / 2 if other is None else n_one * np.bincount(index[other], minlength=len(width))
    same, turned = (share**2).sum(), (share * share[::-1]).sum()
    return float((n_pairs * (same**width + turned**width)).sum())


def check_exact(sample: Sample, seed: int = 1) -> list[Finding]:
    """Exact duplicates within a class, across classes and across the split.

    Parameters
    ----------
    sample : Sample
    seed : int
        Not used: the check draws nothing. All checks take one.

    Returns
    -------
    findings : list of Finding
        ``duplicates-within``, ``duplicates-classes``, ``duplicates-split``.
    """
    groups = exact_groups(sample.codes)
    return [_within(sample, groups), _classes(sample, groups), check_exact_split(sample, groups)]


def _within(sample: Sample, groups: np.ndarray) -> Finding:
    kept = np.flatnonzero(sample.part >= 0)
    _, number = np.unique(sample.classes[kept].astype(str), return_inverse=True)
    keys = groups[kept] * (number.max(initial=0) + 1) + number
    _, first, member = np.unique(keys, return_index=True, return_inverse=True)
    copies = np.flatnonzero(first[member] != np.arange(len(kept)))
    expected = sum(expected_pairs(sample, (sample.classes == name) & (sample.part >= 0)) for name in sample.class_names)
    p = float(poisson.sf(len(copies) - 1, expected))
    many = len(copies) > 0 and p <= BY_CHANCE
    originals = first[member[copies]]
    examples = np.stack([sample.ids[kept[copies]], sample.ids[kept[originals]]], axis=1)[:EXAMPLES].astype(str)
    return Finding(
        check="duplicates-within",
        title="Exact duplicates within a class",
        verdict="look" if many else "fine",
        value=len(copies),
        what="sequences",
        p=p,
        threshold=_ANY,
        says=f"{len(copies):,} of {len(kept):,} sequences are copies of another one of their class, on either strand.",
        remedy="Keep one of each; a random split puts copies on both of its sides." if many else "",
        detail={
            "expected": expected,
            "examples": examples.tolist(),
        },
    )


def _classes(sample: Sample, groups: np.ndarray) -> Finding:
    kept = np.flatnonzero(sample.part >= 0)
    names, number = np.unique(sample.classes[kept].astype(str), return_inverse=True)
    holds = np.zeros((groups.max(initial=-1) + 1, len(names)), dtype=bool)
    holds[groups[kept], number] = True
    torn = holds.sum(axis=1) > 1
    wrong = np.flatnonzero(torn[groups[kept]])
    masks = [(sample.classes == name) & (sample.part >= 0) for name in names]
    expected = sum(expected_pairs(sample, a, b) for i, a in enumerate(masks) for b in masks[:i])
    p = float(poisson.sf(int(torn.sum()) - 1, expected))
    many = len(wrong) > 0 and p <= BY_CHANCE
    by_group = wrong[np.argsort(groups[kept[wrong]], kind="stable")]
    return Finding(
        check="duplicates-classes",
        title="Exact duplicates across classes",
        verdict="look" if many else "fine",
        value=len(wrong),
        what="sequences",
        p=p,
        threshold=_ANY,
        says=f"{len(wrong):,} of {len(kept):,} sequences stand in two classes or more.",
        remedy="Remove them from all classes: one of the labels is wrong." if many else "",
        detail={
            "expected": expected,
            "examples": [[str(sample.ids[kept[i]]), str(names[number[i]])] for i in by_group[:EXAMPLES]],
        },
    )


def check_exact_split(sample: Sample, groups: np.ndarray) -> Finding:
    """Held-out sequences that stand in the training data too.

    Parameters
    ----------
    sample : Sample
    groups : np.ndarray, shape (n,), int64
        As `exact_groups` gives them.
    """
    title = "Exact duplicates across the split"
    each = rounds(sample)
    if not each:
        return Finding("duplicates-split", title, "skipped", "There is no split.")
    per_round: dict[str, dict[str, float]] = {}
    copied = np.zeros(len(sample), dtype=bool)
    expected = 0.0
    for one in each:
        met = np.zeros(groups.max(initial=-1) + 1, dtype=bool)
        met[groups[one.seen]] = True
        here = one.held & met[groups]
        copied |= here
        expected += expected_pairs(sample, one.held, one.seen)
        per_round[one.name] = {
            "copies": int(here.sum()),
            "held_out": int(one.held.sum()),
            "share": float(here.sum() / one.held.sum()),
        }
    share = max(one["share"] for one in per_round.values())
    n_copies = sum(one["copies"] for one in per_round.values())
    p = float(poisson.sf(n_copies - 1, expected))
    verdict: Verdict = "fine"
    if n_copies and p <= BY_CHANCE:
        verdict = "leak" if share >= LEAK else "look"
    name, of = max(per_round.items(), key=lambda item: item[1]["share"])
    return Finding(
        check="duplicates-split",
        title=title,
        verdict=verdict,
        value=share,
        what="share of the held-out sequences",
        p=p,
        threshold=f"{_ANY}; leak: {LEAK:.0%} of a held-out part",
        says=f"{of['copies']:,} of {of['held_out']:,} sequences of the {name} part stand in its training data too.",
        remedy="Remove them from training, or split by cluster." if verdict != "fine" else "",
        detail={
            "rounds": per_round,
            "expected": expected,
            "examples": [str(name) for name in sample.ids[copied][:EXAMPLES]],
        },
    )
