"""All checks of a data set, one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from crekit import progress
from crekit.audit.composition import check_composition
from crekit.audit.duplicates import check_exact
from crekit.audit.finding import Finding
from crekit.audit.homology import check_homology
from crekit.audit.near_duplicates import check_near
from crekit.audit.places import check_blacklist, check_neighbours
from crekit.audit.sample import Sample
from crekit.audit.told_apart import check_gc, check_length, check_length_modulo, check_unknown
from crekit.genome.regions import Regions

BY_LENGTH = ("length", "length-modulo")


def run(sample: Sample, *, blacklist: Regions | None = None, seed: int = 1, window: int = 0) -> list[Finding]:
    """Run all checks.

    Parameters
    ----------
    sample : Sample
    blacklist : Regions, optional
    seed : int
        Of folds, shuffles and draws.
    window : int
        See `soften`.

    Returns
    -------
    findings : list of Finding
        In the order of docs/audit-dataset.md.
    """
    found: list[Finding] = []
    for check in progress.steps(_CHECKS, "checking"):
        made = check(sample, seed)
        found += made if isinstance(made, list) else [made]
    if blacklist is None:
        found.append(Finding("blacklist", "Overlap with the blacklist", "skipped", "No blacklist was given."))
    else:
        found.append(check_blacklist(sample, blacklist, seed))
    return soften(found, window)


_CHECKS: tuple[Callable[[Sample, int], Finding | list[Finding]], ...] = (
    check_exact,
    check_near,
    check_neighbours,
    check_homology,
    check_length,
    check_length_modulo,
    check_gc,
    check_unknown,
    check_composition,
)


def soften(findings: Sequence[Finding], window: int) -> list[Finding]:
    """Findings with the length of a sequence as no leak where a model cannot see it.

    Parameters
    ----------
    findings : sequence of Finding
    window : int
        Bases of the windows that a model reads, all known; 0 where it reads whole sequences, or short ones with N round
        them.
    """
    if not window:
        return list(findings)
    seen = f" Windows of {window} bases do not show it; whole sequences would."
    return [
        replace(one, verdict="look", says=one.says + seen)
        if one.check in BY_LENGTH and one.verdict in {"look", "leak"}
        else one
        for one in findings
    ]
