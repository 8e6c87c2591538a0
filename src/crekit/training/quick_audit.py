"""The quick part of an audit, as train-model and evaluate-model run it by themselves on sequences."""

import logging
from typing import Any

import numpy as np

from crekit.audit.finding import Finding, worst
from crekit.audit.quick import quick
from crekit.audit.read import hides_length, spans
from crekit.audit.sample import Sample
from crekit.training.sequence_pool import Pool

log = logging.getLogger("crekit")


def of_pool(pool: Pool, part: np.ndarray, seed: int) -> dict[str, Any]:
    """Look for what a model could score by without learning, and say what was found, once a pool.

    Parameters
    ----------
    pool : Pool
    part : np.ndarray, shape (n_regions,), int
        0 train, 1 validation, 2 test, -1 none of them.
    seed : int

    Returns
    -------
    audit : dict
        ``verdict``, and ``findings`` without their details.
    """
    placed = bool((pool.regions.chrom.astype(str) != "").all())
    dna = [codes for one in pool.files for codes in spans(one)]
    sample = Sample(pool.ids, dna, pool.regions.name, part.astype(np.int8), None, pool.regions if placed else None)
    findings = quick(sample[part >= 0], seed, window=hides_length(pool.files[0]))
    for one in findings:
        if one.verdict in {"look", "leak"} and one.says not in pool.said:
            pool.said.add(one.says)
            log.warning("audit, %s: %s %s", one.verdict, one.says, one.remedy)
    return {"verdict": worst(findings), "findings": [_brief(one) for one in findings]}


def _brief(one: Finding) -> dict[str, Any]:
    return {name: value for name, value in one.record().items() if name != "detail"}
