"""One explanation from files to figures: what explain-model does for models of sequences.

Of each class, the regions that the model is surest of, each by the window that speaks for it, and what every base of
that window contributes to the class.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crekit.encoding.onehot import BASES
from crekit.encoding.store import Sequences
from crekit.explanation import attribution
from crekit.explanation.attribution import Attributions
from crekit.explanation.surest import Surest, surest
from crekit.files import output_text
from crekit.genome.fasta import N
from crekit.models.device import device_of
from crekit.models.file import SequenceModel
from crekit.provenance import Input, record

log = logging.getLogger("crekit")

COLUMNS = ("class", "rank", "region", "chrom", "position", "base", "contribution", *BASES)


@dataclass(frozen=True)
class Plan:
    """What to explain, apart from the model and the sequences.

    Parameters
    ----------
    classes : sequence of str
        Classes to explain; empty for all but background.
    per_class : int
        Regions of each class, at most.
    subset : str
        ``test``, ``all`` or chromosomes.
    method : str
        See `crekit.explanation.attribution.attribute`.
    shuffles : int
        References of each window, for DeepLIFT.
    device : str
    threads, seed : int
        The result does not depend on the threads.
    """

    classes: Sequence[str] = ()
    per_class: int = 100
    subset: str = "test"
    method: str = attribution.AUTO
    shuffles: int = 20
    device: str = "cpu"
    threads: int = 2
    seed: int = 1


@dataclass(frozen=True)
class Explained:
    """One class: its surest regions, and what their bases contribute to it."""

    surest: Surest
    attributions: Attributions


@dataclass(frozen=True)
class Explanation:
    """What came out.

    Parameters
    ----------
    classes : list of Explained
        In the order of the plan, or of the model.
    arch : str
    method : str
        ``deep-lift`` or ``mutagenesis``.
    error : float or None
        Largest error of additivity: see `Attributions`.
    record : dict
        See `crekit.provenance.record`.
    """

    classes: list[Explained]
    arch: str
    method: str
    error: float | None
    record: dict[str, Any]


def run(model: SequenceModel, sequences: Sequences, plan: Plan) -> Explanation:
    """Explain the regions that a model is surest of.

    Raises
    ------
    InputError
        If the sequences do not fit the model, a class is not known, or no region is left.
    WorkError
        If contributions do not sum to what they explain.
    """
    device = device_of(plan.device).type
    method = attribution.method_for(model, plan.method)
    log.info("device: %s, %d compute threads; method: %s", device, plan.threads, method)
    chosen = surest(model, sequences, plan.classes, plan.per_class, plan.subset, device=device, threads=plan.threads)
    found = []
    for one in chosen:
        log.info("%s: %d of %d regions", one.name, len(one.region), one.available)
        given = attribution.attribute(
            model,
            one.codes,
            model.settings.classes.index(one.name),
            method=method,
            shuffles=plan.shuffles,
            seed=plan.seed,
            device=device,
            threads=plan.threads,
        )
        found.append(Explained(one, given))
    errors = [one.attributions.error for one in found if one.attributions.error is not None]
    if errors:
        log.info("contributions miss the differences that they explain by at most %.1g logits", max(errors))
    options = {"class": list(plan.classes), "per-class": plan.per_class, "subset": plan.subset, "method": method}
    if method == attribution.DEEP_LIFT:
        options |= {"shuffles": plan.shuffles, "seed": plan.seed}
    inputs = [Input("model", "", model.sha256), Input("sequences", "", sequences.sha256())]
    error = max(errors) if errors else None
    return Explanation(found, model.settings.arch, method, error, record("explain-model", options, inputs))


def write_table(path: str | Path, explanation: Explanation) -> None:
    """Write what each base contributes, one a line, with the columns `COLUMNS`; bases that are not known are left out.

    Positions are 0-based, on the chromosome, or for records of a FASTA (chrom ``.``) within the record. The last four
    columns are what each of the four bases contributes there, or would.
    """
    with output_text(path) as handle:
        handle.write("\t".join(COLUMNS) + "\n")
        for one in explanation.classes:
            for line in _lines(one):
                handle.write(line)


def _lines(one: Explained) -> Iterator[str]:
    chosen, hypothetical = one.surest, one.attributions.hypothetical
    contributions = one.attributions.contributions
    for i, codes in enumerate(chosen.codes):
        head = f"{chosen.name}\t{i + 1}\t{chosen.ids[i]}\t{chosen.chrom[i] or '.'}"
        for place in np.flatnonzero(codes < N):
            numbers = "\t".join(f"{x:.6g}" for x in (contributions[i, place], *hypothetical[i, :, place]))
            yield f"{head}\t{chosen.start[i] + place}\t{BASES[codes[place]]}\t{numbers}\n"
