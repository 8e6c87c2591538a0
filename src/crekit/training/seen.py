"""What the models may have seen before: the honest line of an evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crekit.genome.regions import Regions, make, overlaps
from crekit.models.file import SignalModel, SignalSettings
from crekit.training.evaluation import Scored, chromosomes, counts_by_class

NEAR = 1000
FEW = 20
MANY_DROPPED = 0.1


def near_training(regions: Regions, settings: SignalSettings, distance: int = NEAR) -> np.ndarray:
    """Which regions a model may have learned from, shape (n_regions,), bool.

    A model that was split by chromosome keeps the chromosomes: everything on one that it trained on counts. One that
    was split at random keeps the regions: what lies within `distance` bases of a training region counts.
    """
    trained = settings.split["train"]
    if settings.split["kind"] == "chromosomes":
        return np.isin(regions.chrom.astype(str), trained)
    return overlaps(regions, _of_ids(trained), distance)


def _of_ids(ids: Sequence[str]) -> Regions:
    """Regions from their ids, ``chrom:start-end``."""
    parts = [one.rpartition(":") for one in ids]
    spans = [span.split("-") for _, _, span in parts]
    return make((chrom for chrom, _, _ in parts), (int(s) for s, _ in spans), (int(e) for _, e in spans), "")


def audit(
    scored: Scored,
    models: Mapping[str, SignalModel],
    inputs: Mapping[str, Sequence[str]],
    kinds: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """What stands between the figures and belief in them.

    Parameters
    ----------
    scored : Scored
    models : mapping of str to SignalModel
    inputs : mapping of str to sequence of str
        ``tracks`` and ``regions``: checksums of what was evaluated.
    kinds : mapping of str to sequence of str
        SignalModel -> warnings on tracks of another kind than its own.

    Returns
    -------
    findings : dict
        ``chromosomes`` evaluated; ``models``: name -> its split, its ``counts`` per part and class, ``trained_on`` and
        ``validated_on`` (evaluated chromosomes among those of training and validation), ``near_training`` (sites: see
        `near_training`), ``same_tracks`` and ``same_regions`` (whether the model was made from these very files);
        ``warnings``: one line each.
    """
    evaluated = chromosomes(scored.regions)
    findings: dict[str, Any] = {"chromosomes": evaluated, "models": {}, "warnings": []}
    for name, model in models.items():
        of_model = _of_model(scored, model, evaluated, inputs)
        findings["models"][name] = of_model
        findings["warnings"] += [f"{name}: {text}" for text in [*_seen(of_model, len(scored.regions)), *kinds[name]]]
    findings["warnings"] += _thin(scored)
    return findings


def _of_model(
    scored: Scored, model: SignalModel, evaluated: list[str], inputs: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    settings = model.settings
    split = settings.split
    by_chromosome = split["kind"] == "chromosomes"
    own = {role: {one["sha256"] for one in settings.record["inputs"] if one["role"] == role} for role in inputs}
    return {
        "split": split if by_chromosome else {key: split[key] for key in split if key not in {"train", "val", "test"}},
        "counts": settings.counts,
        "trained_on": [chrom for chrom in evaluated if chrom in split["train"]] if by_chromosome else None,
        "validated_on": [chrom for chrom in evaluated if chrom in split["val"]] if by_chromosome else None,
        "near_training": int(near_training(scored.regions, settings).sum()),
        **{f"same_{role}": set(sums) <= own[role] for role, sums in inputs.items()},
    }


def _seen(of_model: Mapping[str, Any], n_sites: int) -> list[str]:
    """Warnings on what a model has seen."""
    texts = []
    if of_model["trained_on"]:
        texts.append(f"was trained on {', '.join(of_model['trained_on'])}, which the figures include; they flatter it")
    if of_model["validated_on"]:
        texts.append(f"chose its epoch by {', '.join(of_model['validated_on'])}, which the figures include")
    if of_model["trained_on"] is None and of_model["near_training"]:
        texts.append(
            f"was split at random, and {of_model['near_training']} of {n_sites} sites lie within {NEAR} bases of a "
            "training site; the figures flatter it"
        )
    return texts


def _thin(scored: Scored) -> list[str]:
    """Warnings on classes that are too few, or lost too many."""
    texts = []
    used, missed = (counts_by_class(part, scored.classes) for part in (scored.regions, scored.missed))
    for name in scored.classes:
        total = used[name] + missed[name]
        if used[name] < FEW:
            texts.append(f"class {name} has {used[name]} site(s): too few to trust its figures")
        if total and missed[name] > MANY_DROPPED * total:
            texts.append(
                f"the non-zero rule dropped {missed[name]} of {total} regions of {name}; "
                "the figures hold for the others only"
            )
    return texts
