"""Motifs in the order of what they contribute, for one model and between models, and the tables of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crekit.errors import InputError
from crekit.files import output_text

COLUMNS = ("class", "rank", "feature", "mean_abs_shap", "mean_shap", "correlation", "sign", "mean_frequency")
ALL, NONE = "all", ""


@dataclass(frozen=True)
class Ranking:
    """What each motif contributes to a class, over a sample of regions.

    Parameters
    ----------
    motifs : list of str
        In the order of the model's inputs, as all arrays.
    mean_abs, mean : np.ndarray, shape (n_motifs,), float64
        Means of the SHAP values' sizes, and of the values.
    correlation : np.ndarray, shape (n_motifs,), float64
        Pearson's, of frequency and SHAP value; NaN where one of both never varies.
    mean_frequency : np.ndarray, shape (n_motifs,), float64
    rank : np.ndarray, shape (n_motifs,), int64
        From 1, the largest mean size first; ties in the order of the inputs.
    parts : dict of str to (float, float)
        Mean size and mean of the sums over what is no motif, by the encoding's name.
    """

    motifs: list[str]
    mean_abs: np.ndarray
    mean: np.ndarray
    correlation: np.ndarray
    mean_frequency: np.ndarray
    rank: np.ndarray
    parts: dict[str, tuple[float, float]]

    @property
    def order(self) -> np.ndarray:
        """Positions of the motifs, the first rank first, shape (n_motifs,), int64."""
        return np.argsort(self.rank)


def rank(
    motifs: Sequence[str], values: np.ndarray, frequency: np.ndarray, parts: Mapping[str, np.ndarray] | None = None
) -> Ranking:
    """Rank motifs by the mean size of their SHAP values.

    Parameters
    ----------
    motifs : sequence of str
    values : np.ndarray, shape (n, n_motifs), float64
    frequency : np.ndarray, shape (n, n_motifs)
    parts : mapping of str to np.ndarray, shape (n,), optional
    """
    mean_abs = np.abs(values).mean(axis=0)
    places = np.empty(len(motifs), dtype=np.int64)
    places[np.argsort(-mean_abs, kind="stable")] = np.arange(1, len(motifs) + 1)
    return Ranking(
        list(motifs),
        mean_abs,
        values.mean(axis=0),
        _correlation(frequency.astype(np.float64), values),
        frequency.mean(axis=0, dtype=np.float64),
        places,
        {name: (float(np.abs(one).mean()), float(one.mean())) for name, one in (parts or {}).items()},
    )


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson's correlation column by column; NaN where one never varies."""
    varies = (np.ptp(x, axis=0) > 0) & (np.ptp(y, axis=0) > 0)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    sizes = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    return np.divide((x * y).sum(axis=0), sizes, out=np.full(x.shape[1], np.nan), where=varies & (sizes > 0))


def sign(correlation: float) -> str:
    """Which way a motif speaks: ``+`` where more of it speaks for the class."""
    return "" if np.isnan(correlation) or correlation == 0 else "+" if correlation > 0 else "-"


@dataclass(frozen=True)
class Comparison:
    """The motifs of several models, for one class.

    Parameters
    ----------
    models : list of str
    motifs : list of str
        In the order of their mean rank.
    rank : np.ndarray, shape (n_motifs, n_models), int64
    mean_abs, correlation : np.ndarray, shape (n_motifs, n_models), float64
    top : int
    """

    models: list[str]
    motifs: list[str]
    rank: np.ndarray
    mean_abs: np.ndarray
    correlation: np.ndarray
    top: int

    @property
    def n_top(self) -> np.ndarray:
        """In how many models each motif is among the first `top`, shape (n_motifs,), int64."""
        return (self.rank <= self.top).sum(axis=1)

    @property
    def where(self) -> list[str]:
        """``all`` for a motif among the first `top` of every model, the model's name if of one only, else nothing."""
        return [
            ALL if n == len(self.models) else self.models[int(np.argmin(ranks))] if n == 1 else NONE
            for n, ranks in zip(self.n_top, self.rank, strict=True)
        ]

    @property
    def by_chance(self) -> float:
        """How many motifs would be shared by all if every model ranked at random."""
        n = len(self.motifs)
        return n * (min(self.top, n) / n) ** len(self.models)


def compare(rankings: Mapping[str, Ranking], top: int = 50) -> Comparison:
    """Motifs of several models side by side: the paper's conservation and specificity (Zhang 2024, Figure 6).

    Parameters
    ----------
    rankings : mapping of str to Ranking
        Model -> ranking; all of the same motifs, in any order.
    top : int
        A motif belongs to a model if it is among the first so many.

    Raises
    ------
    InputError
        If the motifs differ.
    """
    first, *others = rankings.values()
    for name, one in rankings.items():
        if set(one.motifs) != set(first.motifs):
            raise InputError(f"{name}: other motifs than {next(iter(rankings))}; compare models of the same motifs")
    places = [np.array([one.motifs.index(motif) for motif in first.motifs]) for one in (first, *others)]
    pairs = list(zip(rankings.values(), places, strict=True))
    ranks, mean_abs, correlation = (
        np.stack([getattr(one, what)[place] for one, place in pairs], axis=1)
        for what in ("rank", "mean_abs", "correlation")
    )
    order = np.argsort(ranks.mean(axis=1), kind="stable")
    motifs = [first.motifs[i] for i in order]
    return Comparison(list(rankings), motifs, ranks[order], mean_abs[order], correlation[order], top)


def write_ranking(path: str | Path, rankings: Mapping[str, Ranking]) -> None:
    """Write what the motifs contribute to each class, the first rank first, with the columns `COLUMNS`.

    After the motifs of a class stand, without a rank, the sums over its other inputs: ``(kmer)``, ``(one-hot)``.
    """
    with output_text(path) as handle:
        handle.write("\t".join(COLUMNS) + "\n")
        for name, one in rankings.items():
            for i in one.order:
                numbers = (one.mean_abs[i], one.mean[i], one.correlation[i])
                cells = [name, str(one.rank[i]), one.motifs[i], *map(_number, numbers), sign(one.correlation[i])]
                handle.write("\t".join([*cells, _number(one.mean_frequency[i])]) + "\n")
            for part, (mean_abs, mean) in one.parts.items():
                handle.write("\t".join([name, "", f"({part})", _number(mean_abs), _number(mean), "", "", ""]) + "\n")


def write_comparison(path: str | Path, comparisons: Mapping[str, Comparison]) -> None:
    """Write the motifs of several models, one a line: class, motif, in how many models it is among the first, where
    (``all``, the only model, or nothing), and of each model rank, mean size and correlation.
    """
    models = next(iter(comparisons.values())).models
    with output_text(path) as handle:
        of_each = [f"{model}.{what}" for model in models for what in ("rank", "mean_abs_shap", "correlation")]
        handle.write("\t".join(["class", "motif", "n_top", "where", *of_each]) + "\n")
        for name, one in comparisons.items():
            for i, motif in enumerate(one.motifs):
                cells = [name, motif, str(one.n_top[i]), one.where[i]]
                for k in range(len(models)):
                    cells += [str(one.rank[i, k]), _number(one.mean_abs[i, k]), _number(one.correlation[i, k])]
                handle.write("\t".join(cells) + "\n")


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6g}"
