"""Classes that length, GC or unknown bases tell apart: what a model can use without reading the sequence."""

from collections.abc import Iterable

import numpy as np
from scipy.stats import entropy

from crekit.audit.auroc import Draw, draw, interval, ordered_auroc, p_values, table_auroc
from crekit.audit.finding import Finding, Verdict, worse
from crekit.audit.sample import Sample
from crekit.genome.fasta import N

LOOK = 0.55
LEAK = 0.6
P = 0.002
MODULI = range(2, 13)

_BINS = 10
_CATEGORIES = 20
_RULE = f"look: AUROC >= {LOOK} and p <= {P}"
_RULES = {"leak": f"{_RULE}; leak: AUROC >= {LEAK}", "look": f"{_RULE}; never leak"}
_TRIM = "Trim the sequences to equal lengths (--fix does), or draw a background of the same lengths."


def bases(sample: Sample) -> np.ndarray:
    """How many of each base every sequence has, shape (n, 5), int64: A, C, G, T, N."""
    return np.array([np.bincount(codes, minlength=N + 1) for codes in sample.codes]).reshape(-1, N + 1)


def check_length(sample: Sample, seed: int = 1) -> Finding:
    """Whether length tells a class from the others.

    Parameters
    ----------
    sample : Sample
    seed : int
        Of the folds and the shuffles.

    Returns
    -------
    finding : Finding
        ``length``. The value is the AUROC of length itself; or where that hides what the rate of the class in ten bins
        of length shows (one class in the middle of the other, say) so that the verdict is worse, the AUROC of the bins.
    """
    lengths = sample.lengths
    by_class = {name: _spread(lengths[sample.classes == name]) for name in sample.class_names}
    return _number("length", "Classes told apart by length", "length", lengths, sample, seed, _TRIM, by_class)


def check_gc(sample: Sample, seed: int = 1) -> Finding:
    """Whether the share of G and C tells a class from the others.

    It says look at most: regulatory elements are rich in GC, so that some of it is what a model should learn.
    Parameters and result as in `check_length`; the check is ``gc``.
    """
    counts = bases(sample)
    known = counts[:, :N].sum(axis=1)
    gc = np.where(known > 0, counts[:, 1:3].sum(axis=1) / np.maximum(known, 1), 0.5)
    by_class = {name: _spread(gc[sample.classes == name]) for name in sample.class_names}
    remedy = "Draw a background of the same GC (sample-background), and compare with a GC-only score."
    return _number("gc", "Classes told apart by GC", "GC", gc, sample, seed, remedy, by_class, most="look")


def check_unknown(sample: Sample, seed: int = 1) -> Finding:
    """Whether the share of N tells a class from the others.

    Parameters and result as in `check_length`; the check is ``unknown``.
    """
    counts = bases(sample)
    share = counts[:, N] / np.maximum(counts.sum(axis=1), 1)
    by_class = {
        name: {
            "with_n": float((share[sample.classes == name] > 0).mean()),
            "share": float(share[sample.classes == name].mean()),
        }
        for name in sample.class_names
    }
    remedy = "Drop sequences with N from all classes."
    return _number("unknown", "Classes told apart by N", "the share of N", share, sample, seed, remedy, by_class)


def check_length_modulo(sample: Sample, seed: int = 1, moduli: Iterable[int] = MODULI) -> Finding:
    """Whether the remainder of length by a small number tells a class from the others.

    Regions that were called in bins have lengths on a grid; features that are pooled over the length show the grid.

    Parameters
    ----------
    sample : Sample
    seed : int
        Of the folds and the shuffles.
    moduli : iterable of int

    Returns
    -------
    finding : Finding
        ``length-modulo``; the value is the largest AUROC over the moduli, each remainder scored by its rate.
    """
    check, title, moduli = "length-modulo", "Classes told apart by length modulo a number", list(moduli)
    used = np.flatnonzero(sample.part >= 0)
    drawn = draw(sample.classes[used], seed)
    if drawn is None:
        return _few(check, title)
    lengths = sample.lengths[used][drawn.at]
    if len(np.unique(lengths)) == 1:
        return _constant(check, title, "length")
    cells = np.stack([lengths % modulus for modulus in moduli])
    positives = drawn.positives()
    figures = np.stack([table_auroc(cells, positive, drawn.folds) for positive in positives])
    p = p_values(figures.reshape(-1, figures.shape[2])).reshape(figures.shape[:2])
    # If length is 1 modulo 10 it is 1 modulo 2 too: of equals, the modulus that leaves most remainders empty.
    grid = [np.log(modulus) - entropy(np.bincount(row)) for modulus, row in zip(moduli, cells, strict=True)]
    best = max(np.ndindex(*p.shape), key=lambda at: (round(float(figures[at][0]), 9), grid[at[1]]))
    value, modulus, positive = float(figures[best][0]), moduli[best[1]], positives[best[0]][0] > 0
    name = drawn.names[drawn.targets()[best[0]]]
    verdict = _verdict(value, float(p[best]))
    remainders = {name: _shares(lengths[drawn.labels[0] == i] % modulus, modulus) for i, name in enumerate(drawn.names)}
    return Finding(
        check=check,
        title=title,
        verdict=verdict,
        value=value,
        what="AUROC",
        interval=interval(_scored(cells[best[1]], positive, drawn), positive, drawn.folds, value),
        p=float(p[best]),
        threshold=_RULES["leak"],
        says=f"Length modulo {modulus} tells {name} from the rest with AUROC {value:.3f} ({_drawn(drawn, len(used))}).",
        remedy=_TRIM if verdict != "fine" else "",
        detail={
            "modulus": modulus,
            "class": name,
            "auroc": dict(zip(map(str, moduli), figures[:, :, 0].max(axis=0).tolist(), strict=True)),
            "remainders": remainders,
        },
    )


