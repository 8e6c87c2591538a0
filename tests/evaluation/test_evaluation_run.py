import csv
import json
from dataclasses import replace

import pytest
import torch
import toy_signal as toy

from crekit.errors import InputError
from crekit.evaluation import entries_load, evaluation_run, predictions
from crekit.evaluation.entries import Entry
from crekit.evaluation.evaluation_run import Plan
from crekit.genome.regions import write_bed
from crekit.models import file as model_file
from crekit.models import registry
from crekit.training.folds import FoldRule


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    return toy.write_tracks(tmp_path_factory.mktemp("toy") / "tracks.h5", wobble=3.0)


@pytest.fixture
def beds(tmp_path):
    (tmp_path / "atlas.bed").write_text("chr3\t6500\t6600\nchr3\t6550\t6650\nchr3\t0\t10\n")
    # One enhancer of the test set, one of the training set, and a span without signal.
    (tmp_path / "tested.bed").write_text(
        "chr3\t6000\t8000\tenhancer\nchr1\t6000\t8000\tenhancer\nchr3\t190000\t192000\tbackground\n"
    )
    return tmp_path


def plan(**changes):
    return Plan(**{"n_resamples": 20, "threads": 1, **changes})


def test_results_hold_everything_and_are_json(tracks, beds):
    models = {"one": toy.model(), "two": toy.model(toy.Sums(noise=2.0))}
    asked = plan(annotations=[("atlas", beds / "atlas.bed")], validated=(None, beds / "tested.bed"), ensemble=True)
    found = evaluation_run.run([toy.data_set(tracks)], models, asked).results
    json.dumps(found, allow_nan=False)
    assert found["sites"]["scored"] == {"background": 5, "enhancer": 5, "promoter": 4}
    assert found["sites"]["dropped"] == {"background": 2, "enhancer": 0, "promoter": 0}
    assert list(found["models"]) == ["one", "two", "ensemble"]
    assert found["models"]["one"]["mAP"] == 1
    assert found["models"]["one"]["marks"] == ["A", "B"]
    assert [(c["first"], c["second"]) for c in found["comparisons"]] == [
        ("one", "two"),
        ("one", "ensemble"),
        ("two", "ensemble"),
    ]
    assert found["prevalence"]["one"]["enhancer"]["prevalence"] == 0.05
    assert found["annotations"]["atlas"]["enhancer"] == {
        "precision": 0.5,
        "recall": 0.2,
        "F1": pytest.approx(2 / 7),
        "called": 2,
    }
    tested = found["validated"]["one"]
    assert tested["classes"]["enhancer"] == {"precision": 1, "recall": 1, "F1": 1, "support": 2}
    assert tested["predicted"]["background"] == {"background": 1, "enhancer": 0, "promoter": 0}
    assert tested["away_from_training"]["classes"]["enhancer"]["support"] == 1
    assert [(one["role"], one["name"]) for one in found["record"]["inputs"]] == [
        ("model", ""), ("model", ""), ("tracks", ""), ("regions", ""), ("annotation", "atlas"), ("validated", "")
    ]  # fmt: skip
    assert str(beds) not in json.dumps(found)


def test_parts_that_nobody_asked_for_are_empty(tracks):
    found = evaluation_run.run([toy.data_set(tracks)], {"m": toy.model()}, plan(genome_wide=False, n_resamples=0))
    assert found.results["prevalence"] == found.results["annotations"] == found.results["validated"] == {}
    assert found.curves == {}


def test_the_models_own_relabelling_is_known(tracks):
    record = {"options": {"relabel": {"promoter": "background"}}, "inputs": []}
    network = toy.Sums(order=(0, 1))
    two = toy.model(network, classes=["background", "enhancer"], record=record)
    found = evaluation_run.run([toy.data_set(tracks)], {"m": two}, plan(genome_wide=False))
    assert found.results["sites"]["scored"] == {"background": 9, "enhancer": 5}
    asked = plan(genome_wide=False, relabel={"promoter": "enhancer"})
    found = evaluation_run.run([toy.data_set(tracks)], {"m": two}, asked)
    assert found.results["sites"]["scored"] == {"background": 5, "enhancer": 9}


def test_a_validated_set_names_its_tracks_where_there_are_several(tracks, beds):
    sets = [toy.data_set(tracks, "a"), toy.data_set(tracks, "b")]
    with pytest.raises(InputError, match="say on which tracks, as NAME=BED with one of a, b"):
        evaluation_run.run(sets, {"m": toy.model()}, plan(validated=(None, beds / "tested.bed")))
    asked = plan(validated=("b", beds / "tested.bed"), genome_wide=False)
    assert evaluation_run.run(sets, {"m": toy.model()}, asked).results["record"]["inputs"][-1]["name"] == "b"


