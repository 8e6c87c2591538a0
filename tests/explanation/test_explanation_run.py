import csv

import numpy as np
import pytest
import torch
import toy_signal as toy

from crekit.errors import InputError
from crekit.evaluation.evaluation import Scored
from crekit.explanation import explanation_run
from crekit.genome.regions import make
from crekit.models import file as model_file
from crekit.models import first_layer, registry


def network(arch="deepregfinder-cnn"):
    torch.manual_seed(1)
    return registry.find(arch).build(2, 3, 20)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    return toy.write_tracks(tmp_path_factory.mktemp("toy") / "tracks.h5", wobble=3.0)


def test_the_surest_regions_of_each_class_come_class_by_class():
    regions = make(["chr1"] * 6, range(0, 60, 10), range(5, 65, 10), ["b", "a", "b", "a", "b", "a"])
    probabilities = np.array([[0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.7, 0.3], [0.2, 0.8], [0.7, 0.3]])
    scored = Scored(["a", "b"], regions, np.full(6, ""), {"m": probabilities}, regions[:0], np.full(0, ""), {"m": {}})
    assert explanation_run.surest(scored, ["a", "b"], 2).tolist() == [3, 5, 2, 0]  # ties by the genome
    assert explanation_run.surest(scored, ["b", "a"], 9).tolist() == [2, 0, 4, 3, 5, 1]


def test_only_the_test_chromosomes_are_looked_at(tracks):
    found = explanation_run.run([toy.data_set(tracks)], toy.model(network()), explanation_run.Plan(per_class=4))
    assert found.chroms == ["chr3"]
    shown = {one.name: (one.shown, one.available) for one in found.chosen}
    assert shown == {"background": (4, 5), "enhancer": (4, 5), "promoter": (4, 4)}
    assert found.layer.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_regions_get_their_own_tracks_whatever_their_order(tracks):
    """The reduced activation of the chosen regions is that of windows cut by hand."""
    model = toy.model(network())
    found = explanation_run.run([toy.data_set(tracks)], model, explanation_run.Plan(subset="chr2"))
    with explanation_run.Tracks(tracks) as open_tracks:
        bins = open_tracks.read("chr2", ["A", "B"])
    tiles = [*toy.BACKGROUND[:5], *toy.ENHANCERS, *toy.PROMOTERS]
    values = np.stack([bins[:, 20 * tile : 20 * tile + 20] for tile in tiles])
    chances = model.probabilities(values)
    labels = np.repeat([0, 1, 2], [5, 5, 4])
    order = np.concatenate(
        [np.flatnonzero(labels == i)[np.argsort(-chances[labels == i, i], kind="stable")] for i in range(3)]
    )
    expected = first_layer.describe(model, values[order], labels)
    np.testing.assert_array_equal(found.layer.reduced, expected.reduced)


def test_data_sets_are_pooled(tracks, tmp_path):
    other = toy.write_tracks(tmp_path / "other.h5", wobble=1.0)
    sets = [toy.data_set(tracks, "K562"), toy.data_set(other, "HeLa")]
    found = explanation_run.run(sets, toy.model(network()), explanation_run.Plan())
    assert [one.available for one in found.chosen] == [10, 10, 8]
    assert [(one["role"], one["name"]) for one in found.record["inputs"]] == [
        ("model", ""), ("tracks", "HeLa"), ("regions", "HeLa"), ("tracks", "K562"), ("regions", "K562")
    ]  # fmt: skip
    mirrored = explanation_run.run(sets[::-1], toy.model(network()), explanation_run.Plan())
    assert mirrored.record == found.record
    np.testing.assert_array_equal(mirrored.layer.reduced, found.layer.reduced)


def test_classes_are_renamed_as_in_training(tracks):
    model = toy.model(network(), classes=["background", "element", "other"])
    model.settings.record["options"]["relabel"] = {"enhancer": "element", "promoter": "element"}
    found = explanation_run.run([toy.data_set(tracks)], model, explanation_run.Plan())
    assert [(one.name, one.available) for one in found.chosen] == [("background", 5), ("element", 9), ("other", 0)]
    assert found.chosen[2].lowest is None


def test_regions_outside_of_the_test_set_are_refused(tracks):
    with pytest.raises(InputError, match=r"no region lies in the test set \(chr3\)"):
        explanation_run.run([toy.data_set(tracks, chroms=["chr1"])], toy.model(network()), explanation_run.Plan())


def test_a_model_without_filters_is_refused_by_its_file(tmp_path):
    path = tmp_path / "m.safetensors"
    model_file.save(path, toy.settings(arch="ep-dnn"), network("ep-dnn"))
    with pytest.raises(InputError, match=r"m\.safetensors: ep-dnn has no first convolution"):
        explanation_run.load_model(path)


def test_the_table_holds_every_weight_and_figure(tracks, tmp_path):
    model = toy.model(network())
    layer = explanation_run.run([toy.data_set(tracks)], model, explanation_run.Plan()).layer
    explanation_run.write_table(tmp_path / "t.tsv", layer)
    with open(tmp_path / "t.tsv", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert len(rows) == 32 * (2 * 7 + 3 + 3 + 1 + 1)
    of_filter = [row for row in rows if row["filter"] == "5"]
    weights = model.network[0].weight.detach().numpy()[4]
    written = [float(row["value"]) for row in of_filter if row["quantity"] == "weight" and row["name"] == "B"]
    np.testing.assert_allclose(written, weights[1], rtol=1e-5)
    positions = [row["position"] for row in of_filter if row["quantity"] == "weight" and row["name"] == "A"]
    assert positions == ["-3", "-2", "-1", "0", "1", "2", "3"]
    (mean,) = (row for row in of_filter if (row["quantity"], row["name"]) == ("mean_activation", "promoter"))
    np.testing.assert_allclose(float(mean["value"]), layer.means[4, 2], rtol=1e-5)
    order = {int(row["filter"]) - 1: int(row["value"]) for row in rows if row["quantity"] == "order"}
    assert [order[number] for number in layer.order] == list(range(1, 33))
