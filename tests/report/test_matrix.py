import pytest

from crekit.report import matrix, page

VALUES = {("cnn", "A"): 0.9, ("cnn", "B"): 0.5, ("svm", "A"): None, ("svm", "B"): 0.7}


def row(model, data_set, value, classes):
    """A cell of which one number is known, or nothing."""
    of_class = dict.fromkeys(("AP", "AUROC", "precision", "recall", "F1"), value) | {"support": 4}
    return {
        "model": model, "data_set": data_set, "own": (model, data_set) in {("cnn", "A"), ("svm", "B")}, "sites": 8,
        **dict.fromkeys(("mAP", "AUROC", "precision", "recall", "F1", "BACC", "MCC"), value),
        "interval": None if value is None else [value - 0.1, value + 0.1],
        "left_out": {"seen": 3, "same_dna": 2, "dropped": 1},
        "marks": ["no region is left that it has not seen"] if value is None else [],
        "classes": {} if value is None else dict.fromkeys(classes, of_class),
    }  # fmt: skip


def results(classes=("background", "enhancer", "promoter"), bootstrap=20):
    comparison = {
        "first": "cnn", "second": "svm", "data_sets": 2, "difference": -0.2, "won": 0, "of": 2, "sign_p": 0.5, "p": 0.5,
        "smallest_p": 0.5,
    }  # fmt: skip
    return {
        "classes": list(classes),
        "models": {name: {"arch": "kmer-logistic", "parameters": 9} for name in ("cnn", "svm")},
        "matrix": {
            "models": ["cnn", "svm"],
            "data_sets": ["A", "B"],
            "figures": ["mAP", "AUROC", "precision", "recall", "F1", "BACC", "MCC"],
            "cells": [row(*names, value, classes) for names, value in VALUES.items()],
            "means": {"cnn": {"own": 0.9, "others": 0.5}, "svm": {"own": 0.7, "others": None}},
            "comparisons": [comparison],
        },
        "audit": {"warnings": ["svm on A: no region is left that it has not seen"]},
        "record": {"options": {"bootstrap": bootstrap}},
    }


@pytest.fixture(scope="module")
def made():
    return {section.heading: section for section in matrix.page(results()).sections}


def test_the_table_has_a_row_a_cell_and_average_precision_first(made):
    table = made["Models by data sets"].blocks[-1]
    assert table.columns == [
        "model", "data set", "its own", "regions", "mAP", "AUROC", "precision", "recall", "F1", "BACC", "MCC"
    ]  # fmt: skip
    assert table.rows[0][:6] == ["cnn", "A", True, 8, "0.900 (0.800–1.000)", 0.9]
    assert table.rows[2] == ["svm", "A", False, 8, *[None] * 7]
    assert "95 % intervals from 20 bootstrap resamples" in table.caption


def test_the_heatmap_holds_the_numbers_frames_own_data_and_marks_cells():
    figure = matrix.heatmap(results()["matrix"], "mAP")
    (axes,) = figure.axes
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts == {(0.5, 0.5): "0.900", (1.5, 0.5): "0.500", (0.5, 1.5): "–*", (1.5, 1.5): "0.700"}
    frames = [patch.get_xy() for patch in axes.patches if not patch.get_fill()]
    assert [(int(x), int(y)) for x, y in frames] == [(0, 0), (1, 1)]
    shades = {tuple(map(int, patch.get_xy())): patch.get_alpha() for patch in axes.patches if patch.get_fill()}
    assert shades == {(0, 0): pytest.approx(0.66), (1, 0): pytest.approx(0.06), (1, 1): pytest.approx(0.36)}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cnn", "svm"]


def test_a_small_spread_is_not_stretched_over_all_shades():
    found = results()["matrix"]
    for one, value in zip(found["cells"], (0.90, 0.91, 0.90, 0.91), strict=True):
        one["mAP"] = value
    (axes,) = matrix.heatmap(found, "mAP").axes
    assert min(patch.get_alpha() for patch in axes.patches if patch.get_fill()) == pytest.approx(0.06 + 0.6 * 0.9)


def test_a_matrix_without_any_value_is_drawn(made):
    found = results()["matrix"]
    for one in found["cells"]:
        one["mAP"] = None
    (axes,) = matrix.heatmap(found, "mAP").axes
    assert {text.get_text() for text in axes.texts} == {"–", "–*"}


def test_classes_comparisons_and_what_was_left_out_stand_in_tables(made):
    assert made["Class by class"].blocks[0].rows[0] == ["cnn", "A", "enhancer", *[0.9] * 5, 4]
    assert len(made["Class by class"].blocks[0].rows) == 3 * 2
    assert made["Models compared over data sets"].blocks[0].rows == [
        ["cnn less svm", 2, "-0.200", "0 of 2", "0.5", "0.5", "0.5"]
    ]
    assert made["Regions left out"].blocks[0].rows[0] == ["cnn", "A", 8, 3, 2, 1]
    assert [one.text for one in made["What to know of the cells"].blocks] == [
        "svm on A: no region is left that it has not seen"
    ]


def test_what_there_is_not_is_left_out():
    found = results(("background", "enhancer"), bootstrap=0)
    found["matrix"]["comparisons"], found["audit"]["warnings"] = [], []
    made = {section.heading: section for section in matrix.page(found).sections}
    assert list(made) == ["Models by data sets", "Regions left out", "Models"]
    assert "bootstrap" not in made["Models by data sets"].blocks[-1].caption


def test_the_mean_on_own_and_other_data_leads():
    assert matrix.page(results()).figures == [
        ("mAP, cnn, its own data", 0.9), ("mAP, cnn, other data", 0.5), ("mAP, svm, its own data", 0.7)
    ]  # fmt: skip


def test_the_page_has_the_same_bytes_each_time_and_plots_beside_a_plain_one(tmp_path):
    assert page.render(matrix.page(results())) == page.render(matrix.page(results()))
    page.write(tmp_path / "m.html", matrix.page(results()), tmp_path / "plots")
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"matrix_mAP.png", "matrix_AUROC.png"}
    assert '<img src="plots/matrix_mAP.png"' in (tmp_path / "m.html").read_text()
