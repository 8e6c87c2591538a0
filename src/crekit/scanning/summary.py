"""The counts of a scan, chromosome by chromosome, their sums, and the summary file."""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from crekit.errors import InputError
from crekit.files import read_text
from crekit.genome.fasta import genome_sha256

log = logging.getLogger("crekit")

FORMAT, VERSION = "crekit scan", 1
BLOCKS, BASES, NEAR_TSS = "blocks", "bases", "removed_near_tss"
SHA256, GENOME = "sha256", "genome"
"""Checksum of a chromosome's bases, in scans of DNA; the role of the genome in their record."""
VALIDATED, SHUFFLED, SHUFFLED_VALIDATED = "validated", "shuffled", "shuffled_validated"

Counts = dict[str, int]
"""Of one class: blocks, bases, and where they were asked for, blocks removed near a TSS and blocks near a marker."""


def build(
    classes: Sequence[str],
    chromosomes: Mapping[str, dict[str, Any]],
    *,
    step: int,
    width: int,
    genome: str | None,
    record: dict[str, Any],
) -> dict[str, Any]:
    """The summary.

    Parameters
    ----------
    classes : sequence of str
        All but background, in the model's order.
    chromosomes : mapping of str to dict
        ``size``, ``windows``, ``classes`` (class -> `Counts`), in scans of DNA ``sha256``; in natural order.
    step, width : int
        Bases between the starts of two windows, and of a window.
    genome : str, optional
    record : dict
        See `crekit.provenance.record`.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "genome": genome,
        "step": step,
        "width": width,
        "windows": sum(one["windows"] for one in chromosomes.values()),
        "classes": {name: total([one["classes"][name] for one in chromosomes.values()]) for name in classes},
        "chromosomes": dict(chromosomes),
        "record": record,
    }


def total(parts: Sequence[Counts]) -> dict[str, int | float | None]:
    """Sums of the counts of a class, and its validation rates (None where there is no block)."""
    sums: Counter[str] = Counter()
    for part in parts:
        sums.update(part)
    result: dict[str, int | float | None] = {key: sums[key] for key in parts[0]}
    if VALIDATED in result:
        result["validation_rate"] = _share(sums[VALIDATED], sums[BLOCKS])
        result["shuffled_rate"] = _share(sums[SHUFFLED_VALIDATED], sums[SHUFFLED])
    return result


def joined_record(record: dict[str, Any], chromosomes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The record of a part, made that of a scan of all these chromosomes."""
    inputs = [
        one | {"sha256": genome_sha256({chrom: figures[SHA256] for chrom, figures in chromosomes.items()})}
        if one["role"] == GENOME
        else one
        for one in record["inputs"]
    ]
    return record | {"inputs": inputs}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def read(path: str) -> dict[str, Any]:
    """A summary file.

    Raises
    ------
    InputError
        If it is missing, damaged, or no summary of a scan.
    """
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not JSON, or damaged; scan again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: not the summary of a scan; give the prefix of scan-genome's outputs")
    if any(key not in content for key in ("version", "genome", "step", "width", "classes", "chromosomes", "record")):
        raise InputError(f"{path}: the summary of a scan is damaged; scan again")
    if content["version"] > VERSION:
        raise InputError(f"{path}: written by a newer crekit (format {content['version']}); update crekit")
    return content


def _megabases(bases: int) -> str:
    return f"{bases / 1e6:.2f}" if bases >= 10_000 or not bases else f"{bases / 1e6:.2g}"


def tell(content: dict[str, Any]) -> None:
    """Say what a scan found, a line for each class."""
    log.info("%d windows on %d chromosome(s)", content["windows"], len(content["chromosomes"]))
    for name, figures in content["classes"].items():
        text = f"{name}: {figures[BLOCKS]} blocks of {_megabases(figures[BASES])} Mb"
        if NEAR_TSS in figures:
            text += f", {figures[NEAR_TSS]} more removed near a known TSS"
        if figures.get("validation_rate") is not None:
            text += f"; {figures['validation_rate']:.3f} have a marker near, {figures['shuffled_rate']:.3f} by chance"
        log.info("%s", text)
