"""The checks that take seconds: what train-model and evaluate-model run by themselves."""

from crekit.audit.duplicates import check_exact
from crekit.audit.finding import Finding
from crekit.audit.run import soften
from crekit.audit.sample import Sample
from crekit.audit.told_apart import check_gc, check_length, check_length_modulo


def quick(sample: Sample, seed: int = 1, window: int = 0) -> list[Finding]:
    """Exact duplicates, length, length modulo 2 to 12, and GC.

    Parameters
    ----------
    sample : Sample
    seed : int
    window : int
        Bases of the windows that a model reads, where these do not show how long a sequence is: see
        `crekit.audit.run.soften`.

    Returns
    -------
    findings : list of Finding
    """
    checks = (check_length, check_length_modulo, check_gc)
    return soften([*check_exact(sample, seed), *(check(sample, seed) for check in checks)], window)
