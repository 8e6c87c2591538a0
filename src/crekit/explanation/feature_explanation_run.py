"""One explanation of motif features from files to figures: what explain-model does for models with motif frequencies.

Of each model, what motifs contribute to its classes in a sample of regions, and in the regions that it is surest of.
Every region stands there by its best window.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crekit.encoding.store import Sequences
from crekit.errors import InputError
from crekit.explanation import feature_explanation, feature_explanation_ranking
from crekit.explanation.feature_explanation import Encoded, Shap
from crekit.explanation.feature_explanation_ranking import Comparison, Ranking, rank
from crekit.explanation.feature_explanation_sample import Plan, choose
from crekit.explanation.surest import Surest, wanted_classes
from crekit.models.device import device_of
from crekit.models.file import SequenceModel
from crekit.provenance import Input, record

log = logging.getLogger("crekit")
Named = tuple[str | None, Path]


@dataclass(frozen=True)
class Explained:
    """One class of one model.

    Parameters
    ----------
    name : str
    ranking : Ranking
        Of the motifs, over the sample.
    sample : Shap
        Of regions of all classes.
    frequency : np.ndarray, shape (n, n_motifs), float32
        In the sample.
    surest : Surest
        The regions of this class that are explained one by one.
    one_by_one : Shap
        Of these.
    frequency_alone : np.ndarray, shape (n_surest, n_motifs), float32
        In these.
    """

    name: str
    ranking: Ranking
    sample: Shap
    frequency: np.ndarray
    surest: Surest
    one_by_one: Shap
    frequency_alone: np.ndarray


@dataclass(frozen=True)
class OfModel:
    """What came out for one model.

    Parameters
    ----------
    name, arch : str
    motifs : list of str
    classes : list of Explained
    counts : dict of str to (int, int)
        Class -> regions in the sample, and how many there were to draw from.
    references : int
    trained_on : bool
        Whether the references are regions of the model's training set.
    """

    name: str
    arch: str
    motifs: list[str]
    classes: list[Explained]
    counts: dict[str, tuple[int, int]]
    references: int
    trained_on: bool

    @property
    def error(self) -> float:
        """Largest error of additivity, in logits."""
        return max(shap.error for one in self.classes for shap in (one.sample, one.one_by_one))


@dataclass(frozen=True)
class Explanation:
    """What came out, of each model in the order given, and how it was made."""

    models: list[OfModel]
    record: dict[str, Any]


def pair(models: Sequence[Named], sequences: Sequence[Named]) -> dict[str, tuple[Path, Path]]:
    """Model files and the sequences that each is explained on, by the model's name.

    One sequence file serves all models; with several, both go by name:
    ``-m K562=k.safetensors -s K562=k.h5 -m HeLa=h.safetensors -s HeLa=h.h5``. A model without a name is called by its
    file's.

    Raises
    ------
    InputError
        If names are given twice or do not pair.
    """
    named = [(name or path.stem, path) for name, path in models]
    names = [name for name, _ in named]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two models are called {name}; give each a name of its own: -m NAME=FILE")
    if len(sequences) == 1:
        return {name: (path, sequences[0][1]) for name, path in named}
    given = dict(sequences)
    if len(given) < len(sequences) or set(given) != set(names):
        raise InputError(
            f"models are named {', '.join(names)}, but sequences {', '.join(str(name) for name, _ in sequences)}; "
            "give one sequence file for all, or one for each: -s NAME=H5"
        )
    return {name: (path, given[name]) for name, path in named}


def compare(explanation: Explanation, top: int) -> dict[str, Comparison]:
    """Of each class, the motifs of all models side by side."""
    return {
        one.name: feature_explanation_ranking.compare(
            {of.name: of.classes[i].ranking for of in explanation.models}, top
        )
        for i, one in enumerate(explanation.models[0].classes)
    }


def run(models: Mapping[str, tuple[SequenceModel, Sequences]], plan: Plan) -> Explanation:
    """Explain the motif features of models.

    Parameters
    ----------
    models : mapping
        Name -> the model, and the sequences to explain it on.
    plan : Plan

    Raises
    ------
    InputError
        If sequences do not fit their model, a class is not known to all models, a model reads no motifs or others than
        the first, or no region is left.
    WorkError
        If SHAP values do not sum to what they explain.
    """
    device = device_of(plan.device).type
    log.info("device: %s, %d compute threads; method: SHAP of motif frequencies", device, plan.threads)
    _require_same_motifs({name: model for name, (model, _) in models.items()})
    classes = wanted_classes(next(iter(models.values()))[0], plan.classes)
    for model, _ in models.values():
        wanted_classes(model, classes)
    found = []
    for name, (model, sequences) in models.items():
        if len(models) > 1:
            log.info("%s:", name)
        found.append(_of_model(name, model, sequences, classes, plan, device))
    options = {
        "class": list(plan.classes),
        "per-class": plan.per_class,
        "subset": plan.subset,
        "method": "shap",
        "references": plan.references,
        "logos": plan.drawn,
        "seed": plan.seed,
    }
    labels = list(models) if len(models) > 1 else [""]
    inputs = [
        Input(role, label, sha256)
        for label, (model, sequences) in zip(labels, models.values(), strict=True)
        for role, sha256 in (("model", model.sha256), ("sequences", sequences.sha256()))
    ]
    return Explanation(found, record("explain-model", options, inputs))


def _require_same_motifs(models: Mapping[str, SequenceModel]) -> None:
    first_name, first = next(iter(models.items()))
    wanted = feature_explanation.motif_names(first)
    for name, model in models.items():
        given = feature_explanation.motif_names(model)
        for motif in sorted(set(wanted) ^ set(given)):
            holds, lacks = (first_name, name) if motif in wanted else (name, first_name)
            raise InputError(
                f"{model.name}: other motifs than {first_name} ({motif} is in {holds}, not in {lacks}); "
                "compare models that were trained with the same motifs"
            )


def _of_model(
    name: str, model: SequenceModel, sequences: Sequences, classes: Sequence[str], plan: Plan, device: str
) -> OfModel:
    chosen = choose(model, sequences, classes, plan, device)
    encoded = feature_explanation.encode(model, chosen.codes, device=device, threads=plan.threads)
    windows, references = (_part(encoded, rows) for rows in (slice(0, chosen.ends[-1]), slice(chosen.ends[-1], None)))
    targets = [model.settings.classes.index(one) for one in classes]
    values = feature_explanation.explain(model, windows, references, targets, device=device, threads=plan.threads)
    motifs, sample = feature_explanation.motif_names(model), slice(0, chosen.ends[0])
    found = []
    for i, (one, shap) in enumerate(zip(classes, values, strict=True)):
        alone = slice(chosen.ends[i], chosen.ends[i + 1])
        of_sample, frequency = _rows(shap, sample), windows.frequency[sample]
        ranking = rank(motifs, of_sample.motifs, frequency, of_sample.parts)
        of_alone = (chosen.surest[one], _rows(shap, alone), windows.frequency[alone])
        found.append(Explained(one, ranking, of_sample, frequency, *of_alone))
    n_references = len(chosen.codes) - chosen.ends[-1]
    of_model = OfModel(name, model.settings.arch, motifs, found, chosen.counts, n_references, chosen.trained_on)
    log.info("SHAP values miss the differences that they explain by at most %.1g logits", of_model.error)
    return of_model


def _part(encoded: Encoded, rows: slice) -> Encoded:
    return Encoded({name: value[rows] for name, value in encoded.values.items()}, encoded.outputs[rows])


def _rows(shap: Shap, rows: slice) -> Shap:
    parts = {name: value[rows] for name, value in shap.parts.items()}
    return Shap(shap.motifs[rows], parts, shap.base, shap.outputs[rows], shap.error)
