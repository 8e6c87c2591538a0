"""What the models may have seen before: the honest line of an evaluation."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from crekit.evaluation.entries import ALL, Entry, as_entries, chromosomes_of, rule_of
from crekit.evaluation.evaluation import Judged, Scored, chromosomes, counts_by_class
from crekit.genome.regions import Regions, make, overlaps
from crekit.models.settings import Settings
from crekit.training import folds, splits

NEAR = 1000
DISTANCES = (1000, 10_000, 100_000)
FEW = 20
MANY_DROPPED = 0.1


def near_training(
    regions: Regions, settings: Settings, distance: int = NEAR, ids: np.ndarray | None = None
) -> np.ndarray:
    """Which regions a model may have learned from, shape (n_regions,), bool.

    A model that was split by places keeps the places: everything on a chromosome, or in a block, that it trained on
    counts. One that was split at random, or by likeness, keeps the regions: what lies within `distance` bases of a
    training region counts; of the records of a FASTA, what has the name of one.

    Parameters
    ----------
    regions : Regions
    settings : Settings
    distance : int
        In bases.
    ids : np.ndarray, shape (n_regions,), object, optional
        Names of records, where regions are records of a FASTA.
    """
    split = settings.split
    if ids is not None:
        return np.isin(ids.astype(str), [] if splits.follows_from_place(split) else split["train"])
    if split["kind"] == "chromosomes":
        return np.isin(regions.chrom.astype(str), split["train"])
    if splits.follows_from_place(split):
        rule = folds.FoldRule(split["folds"], split["by"], split["block"], split["seed"])
        # 0: so near to a block of another part that it was not used, but its neighbours there may have been.
        return np.isin(rule.number(regions), [0, *split["train"]])
    trained = [one for one in split["train"] if _is_span(one)]
    if split.get("by") == folds.CHROMOSOME:
        return np.isin(regions.chrom.astype(str), chromosomes_of(trained))
    return overlaps(regions, _of_ids(trained), distance)


def near_of(entry: Entry, regions: Regions, judge: np.ndarray, ids: np.ndarray | None = None) -> np.ndarray:
    """The same for an entry: of each region, whether the model that judges it (or one of all) may have learned from it.

    Parameters
    ----------
    judge : np.ndarray, shape (n_regions,), int64
        See `crekit.evaluation.entries.choose`.
    """
    near = np.zeros(len(regions), dtype=bool)
    for i, model in enumerate(entry.models):
        if (mine := (judge == i) | (judge == ALL)).any():
            near[mine] |= near_training(regions[mine], model.settings, ids=None if ids is None else ids[mine])
    return near


def _is_span(name: str) -> bool:
    chrom, _, span = name.rpartition(":")
    start, _, end = span.partition("-")
    return bool(chrom) and start.isdecimal() and end.isdecimal()


def _of_ids(ids: Sequence[str]) -> Regions:
    """Regions from their ids, ``chrom:start-end``."""
    parts = [one.rpartition(":") for one in ids]
    spans = [span.split("-") for _, _, span in parts]
    return make((chrom for chrom, _, _ in parts), (int(s) for s, _ in spans), (int(e) for _, e in spans), "")


def near_known(entry: Entry, regions: Regions, judge: np.ndarray, known: Regions) -> dict[str, int]:
    """Distance -> how many regions lie within it of a training region of the model that judges them.

    Parameters
    ----------
    entry, regions, judge
        As in `near_of`.
    known : Regions
        Among which the training regions are, where the split goes by places.
    """
    near = np.zeros((len(DISTANCES), len(regions)), dtype=bool)
    for i, model in enumerate(entry.models):
        mine = (judge == i) | (judge == ALL)
        split = model.settings.split
        if splits.follows_from_place(split):
            trained = known[splits.members(split, "train", known)]
        else:
            trained = _of_ids([one for one in split["train"] if _is_span(one)])
        for row, distance in zip(near, DISTANCES, strict=True):
            row[mine] |= overlaps(regions[mine], trained, distance)
    return {str(distance): int(row.sum()) for distance, row in zip(DISTANCES, near, strict=True)}


def audit(
    scored: Scored,
    models: Judged,
    inputs: Mapping[str, Sequence[str]],
    kinds: Mapping[str, Sequence[str]],
    *,
    known: Regions | None = None,
    elsewhere: Collection[str] = (),
) -> dict[str, Any]:
    """What stands between the figures and belief in them.

    Parameters
    ----------
    scored : Scored
    models : mapping of str to model or Entry
    inputs : mapping of str to sequence of str
        ``tracks`` and ``regions``, or ``sequences``: checksums of what was evaluated.
    kinds : mapping of str to sequence of str
        Model -> warnings on data of another kind than its own.
    known : Regions, optional
        All regions of the data sets, to find training regions among.
    elsewhere : collection of str
        Models whose places are of another genome, and say nothing here.

    Returns
    -------
    findings : dict
        ``chromosomes`` evaluated; ``models``: name -> its split, its ``counts`` per part and class, ``trained_on`` and
        ``validated_on`` (evaluated chromosomes among those of training and validation), ``near_training`` (sites: see
        `near_training`), ``within`` (see `near_known`), ``same_tracks``, ``same_regions`` or ``same_sequences``
        (whether the model was made from these very files); ``warnings``: one line each.
    """
    evaluated = chromosomes(scored.regions)
    findings: dict[str, Any] = {"chromosomes": evaluated, "models": {}, "warnings": []}
    for name, entry in as_entries(models).items():
        of_model = _of_model(scored, name, entry, evaluated, inputs)
        if name in elsewhere:
            of_model |= {"trained_on": None, "validated_on": None, "near_training": 0}
        elif known is not None and scored.names is None:
            of_model["within"] = near_known(entry, scored.regions, _judge(scored, name), known)
        findings["models"][name] = of_model
        texts = [*_seen(entry, of_model, len(scored.regions)), *kinds.get(name, ())]
        findings["warnings"] += [f"{name}: {text}" for text in texts]
    findings["warnings"] += _thin(scored)
    return findings


def _judge(scored: Scored, name: str) -> np.ndarray:
    return scored.judge[name] if name in scored.judge else np.zeros(len(scored.regions), dtype=np.int64)


def _of_model(
    scored: Scored, name: str, entry: Entry, evaluated: list[str], inputs: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    settings = entry.settings
    split = settings.split
    by_chromosome = split["kind"] == "chromosomes" and scored.names is None
    own = {one["sha256"] for model in entry.models for one in model.settings.record["inputs"]}
    near = near_of(entry, scored.regions, _judge(scored, name), scored.names)
    return {
        "split": _split(entry),
        "counts": settings.counts if not entry.pooled else _summed([one.settings.counts for one in entry.models]),
        "trained_on": [chrom for chrom in evaluated if chrom in split["train"]] if by_chromosome else None,
        "validated_on": [chrom for chrom in evaluated if chrom in split["val"]] if by_chromosome else None,
        "near_training": int(near.sum()),
        **{f"same_{role}": set(sums) <= own for role, sums in inputs.items()},
    }


def _split(entry: Entry) -> dict[str, Any]:
    """A split without the ids of regions; of several folds, their rule."""
    split = entry.settings.split
    if entry.pooled and split["kind"] == "folds":
        return {key: value for key, value in rule_of(entry.models[0]).items() if value is not None}
    ids = set() if splits.follows_from_place(split) else {"train", "val", "test"}
    return {key: value for key, value in split.items() if key not in ids}


def _summed(counts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Part -> class -> sites, summed over models; what was dropped, as of the first."""
    total: dict[str, Any] = {}
    for part in splits.PARTS:
        names = sorted({name for one in counts for name in one[part]})
        total[part] = {name: sum(one[part].get(name, 0) for one in counts) for name in names}
    return total | {"dropped": counts[0].get("dropped", {})}


def _seen(entry: Entry, of_model: Mapping[str, Any], n_sites: int) -> list[str]:
    """Warnings on what a model has seen."""
    texts = []
    if of_model["trained_on"]:
        texts.append(f"was trained on {', '.join(of_model['trained_on'])}, which the figures include; they flatter it")
    if of_model["validated_on"]:
        texts.append(f"chose its epoch by {', '.join(of_model['validated_on'])}, which the figures include")
    split, near = entry.settings.split, of_model["near_training"]
    if of_model["trained_on"] is None and near:
        by_lot = split["kind"] == "random" or split.get("by") == folds.RANDOM
        where = {True: f"lie within {NEAR} bases of a training site", False: "lie where it was trained"}
        apart = where[not splits.follows_from_place(split) and split.get("by") != folds.CHROMOSOME]
        by = "was split at random, and" if by_lot else "may have learned from them:"
        texts.append(f"{by} {near} of {n_sites} sites {apart}; the figures flatter it")
    if entry.missing:
        number, of = len(entry.missing), split["folds"]
        which = ", ".join(map(str, entry.missing))
        texts.append(f"{number} of {of} folds are missing ({which}); the figures hold for the regions of the others")
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