def test_two_annotations_of_one_name_are_refused(tracks, beds):
    asked = plan(annotations=[(None, beds / "atlas.bed"), ("atlas", beds / "tested.bed")])
    with pytest.raises(InputError, match="two annotations have one name"):
        evaluation_run.run([toy.data_set(tracks)], {"m": toy.model()}, asked)


def test_tracks_of_another_kind_are_warned_of(tracks, caplog):
    odd = toy.model(kinds={"A": "counts", "B": "values"})
    found = evaluation_run.run([toy.data_set(tracks)], {"m": odd}, plan(genome_wide=False, n_resamples=0))
    (warning,) = [text for text in found.results["audit"]["warnings"] if "A holds" in text]
    assert warning == "m: A holds bigWig values, but the model was trained on the other kind"
    assert f"warning: {warning}" in caplog.messages


def test_predictions_hold_a_line_per_model_and_site(tracks, tmp_path):
    models = {"one": toy.model(), "two": toy.model()}
    found = evaluation_run.run([toy.data_set(tracks)], models, plan(genome_wide=False, n_resamples=0))
    predictions.write(tmp_path / "p.tsv", found.scored)
    rows = list(csv.DictReader((tmp_path / "p.tsv").read_text().splitlines(), delimiter="\t"))
    assert len(rows) == 28
    assert [rows[1][key] for key in ("model", "data_set", "id", "class", "predicted")] == [
        "one", "", "chr3:6000-8000", "enhancer", "enhancer"
    ]  # fmt: skip
    for row in rows:
        assert sum(float(row[name]) for name in toy.CLASSES) == pytest.approx(1, abs=2e-6)


@pytest.fixture
def saved(tmp_path):
    for name in ("a/m", "b/m", "b/ensemble"):
        path = tmp_path / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)
        torch.manual_seed(1)
        model_file.save(path, toy.settings(), registry.find("deepregfinder-cnn").build(2, 3, 20))
    return tmp_path


def test_models_are_called_by_their_given_name_or_stem(saved):
    paths = [(None, saved / "a/m.safetensors"), ("other", saved / "b/m.safetensors")]
    assert list(entries_load.load(paths, ensemble=True)) == ["m", "other"]


def test_models_of_one_name_are_refused(saved):
    with pytest.raises(InputError, match="two models are called m; name them: -m NAME=m"):
        entries_load.load([(None, saved / "a/m.safetensors"), (None, saved / "b/m.safetensors")], ensemble=False)


def test_an_ensemble_of_one_and_a_model_called_ensemble_are_refused(saved):
    with pytest.raises(InputError, match="--ensemble averages several models"):
        entries_load.load([(None, saved / "a/m.safetensors")], ensemble=True)
    with pytest.raises(InputError, match="a model is called ensemble"):
        entries_load.load([(None, saved / "a/m.safetensors"), (None, saved / "b/ensemble.safetensors")], ensemble=True)


def test_the_order_of_regions_changes_nothing(tracks):
    data_set = toy.data_set(tracks)
    turned = replace(data_set, regions=data_set.regions[::-1])
    models = {"m": toy.model(toy.Sums(noise=2.0))}
    one, other = (evaluation_run.run([this], models, plan()).results for this in (data_set, turned))
    assert one == other


def test_tested_elements_are_judged_by_the_fold_of_their_place(tracks, beds):
    """The enhancer finder is fold 1 alone, so that an element is found where its place is tested by fold 1."""
    folds = []
    for fold in (1, 2, 3):
        kept = {"kind": "folds", "by": "block", "folds": 3, "fold": fold, "seed": 1, "block": 20_000}
        parts = {"train": [(fold + 1) % 3 + 1], "val": [fold % 3 + 1], "test": [fold]}
        network = toy.Sums() if fold == 1 else toy.Sums(order=(0, 2, 1))
        folds.append(toy.model(network, split=kept | parts, group="g"))
    number = FoldRule(3, "block", 20_000, 1).number(toy.regions())
    elements = toy.regions()[(number > 0) & (toy.regions().name == "enhancer")]
    with open(beds / "tested.bed", "w") as handle:
        write_bed(handle, elements)
    asked = plan(validated=(None, beds / "tested.bed"), genome_wide=False, n_resamples=0)
    found = evaluation_run.run([toy.data_set(tracks)], {"m": Entry(tuple(folds))}, asked).results["validated"]["m"]
    expected = (number[(number > 0) & (toy.regions().name == "enhancer")] == 1).mean()
    assert 0 < expected < 1
    assert found["classes"]["enhancer"]["recall"] == pytest.approx(expected)
    assert found["away_from_training"]["classes"]["enhancer"]["support"] == len(elements)
