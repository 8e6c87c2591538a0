"""One evaluation of sequence models from files to results: what evaluate-model does with ``-s``."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crekit.audit.sample import NONE, TRAIN
from crekit.encoding.store import FASTA
from crekit.errors import InputError
from crekit.evaluation import (
    evaluation_run,
    outside,
    say,
    seen,
    sequence_evaluation,
    sequence_prevalence,
    sequence_seen,
)
from crekit.evaluation.entries import Entry
from crekit.evaluation.evaluation_run import Evaluation, Plan
from crekit.evaluation.prevalence import OfClass
from crekit.genome.fasta import Genome
from crekit.provenance import Input
from crekit.training import quick_audit, sequence_pool
from crekit.training.metrics import for_json

log = logging.getLogger("crekit")
Named = tuple[str | None, Path]


def run(files: Sequence[Named], entries: Mapping[str, Entry], plan: Plan, tracks: Sequence[Named] = ()) -> Evaluation:
    """Evaluate models of sequences on sequence files, and on `tracks` where a model reads some too.

    Raises
    ------
    InputError
        If sequences, genome or annotations do not fit the models, or nothing is left to score.
    """
    device = evaluation_run.begin(entries, plan)
    classes = sequence_evaluation.classes_of_sequences(entries)
    annotations = evaluation_run.read_annotations(plan)
    pool = sequence_evaluation.prepare(sequence_pool.load(files, {}), entries, plan.relabel or {})
    pool = sequence_evaluation.with_tracks(pool, entries, tracks)
    if tracks and plan.genome is not None:
        raise InputError("--genome: not for models that read tracks too; leave it out")
    kinds, elsewhere = sequence_evaluation.require_fitting(pool, entries, classes, plan.subset, plan.averaged)
    if annotations and pool.source == FASTA:
        raise InputError("--annotation: records of a FASTA have no place that a span could overlap; leave it out")
    settings: dict[str, Any] = {"device": device, "ensemble": plan.ensemble}
    scored, rows = sequence_evaluation.score(pool, entries, plan.subset, **settings)
    published = (
        sequence_evaluation.as_published(pool, entries, scored, plan.subset, **settings)
        if plan.published_windows
        else {}
    )
    genome: dict[str, dict[str, OfClass]] = {}
    given = list(pool.inputs)
    if plan.genome is not None:
        with Genome(plan.genome) as opened:
            genome = sequence_prevalence.along_genome(pool, entries, scored, opened, plan.subset, **settings)
            given.append(Input("genome", "", opened.sha256()))
    elif pool.source != FASTA:
        log.info("no precision at the genome's prevalence; give --genome for it")
    inputs = {"sequences": [one.sha256 for one in pool.inputs if one.role == "sequences"]}

    def audit() -> dict[str, Any]:
        findings = seen.audit(scored, entries, inputs, kinds, known=pool.regions, elsewhere=elsewhere)
        return sequence_seen.add(
            findings, sequence_seen.copies(pool, entries, scored, rows, elsewhere), len(scored.regions)
        )

    found = evaluation_run.judge(scored, entries, plan, audit)
    say.published(published)
    given += [Input("annotation", name, checksum) for name, _, checksum in annotations]
    judged = np.full(len(pool.regions), NONE)
    judged[rows] = TRAIN  # one part: what crosses a split is the other audit's
    options = {"relabel": dict(plan.relabel or {}), "published-windows": plan.published_windows}
    results = {
        **found,
        "prevalence": {m: {c: one.record() for c, one in of_model.items()} for m, of_model in genome.items()},
        "annotations": {name: outside.annotation_points(scored, regions) for name, regions, _ in annotations},
        "validated": {},
        "published_windows": published,
        "data_audit": quick_audit.of_pool(pool, judged, plan.seed),
        "record": evaluation_run.record_of(plan, entries, options, given),
    }
    return Evaluation(for_json(results), scored, genome)