def _number(
    check: str,
    title: str,
    called: str,
    values: np.ndarray,
    sample: Sample,
    seed: int,
    remedy: str,
    by_class: dict[str, dict[str, float]],
    most: Verdict = "leak",
) -> Finding:
    """The finding about a number that each sequence has, `called` so in the text."""
    used = np.flatnonzero(sample.part >= 0)
    drawn = draw(sample.classes[used], seed)
    if drawn is None:
        return _few(check, title)
    value_of = values[used][drawn.at].astype(float)
    if len(np.unique(value_of)) == 1:
        return _constant(check, title, called, most)
    cells, positives = _binned(value_of), drawn.positives()
    ordered = np.stack([ordered_auroc(value_of, positive, drawn.folds) for positive in positives])
    binned = np.concatenate([table_auroc(cells[None], positive, drawn.folds) for positive in positives])
    p = p_values(np.concatenate([ordered, binned])).reshape(2, -1)
    figures = np.stack([ordered[:, 0], binned[:, 0]])
    target = figures.argmax(axis=1)
    verdicts = [_verdict(float(figures[row, at]), float(p[row, at]), most) for row, at in enumerate(target)]
    row = int(worse(verdicts[1], verdicts[0]))
    value, by, positive = float(figures[row, target[row]]), float(p[row, target[row]]), positives[target[row]][0] > 0
    name = drawn.names[drawn.targets()[target[row]]]
    score = _scored(cells, positive, drawn) if row else value_of
    how = " by its rate in bins" if row else ""
    return Finding(
        check=check,
        title=title,
        verdict=verdicts[row],
        value=value,
        what="AUROC",
        interval=interval(score, positive, drawn.folds, value),
        p=by,
        threshold=_RULES[most],
        says=f"{called[0].upper()}{called[1:]} alone tells {name} from the rest with AUROC {value:.3f}{how} "
        f"({_drawn(drawn, len(used))}).",
        remedy=remedy if verdicts[row] != "fine" else "",
        detail={
            "class": name,
            "auroc_ordered": dict(zip(_names(drawn), ordered[:, 0].tolist(), strict=True)),
            "auroc_binned": dict(zip(_names(drawn), binned[:, 0].tolist(), strict=True)),
            "classes": by_class,
        },
    )


def _verdict(value: float, p: float, most: Verdict = "leak") -> Verdict:
    if p > P or value < LOOK:
        return "fine"
    return most if value >= LEAK else "look"


def _binned(values: np.ndarray) -> np.ndarray:
    """Categories of a number: its values where they are few, else ten bins of as many sequences each."""
    different = np.unique(values)
    if len(different) <= _CATEGORIES:
        return np.searchsorted(different, values)
    edges = np.unique(np.quantile(values, np.arange(1, _BINS) / _BINS))
    return np.searchsorted(edges, values, side="right")


def _scored(cells: np.ndarray, positive: np.ndarray, drawn: Draw) -> np.ndarray:
    """The rate of the class in each sequence's cell, as the other folds tell it, shape (m,)."""
    score = np.empty(len(cells))
    n_cells = int(cells.max(initial=0)) + 1
    for fold in drawn.folds:
        rest = np.setdiff1d(np.arange(len(cells)), fold)
        hits = np.bincount(cells[rest], weights=positive[rest], minlength=n_cells)
        rate = (hits + positive.mean()) / (np.bincount(cells[rest], minlength=n_cells) + 1)
        score[fold] = rate[cells[fold]]
    return score


def _names(drawn: Draw) -> list[str]:
    return [drawn.names[target] for target in drawn.targets()]


def _spread(values: np.ndarray) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    return {"min": float(low), "median": float(middle), "max": float(high)}


def _shares(remainders: np.ndarray, modulus: int) -> list[float]:
    return (np.bincount(remainders, minlength=modulus) / len(remainders)).tolist()


def _drawn(drawn: Draw, n: int) -> str:
    return f"{n:,} sequences" if len(drawn.at) == n else f"{len(drawn.at):,} sequences drawn of {n:,}"


def _constant(check: str, title: str, called: str, most: Verdict = "leak") -> Finding:
    says = f"{called[0].upper()}{called[1:]} is the same in all sequences."
    return Finding(check, title, "fine", says, 0.5, "AUROC", p=1.0, threshold=_RULES[most])


def _few(check: str, title: str) -> Finding:
    return Finding(check, title, "skipped", "There are too few sequences in two classes.")
