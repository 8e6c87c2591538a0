"""Putting scans of single chromosomes together: the same bytes as one scan of all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crekit import progress
from crekit.errors import InputError
from crekit.files import read_text
from crekit.genome.chromosomes import natural_key
from crekit.scanning import outputs, summary
from crekit.signal.bigwig import opened

_PIECE = 5_000_000
"""Bases of a bigWig that are read at a time."""


@dataclass(frozen=True)
class Part:
    """A scan that was written before.

    Parameters
    ----------
    names : outputs.Names
    summary : dict
    blocks : dict of str to list of str
        Chromosome -> its lines of the BED file.
    """

    names: outputs.Names
    summary: dict[str, Any]
    blocks: dict[str, list[str]]

    @property
    def layout(self) -> outputs.Layout:
        return outputs.Layout(self.summary["step"], self.summary["width"])


def join_scans(prefixes: Sequence[str], prefix: str) -> dict[str, Any]:
    """Put scans together.

    Parameters
    ----------
    prefixes : sequence of str
        Of the scans, in any order.
    prefix : str
        Of the outputs.

    Returns
    -------
    summary : dict
        As it is written.

    Raises
    ------
    InputError
        If a file of a scan is missing or damaged, the scans were made in different ways, or share a chromosome.
    """
    parts = [read_part(one) for one in prefixes]
    first = parts[0]
    for part in parts[1:]:
        _require_same(first, part)
    owner = _owners(parts)
    names = outputs.Names(prefix, list(first.summary["classes"]))
    names.check()
    figures = {chrom: part.summary["chromosomes"][chrom] for chrom, part in owner.items()}
    sizes = {chrom: one["size"] for chrom, one in figures.items()}
    genome = next((part.summary["genome"] for part in parts if part.summary["genome"]), None)
    record = summary.joined_record(first.summary["record"], figures)
    with outputs.create(names, first.layout, sizes, genome) as sink:
        for chrom, part in progress.steps(owner.items(), "joining"):
            sink.add(chrom, "".join(part.blocks.get(chrom, [])), _probabilities(part, chrom))
        step, width = first.layout.step, first.layout.width
        sink.summary = summary.build(names.classes, figures, step=step, width=width, genome=genome, record=record)
    summary.tell(sink.summary)
    return sink.summary


def read_part(prefix: str) -> Part:
    """The summary and the blocks of a scan.

    Raises
    ------
    InputError
        If they are missing, damaged, or not of one scan.
    """
    content = summary.read(f"{prefix}.summary.json")
    names = outputs.Names(prefix, list(content["classes"]))
    blocks: dict[str, list[str]] = {}
    for line in read_text(names.bed).splitlines(keepends=True):
        blocks.setdefault(line.split("\t", 1)[0], []).append(line)
    for chrom, figures in content["chromosomes"].items():
        expected = sum(one[summary.BLOCKS] for one in figures["classes"].values())
        if len(blocks.get(chrom, [])) != expected:
            raise InputError(
                f"{names.bed}: {len(blocks.get(chrom, []))} blocks on {chrom}, but {expected} in {names.summary.name}; "
                "scan that part again"
            )
    return Part(names, content, blocks)


def _require_same(first: Part, other: Part) -> None:
    """Check that two scans were made in the same way from the same files."""
    mine, theirs = first.summary["record"], other.summary["record"]
    for option in sorted(set(mine["options"]) | set(theirs["options"])):
        if mine["options"].get(option) != theirs["options"].get(option):
            raise InputError(
                f"{other.names.summary}: scanned with {option} {theirs['options'].get(option)}, but "
                f"{first.names.summary} with {mine['options'].get(option)}; scan all parts alike"
            )
    for role in sorted({one["role"] for one in [*mine["inputs"], *theirs["inputs"]]}):
        # Each scan of DNA has read its own chromosomes of a genome; of tracks, all have read one file.
        if role != summary.GENOME and _checksum(mine, role) != _checksum(theirs, role):
            raise InputError(
                f"{other.names.summary}: scanned with another {role} file than {first.names.summary}; scan all alike"
            )
    builds = first.summary["genome"], other.summary["genome"]
    if None not in builds and builds[0] != builds[1]:
        raise InputError(
            f"{other.names.summary}: a scan of {builds[1]}, but {first.names.summary} of {builds[0]}; scan one genome"
        )
    if mine["version"] != theirs["version"]:
        raise InputError(
            f"{other.names.summary}: scanned by crekit {theirs['version']}, but {first.names.summary} by "
            f"{mine['version']}; scan all parts with one version"
        )


def _checksum(record: dict[str, Any], role: str) -> list[str]:
    return [one["sha256"] for one in record["inputs"] if one["role"] == role]


def _owners(parts: Sequence[Part]) -> dict[str, Part]:
    """Which part holds each chromosome, in natural order."""
    owner: dict[str, Part] = {}
    for part in parts:
        for chrom in part.summary["chromosomes"]:
            if chrom in owner:
                raise InputError(
                    f"{part.names.summary}: holds {chrom}, which {owner[chrom].names.summary} holds too; leave one out"
                )
            owner[chrom] = part
    return {chrom: owner[chrom] for chrom in sorted(owner, key=natural_key)}


def _probabilities(part: Part, chrom: str) -> dict[str, np.ndarray]:
    """Class -> probability of each window of a chromosome, from the bigWig files."""
    n_windows = part.summary["chromosomes"][chrom]["windows"]
    return {
        name: np.concatenate(list(_values(path, part.layout, chrom, n_windows)))
        for name, path in part.names.bigwigs.items()
    }


def _values(path: Path, layout: outputs.Layout, chrom: str, n_windows: int) -> Iterator[np.ndarray]:
    """The values of a chromosome, piece by piece: each stands at the first base that it is drawn over."""
    yield np.zeros(0, dtype=np.float32)
    at_once = max(_PIECE // layout.step, 1)
    with opened(path) as handle:
        for first in range(0, n_windows, at_once):
            n = min(at_once, n_windows - first)
            start = layout.first + first * layout.step
            try:
                bases = handle.values(chrom, start, start + (n - 1) * layout.step + 1, numpy=True)
            except RuntimeError as error:
                raise InputError(f"{path}: does not hold {chrom} as its summary says; scan that part again") from error
            values = np.asarray(bases[:: layout.step], dtype=np.float32)
            if np.isnan(values).any():
                raise InputError(f"{path}: values are missing on {chrom}; scan that part again")
            yield values
