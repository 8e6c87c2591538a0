"""A run of sample-background: files in, background and figures out."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crekit import provenance
from crekit.errors import InputError
from crekit.files import called, output_text, require_writable, write_json
from crekit.genome import exclusion
from crekit.genome.background import Background, sample
from crekit.genome.background_rules import GC, LENGTH, REPEATS, Rules
from crekit.genome.chromosomes import select
from crekit.genome.fasta import Genome
from crekit.genome.regions import Regions, concatenate, read_beds, write_bed
from crekit.provenance import Input

log = logging.getLogger("crekit")

_FAR = 0.02  # a difference of GC share that a warning tells of


@dataclass(frozen=True)
class Files:
    """What a run reads and writes.

    Parameters
    ----------
    positives : sequence of (str or None, path)
        Class and BED, each.
    genome : path
    output : str or path
    exclude : sequence of path
        BED or GTF.
    summary : path, optional
        JSON with the figures and how they were made.
    """

    positives: Sequence[tuple[str | None, Path]]
    genome: Path
    output: str | Path
    exclude: Sequence[Path] = ()
    summary: Path | None = None

    def check(self) -> None:
        """Raise `InputError` for outputs that cannot be written, or standard input that is to be read twice."""
        for path in (self.output, self.summary):
            if path is not None:
                require_writable(path, text=True)
        read = [path for _, path in self.positives] + [*self.exclude]
        if sum(str(path) == "-" for path in read) > 1:
            raise InputError("standard input (-) is given for more than one file; give paths for the others")


def run(files: Files, rules: Rules, *, name: str, chroms: str | None = None, seed: int = 1) -> Background:
    """Draw background, write it, and report how like the positives it is.

    Parameters
    ----------
    files : Files
    rules : Rules
    name : str
        The class of background.
    chroms : str, optional
        The chromosomes to look at, as `crekit.genome.chromosomes.select` reads them.
    seed : int

    Raises
    ------
    InputError
    """
    files.check()
    source = ", ".join(called(path) for _, path in files.positives)
    with Genome(files.genome) as genome:
        chosen = None if chroms is None else select(chroms, genome.sizes)
        positives, inputs = _positives(files.positives, genome, chosen)
        excluded, more = _excluded(files, genome, chosen)
        drawn = sample(positives, genome, rules, name=name, excluded=excluded, source=source, chroms=chosen, seed=seed)
        found = figures(drawn)
        _report(drawn, found, rules)
        inputs += [Input("genome", "", genome.sha256()), *more]
    with output_text(files.output) as handle:
        write_bed(handle, drawn.regions)
    if files.summary is not None:
        options = {**asdict(rules), "name": name, "chroms": chosen, "seed": seed}
        write_json(files.summary, {**found, "provenance": provenance.record("sample-background", options, inputs)})
    return drawn


def _positives(
    files: Sequence[tuple[str | None, Path]], genome: Genome, chosen: list[str] | None
) -> tuple[Regions, list[Input]]:
    """The regions on the chosen chromosomes, sorted, and what the record says of their files."""
    regions, checksums = read_beds(
        files, sizes=genome.sizes, sizes_source=str(genome.path), strangers=chosen is not None, named=False
    )
    if chosen is not None:
        regions = regions.on(chosen)
        if not len(regions):
            raise InputError(f"{files[0][1]}: holds no record on the chosen chromosomes; choose others")
    names = [(one or "", checksum) for (one, _), checksum in zip(files, checksums, strict=True)]
    return regions, [Input("regions", one, checksum) for one, checksum in sorted(names)]


def _excluded(files: Files, genome: Genome, chosen: list[str] | None) -> tuple[Regions, list[Input]]:
    """All spans to keep clear of, and what the record says of their files."""
    spans: list[Regions] = []
    inputs = []
    for path in files.exclude:
        found, checksum = exclusion.read(path, genome.sizes, str(genome.path), chosen)
        log.info("%s: %d spans to keep clear of", path, len(found))
        spans.append(found)
        inputs.append(Input("exclude", "", checksum))
    return concatenate(spans), sorted(inputs, key=lambda one: one.sha256)


def ks_distance(one: np.ndarray, other: np.ndarray) -> float | None:
    """Largest distance between two cumulative distributions (Kolmogorov-Smirnov), 0 to 1; None without values."""
    from scipy.stats import ks_2samp

    if not len(one) or not len(other):
        return None
    with np.errstate(divide="ignore"):  # in the p-value of very few, which is not wanted
        return round(float(ks_2samp(one, other, method="asymp").statistic), 6)


def figures(drawn: Background) -> dict[str, Any]:
    """What a run found, as it goes into a JSON file.

    `ks_distance` is that of the positives to an unmatched draw (before) and to the background (after); `gc_difference`
    is between the partners, in shares of a region.
    """
    distances = {}
    for what in (LENGTH, GC, REPEATS):
        like, before, after = (getattr(one, what) for one in (drawn.positives, drawn.unmatched, drawn.matched))
        if like is not None and before is not None and after is not None:
            distances[what] = {"before": ks_distance(like, before), "after": ks_distance(like, after)}
    gap = np.abs(drawn.matched.gc - drawn.positives.gc[drawn.partners])
    difference = {"mean": float(gap.mean()), "largest": float(gap.max()), f"above_{_FAR}": int((gap > _FAR).sum())}
    return {
        "positives": len(drawn.positives.length),
        "background": len(drawn.regions),
        "per_chromosome": drawn.found,
        "bases": drawn.bases,
        "ks_distance": distances,
        "gc_difference": {what: round(value, 6) for what, value in difference.items()},
    }


def _report(drawn: Background, found: dict[str, Any], rules: Rules) -> None:
    log.info("%d regions for %d positives", found["background"], found["positives"])
    log.info("KS distance to the positives: before (drawn without a match), after")
    for what, distance in found["ks_distance"].items():
        before, after = ("-" if value is None else f"{value:.4f}" for value in distance.values())
        log.info("  %-8s%8s%8s", what, before, after)
    far = found["gc_difference"][f"above_{_FAR}"]
    if GC in rules.match and far:
        log.warning(
            "warning: %d regions differ from their partners by more than %g in GC (the largest difference is %.3f): "
            "no nearer place is left",
            far,
            _FAR,
            found["gc_difference"]["largest"],
        )
