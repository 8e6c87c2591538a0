"""The probabilities behind an evaluation, as a table."""

from pathlib import Path

import numpy as np

from crekit.evaluation.evaluation import Scored
from crekit.files import output_text


def write(path: str | Path, scored: Scored) -> None:
    """A line per model and site: model, data set, id, class, predicted class, and the probability of every class.

    Where models are pooled over folds, the fold stands after the data set: 0 where all judged the site, or none is one.
    """
    ids, labels = scored.ids, scored.regions.name
    none = np.zeros(len(labels), dtype=np.int64)
    columns = ["model", "data_set", *(["fold"] if scored.fold else []), "id", "class", "predicted", *scored.classes]
    with output_text(path) as handle:
        handle.write("\t".join(columns) + "\n")
        for model, probabilities in scored.probabilities.items():
            best = np.array(scored.classes, dtype=object)[probabilities.argmax(axis=1)]
            fold = scored.fold.get(model, none)
            rows = zip(scored.data_set, fold, ids, labels, best, probabilities, strict=True)
            for data_set, number, one, label, called, row in rows:
                place = [data_set, str(number)] if scored.fold else [data_set]
                handle.write("\t".join([model, *place, one, label, called, *(f"{p:.6f}" for p in row)]) + "\n")
