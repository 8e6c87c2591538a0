"""Where sequences lie: neighbours on both sides of the split, and regions that mappers get wrong."""

import numpy as np

from crekit.audit.agreement import RULE, agreement
from crekit.audit.auroc import draw, p_values, table_auroc
from crekit.audit.finding import Finding, Verdict
from crekit.audit.rounds import judged
from crekit.audit.sample import Sample
from crekit.audit.told_apart import LEAK, P
from crekit.genome.regions import Regions, overlaps

DISTANCE = 1_000
BLACKLISTED = 0.01
MOST = 20_000


def check_neighbours(sample: Sample, seed: int = 1, distance: int = DISTANCE) -> Finding:
    """Held-out sequences that lie near a training sequence of their own class.

    Parameters
    ----------
    sample : Sample
        With regions.
    seed : int
        Of the draw and the shuffles.
    distance : int
        Fewer bases between the two than this; 0 or less where they overlap.

    Returns
    -------
    finding : Finding
        ``neighbours``; the value is the excess of `crekit.audit.agreement`.
    """
    check, title = "neighbours", f"Neighbours within {distance:,} bases across the split"
    each = judged(sample)
    if sample.regions is None:
        return Finding(check, title, "skipped", "The sequences have no places on chromosomes.")
    if not each:
        return Finding(check, title, "skipped", "There is no split.")
    rng = np.random.default_rng(seed)
    names, label = np.unique(sample.classes.astype(str), return_inverse=True)
    held, number, beside = [], [], []
    for i, one in enumerate(each):
        at = np.flatnonzero(one.held)
        if len(at) > MOST // len(each):
            at = np.sort(rng.choice(at, MOST // len(each), replace=False))
        near = [
            overlaps(sample.regions[at], sample.regions[one.seen & (label == c)], distance) for c in range(len(names))
        ]
        held.append(at)
        number.append(np.full(len(at), i))
        beside.append(np.stack(near, axis=1))
    at, met = np.concatenate(held), np.concatenate(beside)
    found = agreement(label[at], met, np.concatenate(number), seed)
    n_held = sum(int(one.held.sum()) for one in each)
    drawn = "" if len(at) == n_held else f" drawn of {n_held:,}"
    near_any = np.flatnonzero(met.any(axis=1))
    return Finding(
        check=check,
        title=title,
        verdict=found.verdict,
        value=found.excess,
        what="share of the held-out sequences",
        p=found.p,
        threshold=RULE,
        says=f"{found.beside:,} of {found.held:,} held-out sequences{drawn} lie within {distance:,} bases of a "
        f"training sequence; {found.agree:,.0f} have its class, where chance gives {found.expected:,.0f}.",
        remedy="Split by blocks of the genome or by chromosome." if found.verdict != "fine" else "",
        detail=found.record() | {"distance": distance, "examples": sample.ids[at[near_any[:10]]].tolist()},
    )


def check_blacklist(sample: Sample, blacklist: Regions, seed: int = 1) -> Finding:
    """Sequences that overlap places where reads pile up whatever the experiment.

    Parameters
    ----------
    sample : Sample
        With regions.
    blacklist : Regions
    seed : int
        Of the folds and the shuffles.

    Returns
    -------
    finding : Finding
        ``blacklist``; the value is the share of the sequences. Leak where it tells a class from the others.
    """
    check, title = "blacklist", "Overlap with the blacklist"
    if sample.regions is None:
        return Finding(check, title, "skipped", "The sequences have no places on chromosomes.")
    used = np.flatnonzero(sample.part >= 0)
    hit = overlaps(sample.regions[used], blacklist)
    share = float(hit.mean()) if len(used) else 0.0
    auroc, p = 0.5, 1.0
    drawn = draw(sample.classes[used], seed)
    if drawn is not None and hit.any():
        cells = hit[drawn.at].astype(np.int64)[None]
        every = np.concatenate([table_auroc(cells, positive, drawn.folds) for positive in drawn.positives()])
        best = int(every[:, 0].argmax())
        auroc, p = float(every[best, 0]), float(p_values(every)[best])
    verdict: Verdict = "look" if share >= BLACKLISTED else "fine"
    if auroc >= LEAK and p <= P:
        verdict = "leak"
    return Finding(
        check=check,
        title=title,
        verdict=verdict,
        value=share,
        what="share of the sequences",
        p=p,
        threshold=f"look: {BLACKLISTED:.0%} of the sequences; leak: AUROC >= {LEAK} and p <= {P}",
        says=f"{int(hit.sum()):,} of {len(used):,} sequences overlap the blacklist (AUROC {auroc:.3f}).",
        remedy="Drop them from all classes." if verdict != "fine" else "",
        detail={
            "auroc": auroc,
            "classes": {
                name: float(hit[sample.classes[used] == name].mean()) for name in sorted(set(sample.classes[used]))
            },
            "examples": sample.ids[used[hit]][:10].tolist(),
        },
    )
