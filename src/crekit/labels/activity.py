"""Active or poised: two clusters of the transcription (GRO-seq, PRO-seq) in regions, enhancers and promoters apart.

DeepRegFinder (2024), five-class preparation: k-means with k = 2 on one number a region, log2(reads + 1). The cluster
with the higher centre is active. Of stranded data, both strands are clustered by themselves and must agree.
"""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crekit.errors import InputError
from crekit.genome.regions import Regions

log = logging.getLogger("crekit")

CLASSES = ("enhancer", "promoter")
ACTIVE, POISED, DISCORDANT = "active_", "poised_", "discordant"
_STARTS = 10


@dataclass(frozen=True)
class Clusters:
    """Two clusters of numbers.

    Parameters
    ----------
    active : np.ndarray, shape (n_values,), bool
        Which numbers are in the cluster with the higher centre.
    low, high : float
        The centres.
    bic_one, bic_two : float
        Bayesian information criterion of one normal component and of two; the lower explains the numbers better.
    """

    active: np.ndarray
    low: float
    high: float
    bic_one: float
    bic_two: float

    @property
    def cut(self) -> float:
        """Where the clusters meet: half-way between the centres."""
        return (self.low + self.high) / 2

    @property
    def distinct(self) -> bool:
        """Whether two components explain the numbers better than one."""
        return self.bic_two < self.bic_one


def cluster(values: np.ndarray, seed: int) -> Clusters:
    """Two clusters by k-means (scikit-learn, 10 starts).

    Parameters
    ----------
    values : np.ndarray, shape (n_values,), float
        At least two different numbers, in any order: the clusters do not depend on it.
    seed : int

    Raises
    ------
    InputError
        If there are fewer than two different numbers.
    """
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    order = np.argsort(values, kind="stable")
    column = values[order].astype(np.float64)[:, None]
    if len(values) < 2 or column[0] == column[-1]:
        raise InputError(f"two clusters need two different values, not {len(values)} equal ones")
    # One thread: several add up in an order that changes from run to run.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
        fitted = KMeans(n_clusters=2, n_init=_STARTS, random_state=seed).fit(column)
        one, two = (GaussianMixture(n, n_init=n, max_iter=500, random_state=seed).fit(column) for n in (1, 2))
        bic_one, bic_two = float(one.bic(column)), float(two.bic(column))
    low, high = sorted(fitted.cluster_centers_[:, 0].tolist())
    active = np.empty(len(values), dtype=bool)
    active[order] = fitted.labels_ == int(fitted.cluster_centers_[:, 0].argmax())
    return Clusters(active, low, high, bic_one, bic_two)


@dataclass(frozen=True)
class Activity:
    """The labels of regions, and what they come from.

    Parameters
    ----------
    regions : Regions
        As given, with their classes.
    labels : np.ndarray, shape (n_regions,), object
        ``active_enhancer``, ``poised_promoter``, ...; ``discordant``; the class itself where it is no enhancer or
        promoter.
    counts, values : dict of str to np.ndarray, shape (n_regions,), float64
        Of each strand, or of both together under ``reads``: the signal, and what was clustered. NaN where the region
        is no enhancer or promoter.
    clusters : dict of (str, str) to Clusters
        Of each class and strand.
    """

    regions: Regions
    labels: np.ndarray
    counts: dict[str, np.ndarray]
    values: dict[str, np.ndarray]
    clusters: dict[tuple[str, str], Clusters]

    @property
    def labelled(self) -> Regions:
        """The regions under their labels, without the discordant ones."""
        regions = self.regions
        return Regions(regions.chrom, regions.start, regions.end, self.labels)[self.labels != DISCORDANT]


def candidates(regions: Regions) -> np.ndarray:
    """Which regions get a label: enhancers and promoters, shape (n_regions,), bool.

    Raises
    ------
    InputError
        If a region has a label already, or there is no enhancer or promoter.
    """
    names = regions.name.astype(str)
    done = [name for name in sorted(set(names)) if name.startswith((ACTIVE, POISED))]
    if done:
        raise InputError(f"the regions hold {done[0]}: they are labelled already; give regions of define-regions")
    wanted = np.isin(names, CLASSES)
    if not wanted.any():
        found = ", ".join(sorted(set(names))[:5])
        raise InputError(f"the regions hold no enhancer or promoter, only {found}; name them as in enhancer=BED")
    return wanted


def label(regions: Regions, counts: Mapping[str, np.ndarray], *, log_scale: bool = True, seed: int = 1) -> Activity:
    """Label enhancers and promoters by the signal in them.

    Parameters
    ----------
    regions : Regions
    counts : mapping of str to np.ndarray, shape (n_regions,)
        Signal of each strand (``plus``, ``minus``), or of both together (``reads``); what stands at regions of other
        classes is not looked at.
    log_scale : bool
        Whether log2(count + 1) is clustered, or the count itself.
    seed : int

    Raises
    ------
    InputError
        If regions are labelled already, or a class has fewer than two regions or the same signal in all of them.
    """
    wanted = candidates(regions)
    counts = {strand: np.where(wanted, count, np.nan) for strand, count in counts.items()}
    values = {strand: np.log2(count + 1) if log_scale else count for strand, count in counts.items()}
    labels = regions.name.copy()
    clusters: dict[tuple[str, str], Clusters] = {}
    for name in CLASSES:
        members = np.flatnonzero(regions.name == name)
        if not len(members):
            continue
        for strand, value in values.items():
            clusters[name, strand] = _cluster_class(name, strand, value[members], seed)
        calls = np.stack([clusters[name, strand].active for strand in values])
        labels[members] = DISCORDANT
        labels[members[calls.all(axis=0)]] = ACTIVE + name
        labels[members[~calls.any(axis=0)]] = POISED + name
        _report(name, labels[members], stranded=len(values) > 1)
    return Activity(regions, labels, counts, values, clusters)


def _cluster_class(name: str, strand: str, values: np.ndarray, seed: int) -> Clusters:
    which = "" if strand == "reads" else f" on the {strand} strand"
    if len(values) < 2:
        raise InputError(f"one {name} only, where two clusters need two or more; give more regions or chromosomes")
    if values.min() == values.max():
        raise InputError(
            f"all {len(values)} {name}s have the same signal{which} ({values[0]:g}); "
            "check that signal and regions are of the same genome and chromosomes"
        )
    found = cluster(values, seed)
    log.info("%s%s: centres %.3f and %.3f, cut at %.3f", name, which, found.low, found.high, found.cut)
    if not found.distinct:
        log.warning(
            "warning: %s%s: one normal component explains the signal as well as two (BIC %.1f against %.1f); "
            "active and poised may not be two kinds here",
            name,
            which,
            found.bic_one,
            found.bic_two,
        )
    return found


def _report(name: str, labels: np.ndarray, stranded: bool) -> None:
    active, poised = (int((labels == prefix + name).sum()) for prefix in (ACTIVE, POISED))
    discordant = int((labels == DISCORDANT).sum())
    dropped = f", {discordant} discordant and dropped" if stranded else ""
    log.info("%s: %d active, %d poised%s", name, active, poised, dropped)
