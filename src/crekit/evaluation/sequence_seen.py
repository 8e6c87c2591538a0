"""DNA that a model of sequences is judged by and has been trained on: exact copies, on either strand."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from crekit.evaluation.entries import ALL, Entry
from crekit.evaluation.evaluation import Scored
from crekit.genome.fasta import complement_codes
from crekit.training import splits
from crekit.training.sequence_pool import Pool


def numbers(pool: Pool) -> np.ndarray:
    """A number of the DNA of each region, shape (n_regions,), int64: equal where one is the other or its complement."""
    known: dict[bytes, int] = {}
    found = np.zeros(len(pool.regions), dtype=np.int64)
    for i, codes in enumerate(pool.codes):
        key = min(codes.tobytes(), complement_codes(codes).tobytes())
        found[i] = known.setdefault(key, len(known))
    return found


def copies(
    pool: Pool, entries: Mapping[str, Entry], scored: Scored, rows: np.ndarray, elsewhere: Collection[str] = ()
) -> dict[str, int]:
    """Model -> sites whose DNA is that of a region in the training set of the model that judges them.

    Training regions are looked for among those of the pool.

    Parameters
    ----------
    pool : Pool
    entries : mapping of str to Entry
    scored : Scored
    rows : np.ndarray, shape (n_sites,), int64
        Positions of the sites in the pool.
    elsewhere : collection of str
        Models that were trained on other DNA, so that the pool holds none of their training regions.
    """
    number = numbers(pool)
    found = {}
    for name, entry in entries.items():
        if name in elsewhere:
            continue
        judge = scored.judge.get(name, np.zeros(len(rows), dtype=np.int64))
        same = np.zeros(len(rows), dtype=bool)
        for i, model in enumerate(entry.models):
            if (mine := (judge == i) | (judge == ALL)).any():
                trained = splits.members(model.settings.split, "train", pool.regions, pool.ids)
                same[mine] |= np.isin(number[rows[mine]], number[trained])
        found[name] = int(same.sum())
    return found


def add(findings: dict[str, Any], found: Mapping[str, int], n_sites: int) -> dict[str, Any]:
    """Findings of `crekit.evaluation.seen.audit` with ``same_dna`` of each model, and warnings."""
    for name, number in found.items():
        findings["models"][name]["same_dna"] = number
        if number:
            text = f"{number} of {n_sites} sites have the DNA of a training region; the figures flatter it"
            findings["warnings"].append(f"{name}: {text}")
    return findings
