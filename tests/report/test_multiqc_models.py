"""What MultiQC is given of models: training, evaluation, matrix, scan."""

import json

import numpy as np
import pytest
import toy_signal as toy
from sklearn.metrics import average_precision_score, precision_recall_curve

from crekit.evaluation import evaluation_run
from crekit.report import multiqc_evaluation, multiqc_models

HISTORY = "epoch\tlr\ttrain_loss\tval_loss\tval_map\n1\t0.01\t0.9\t0.8\t0.5\n2\t0.01\t0.7\t0.75\t0.6\n"
AUROC_LAST = ["precision", "recall", "F1", "AP", "genome", "AUROC", "regions"]


def by_name(sections):
    return {section.name: section.content() for section in sections}


def test_training_has_the_loss_of_each_epoch_and_a_row_a_model(tmp_path):
    classes = {"background": {"precision": 0.1, "recall": 0.1}, "enhancer": {"precision": 0.5, "recall": 0.25}}
    classes["promoter"] = {"precision": None, "recall": 0.75}
    metrics = {
        "arch": "deepregfinder-cnn",
        "counts": {"train": {"background": 20, "enhancer": 3, "promoter": 4}},
        "best_epoch": 2,
        "temperature": 1.23456,
        "val": {"mAP": 0.6, "classes": classes},
        "test": {"mAP": 0.7, "classes": classes},
    }
    for name in ("m.fold1", "m.fold2"):
        (tmp_path / f"{name}.metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "m.fold1.history.tsv").write_text(HISTORY)  # fold 2 had no epochs, as a forest has none
    (tmp_path / "m.fold2.history.tsv").write_text(HISTORY.splitlines()[0] + "\n")
    models = [tmp_path / f"m.fold{i}.safetensors" for i in (1, 2)]
    found = by_name(multiqc_models.training(models))
    assert found["loss"]["data"] == {"m.fold1": [[1, 0.8], [2, 0.75]]}
    row = {
        "arch": "deepregfinder-cnn", "best_epoch": 2, "epochs": 2, "val_precision": 0.5, "val_recall": 0.5,
        "val_mAP": 0.6, "test_mAP": 0.7, "regions": 27, "temperature": 1.235,
    }  # fmt: skip
    assert found["training"]["data"]["m.fold1"] == row
    assert "epochs" not in found["training"]["data"]["m.fold2"]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    tracks = toy.write_tracks(folder / "tracks.h5", wobble=3.0, extra=(55,))
    models = {"plain": toy.model(), "noisy": toy.model(toy.Sums(noise=2.0))}
    return evaluation_run.run([toy.data_set(tracks)], models, evaluation_run.Plan(n_resamples=0, threads=1))


def test_an_evaluation_leads_with_precision_and_recall(evaluated):
    scored = evaluated.scored
    found = by_name(multiqc_evaluation.evaluation("out", evaluated.results, scored.labels, scored.probabilities))
    assert list(found) == ["evaluation", "classes", "curve_enhancer", "curve_promoter", "data_sets"]
    assert list(found["evaluation"]["headers"])[:2] == ["precision", "recall"]
    assert list(found["classes"]["headers"]) == AUROC_LAST
    assert found["classes"]["headers"]["AUROC"]["hidden"] is True
    of_noisy = evaluated.results["models"]["noisy"]
    row = found["evaluation"]["data"]["out: noisy"]
    assert row["mAP"] == pytest.approx(of_noisy["mAP"], abs=1e-3)
    both = [of_noisy["classes"][name]["recall"] for name in ("enhancer", "promoter")]
    assert row["recall"] == pytest.approx(np.mean(both), abs=1e-3)
    assert row["regions"] == len(scored.labels) == 14
    enhancer = found["classes"]["data"]["out: noisy: enhancer"]
    assert enhancer["AP"] == pytest.approx(of_noisy["classes"]["enhancer"]["AP"], abs=1e-3)
    assert enhancer["regions"] == 5
    in_genome = evaluated.results["prevalence"]["noisy"]["enhancer"]["precision"]
    assert enhancer["genome"] == pytest.approx(in_genome, abs=1e-3)
    assert found["data_sets"]["data"] == {}  # one data set only


def test_a_curve_has_the_precision_of_each_recall_where_it_is_first_reached(rng):
    labels = np.array([0, 1, 1, 0, 1, 0])
    scores = np.array([0.1, 0.9, 0.5, 0.7, 0.3, 0.2])
    lines = curve(labels, scores)
    assert lines == [[0.3333, 1.0], [0.6667, 0.6667], [1.0, 0.75]]
    # Average precision is the mean of those precisions.
    labels, scores = rng.integers(0, 2, 150), rng.random(150)
    points = np.array(curve(labels, scores))
    assert points[:, 1].mean() == pytest.approx(average_precision_score(labels, scores), abs=1e-4)


def test_a_long_curve_is_thinned_to_points_that_lie_on_it(rng):
    labels = rng.integers(0, 2, 4_000)
    scores = labels + rng.normal(0, 2, 4_000)
    points = np.array(curve(labels, scores))
    assert len(points) <= 200
    assert len(set(points[:, 0])) > 150
    precision, recall, _ = precision_recall_curve(labels, scores)
    best = {float(f"{r:.4g}"): p for p, r in zip(precision, recall, strict=True)}  # the last of a recall is the highest
    assert max(abs(best[r] - p) for r, p in points) < 1e-4
    assert points[-1, 0] == 1


def curve(labels, scores):
    probabilities = np.stack([1 - scores, scores], axis=1)
    of_class = multiqc_evaluation._curves("out", ["background", "enhancer"], labels, {"out": probabilities})
    (section,) = of_class
    return section.content()["data"]["out"]


CELL = dict.fromkeys(("precision", "recall", "F1", "AUROC"), 0.5) | {"sites": 9, "marks": []}
CELLS = [
    CELL | {"model": "A", "data_set": "one", "own": True, "mAP": 0.91234},
    CELL | {"model": "A", "data_set": "two", "own": False, "mAP": 0.5, "marks": ["few"]},
    CELL | {"model": "B", "data_set": "one", "own": False, "mAP": None, "precision": None},
    CELL | {"model": "B", "data_set": "two", "own": True, "mAP": 0.75},
]


def test_a_matrix_is_a_heatmap_and_a_table():
    found = by_name(multiqc_evaluation.matrix("out", {"models": ["A", "B"], "cells": CELLS}))
    assert found["matrix"]["plot_type"] == "heatmap"
    assert found["matrix"]["data"] == {"out: A": {"one": 0.9123, "two": 0.5}, "out: B": {"two": 0.75}}
    assert list(found["cells"]["headers"])[:2] == ["precision", "recall"]
    rows = found["cells"]["data"]
    assert list(rows) == ["out: A: one", "out: A: two", "out: B: one", "out: B: two"]
    assert (rows["out: A: one"]["own"], rows["out: A: two"]["own"], rows["out: A: two"]["warnings"]) == (
        "its own",
        "another",
        1,
    )
    assert "precision" not in rows["out: B: one"]


def test_a_scan_has_its_validation_rate_beside_that_of_random_places():
    enhancer = {"blocks": 12, "bases": 2_345_678, "removed_near_tss": 3, "validation_rate": 0.75, "shuffled_rate": 0.25}
    summary = {"classes": {"enhancer": enhancer, "promoter": {"blocks": 0, "bases": 0, "validation_rate": None}}}
    (section,) = multiqc_models.scan("HeLa", summary)
    assert section.content()["data"] == {
        "HeLa: enhancer": {
            "blocks": 12, "megabases": 2.346, "validation_rate": 0.75, "shuffled_rate": 0.25, "removed_near_tss": 3,
        },
        "HeLa: promoter": {"blocks": 0, "megabases": 0.0},
    }  # fmt: skip
    columns = list(section.headers)
    assert columns.index("shuffled_rate") == columns.index("validation_rate") + 1


def test_a_model_of_the_outputs_name_is_not_named_twice():
    assert multiqc_evaluation.row_of("HeLa", "HeLa", "HeLa") == "HeLa: HeLa"
    assert multiqc_evaluation.row_of("matrix", "A", "one") == "matrix: A: one"
