"""Probabilities of any spans of the genome, from tracks: tiles, and outside sets of tested elements."""

from collections.abc import Mapping, Sequence

import numpy as np

from crekit.evaluation.entries import ALL, NONE, as_entries, judged
from crekit.evaluation.evaluation import Judged, among, load_each, models_of, needs, scorer, with_ensemble
from crekit.genome.regions import Regions
from crekit.labels.classes import background_index
from crekit.signal.tracks import Tracks


def everywhere(
    tracks: Tracks,
    regions: Regions,
    models: Judged,
    classes: Sequence[str],
    *,
    judges: Mapping[str, np.ndarray] | None = None,
    normalise: str | None = None,
    device: str = "cpu",
    ensemble: bool = False,
) -> dict[str, np.ndarray]:
    """Probabilities of every region, shape (n_regions, n_classes), by model; dropped regions count as background.

    Regions must be in natural order (see `Regions.sorted`). A dropped one has probability 1 of background and 0 of all
    else (0 of everything where the models know no background). `judges` says who judges each region, as
    `crekit.evaluation.entries.choose` does; without it, the mean of all models of an entry.
    """
    entries = as_entries(models)
    members = {name: list(range(len(entry.models))) for name, entry in entries.items()}
    loaded = load_each(tracks, regions, models_of(entries, members), normalise)
    result: dict[str, np.ndarray] = {}
    for name, entry in entries.items():
        judge = np.full(len(regions), ALL) if judges is None else judges[name]
        kept = np.all([among(regions, loaded[needs(m.settings, normalise)].regions) for m in entry.models], axis=0)
        probabilities = np.zeros((len(regions), len(classes)), dtype=np.float32)
        if (background := background_index(classes)) is not None:
            probabilities[judge != NONE, background] = 1
        score_some = scorer(loaded, regions[kept], classes, normalise, device)
        probabilities[kept] = judged(entry, judge[kept], members[name], score_some, len(classes))
        result[name] = probabilities
    return with_ensemble(result, ensemble)
