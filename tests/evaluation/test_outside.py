import math

import numpy as np
import pytest

from crekit.errors import InputError
from crekit.evaluation import outside
from crekit.evaluation.evaluation import Scored
from crekit.genome.regions import make

CLASSES = ["background", "enhancer", "promoter"]
FIVE = ["background", "poised_enhancer", "active_enhancer", "poised_promoter", "active_promoter"]


def scored(names):
    """Sites chr1:0-100, chr1:1000-1100, ... of these classes."""
    starts = np.arange(len(names)) * 1000
    return Scored(CLASSES, make(["chr1"] * len(names), starts, starts + 100, names), None, {}, None, None, {})


def spans(pairs, names="."):
    return make(["chr1"] * len(pairs), [a for a, _ in pairs], [b for _, b in pairs], names)


def test_an_annotation_calls_the_sites_that_it_overlaps_for_every_class_but_background():
    sites = scored(["enhancer", "enhancer", "promoter", "background"])
    points = outside.annotation_points(sites, spans([(50, 60), (1099, 1200), (2100, 2200), (3000, 3001)]))
    # Called: both enhancers (the second by its last base) and the background; the promoter is only touched.
    assert points["enhancer"] == {
        "precision": pytest.approx(2 / 3),
        "recall": 1.0,
        "F1": pytest.approx(0.8),
        "called": 3,
    }
    assert points["promoter"]["precision"] == 0
    assert set(points) == {"enhancer", "promoter"}


def test_an_annotation_with_the_names_of_classes_calls_class_by_class():
    sites = scored(["enhancer", "enhancer", "promoter", "background"])
    annotation = spans([(0, 10), (1000, 1010), (3000, 3010)], ["enhancer", "promoter", "enhancer"])
    points = outside.annotation_points(sites, annotation)
    assert (points["enhancer"]["precision"], points["enhancer"]["recall"]) == (0.5, 0.5)
    assert (points["promoter"]["precision"], points["promoter"]["recall"]) == (0, 0)


def test_an_annotation_that_calls_nothing_has_no_precision():
    points = outside.annotation_points(scored(["enhancer"]), spans([(500, 600)]))
    assert math.isnan(points["enhancer"]["precision"])
    assert points["enhancer"]["recall"] == 0


def test_names_stand_for_themselves_or_for_their_kinds():
    assert outside.members("enhancer", CLASSES) == ["enhancer"]
    assert outside.members("enhancer", FIVE) == ["poised_enhancer", "active_enhancer"]
    assert outside.members("silencer", FIVE) == []


def test_tested_elements_by_hand():
    regions = spans(
        [(i * 10, i * 10 + 5) for i in range(5)], ["enhancer", "enhancer", "enhancer", "background", "background"]
    )
    chances = np.array([[0.1, 0.9, 0], [0.2, 0.8, 0], [0, 0, 1], [0.1, 0.9, 0], [1, 0, 0]])
    found = outside.validated(regions, chances, CLASSES)
    assert found["classes"]["enhancer"] == {"precision": 2 / 3, "recall": 2 / 3, "F1": 2 / 3, "support": 3}
    assert found["classes"]["background"] == {"precision": 1, "recall": 0.5, "F1": pytest.approx(2 / 3), "support": 2}
    assert found["predicted"]["enhancer"] == {"background": 0, "enhancer": 2, "promoter": 1}
    assert list(found["classes"]) == ["background", "enhancer"]


def test_either_kind_of_a_class_counts_as_found():
    regions = spans([(0, 5), (10, 15)], ["enhancer", "enhancer"])
    chances = np.array([[0, 1, 0, 0, 0], [0, 0, 1, 0, 0]])
    assert outside.validated(regions, chances, FIVE)["classes"]["enhancer"]["recall"] == 1


def test_elements_without_signal_are_called_none_by_models_without_background():
    found = outside.validated(spans([(0, 5)], ["enhancer"]), np.zeros((1, 2)), ["enhancer", "promoter"])
    assert found["predicted"]["enhancer"] == {"enhancer": 0, "promoter": 0, "none": 1}
    assert found["classes"]["enhancer"]["recall"] == 0


def test_elements_of_unknown_names_are_refused(tmp_path):
    (tmp_path / "v.bed").write_text("chr1\t0\t100\tsilencer\n")
    with pytest.raises(InputError, match=r"v.bed: 'silencer' in column 4 is no class of the model \(background, "):
        outside.read_validated(tmp_path / "v.bed", CLASSES, {"chr1": 1000})
    with pytest.raises(InputError, match="ends past the chromosome"):
        outside.read_validated(tmp_path / "v.bed", CLASSES, {"chr1": 50})
