"""What an audit found, as JSON, as a table, and as lines of the log."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crekit.audit.finding import Finding, worst
from crekit.audit.read import Loaded
from crekit.audit.sample import Sample
from crekit.files import output_text
from crekit.genome.fasta import N

log = logging.getLogger("crekit")

PARTS = {0: "train", 1: "val", 2: "test", -1: "none"}
"""What the parts of a split are called in files."""

_COLUMNS = ("check", "verdict", "value", "what", "low", "high", "p", "says", "remedy")


def results(
    findings: Sequence[Finding], loaded: Loaded, split: Mapping[str, Any], record: Mapping[str, Any]
) -> dict[str, Any]:
    """The JSON object of an audit.

    Parameters
    ----------
    findings : sequence of Finding
    loaded : Loaded
    split : mapping
        What the split is, with its ``kind``.
    record : mapping
        See `crekit.provenance.record`.
    """
    return {
        "verdict": worst(findings),
        "counts": counts(loaded.sample) | {"windows": loaded.hides_length},
        "split": dict(split),
        "findings": [one.record() for one in findings],
        "record": dict(record),
    }


def gc_share(codes: Sequence[np.ndarray]) -> np.ndarray:
    """Share of G and C among the known bases of each sequence, shape (n,), float64; NaN where none is known."""
    found = np.array([np.bincount(one, minlength=N + 1) for one in codes]).reshape(-1, N + 1)
    known = found[:, :N].sum(axis=1)
    return np.where(known > 0, found[:, 1:3].sum(axis=1) / np.maximum(known, 1), np.nan)


def counts(sample: Sample) -> dict[str, Any]:
    """How much of each class there is, and in which part.

    Returns
    -------
    counts : dict
        ``parts``: names of the parts that hold something; ``classes``: name -> ``sequences``, ``bases``, ``length``
        (shortest, median, longest), ``gc`` (mean; None where no base is known), ``parts`` (name -> sequences).
    """
    lengths, gc = sample.lengths, gc_share(sample.codes)
    parts = {part: name for part, name in PARTS.items() if (sample.part == part).any()}
    classes = {}
    for name in sample.class_names:
        mine = sample.classes == name
        known = gc[mine & ~np.isnan(gc)]
        classes[name] = {
            "sequences": int(mine.sum()),
            "bases": int(lengths[mine].sum()),
            "length": [int(lengths[mine].min()), float(np.median(lengths[mine])), int(lengths[mine].max())],
            "gc": float(known.mean()) if len(known) else None,
            "parts": {called: int((mine & (sample.part == part)).sum()) for part, called in parts.items()},
        }
    return {"parts": list(parts.values()), "classes": classes}


def write_tsv(path: str, findings: Sequence[Finding]) -> None:
    """Write a line a check; what has no value is empty."""
    with output_text(path) as handle:
        handle.write("\t".join(_COLUMNS) + "\n")
        for one in findings:
            low, high = one.interval or (None, None)
            cells = (one.check, one.verdict, one.value, one.what, low, high, one.p, one.says, one.remedy)
            handle.write("\t".join(_cell(value) for value in cells) + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())


def say(findings: Sequence[Finding]) -> None:
    """Log a line a check, and after what is not fine, what to do."""
    for one in findings:
        log.info("%-7s  %s: %s", one.verdict, one.title, one.says)
        if one.remedy and one.verdict in {"look", "leak"}:
            log.info("%-7s  %s", "", one.remedy)
    number = Counter[str](one.verdict for one in findings)
    log.info(
        "verdict: %s (%s)", worst(findings), ", ".join(f"{number[name]} {name}" for name in _ORDER if number[name])
    )


_ORDER = ("leak", "look", "fine", "skipped")
