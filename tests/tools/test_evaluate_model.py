import json

import pytest
import torch
import toy_signal as toy
from running import run_tool

from crekit.genome.regions import write_bed
from crekit.models import file as model_file
from crekit.models import registry


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tracks, regions and two untrained models."""
    folder = tmp_path_factory.mktemp("toy")
    toy.write_tracks(folder / "tracks.h5", wobble=3.0)
    with open(folder / "regions.bed", "w") as handle:
        write_bed(handle, toy.regions())
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = registry.find("deepregfinder-cnn").build(2, 3, 20)
        model_file.save(folder / f"m{seed}.safetensors", toy.settings(), network)
    (folder / "m1.history.tsv").write_text("epoch\tlr\ttrain_loss\tval_loss\tval_map\n1\t0.01\t0.9\t0.8\t0.5\n")
    (folder / "bad.safetensors").write_bytes((folder / "m1.safetensors").read_bytes()[:500])
    return folder


def evaluate(made, *args, models=("m1",)):
    given = [part for name in models for part in ("-m", made / f"{name}.safetensors")]
    data = ("-t", made / "tracks.h5", "-r", made / "regions.bed")
    return run_tool("evaluate-model", *given, *data, "--bootstrap", 20, "-p", 1, *args)


def test_metrics_predictions_and_report_are_written(made, tmp_path):
    ended = evaluate(
        made,
        "-o",
        tmp_path / "m.json",
        "--html",
        tmp_path / "r.html",
        "--predictions",
        tmp_path / "p.tsv",
        models=("m1", "m2"),
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ""
    assert "scored: 5 background, 5 enhancer, 4 promoter" in ended.stderr
    found = json.loads((tmp_path / "m.json").read_text())
    assert list(found["models"]) == ["m1", "m2"]
    assert found["record"]["tool"] == "evaluate-model"
    assert "m1: the circle is the epoch that was kept." in (tmp_path / "r.html").read_text()
    assert len((tmp_path / "p.tsv").read_text().splitlines()) == 1 + 2 * 14


def test_plain_report_and_metrics_on_standard_output(made, tmp_path):
    ended = evaluate(
        made, "-o", "-", "--html", tmp_path / "r.html", "--html-assets", tmp_path / "plots", "-q", "--no-genome-wide"
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["prevalence"] == {}
    assert '<img src="plots/precision_recall.png"' in (tmp_path / "r.html").read_text()
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "precision_recall.png", "roc.png", "confusion1.png", "reliability.png", "history1.png"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("models", "args", "message"),
    [
        (("bad",), (), "bad.safetensors: not a safetensors file, or damaged; train or copy the model again"),
        (("m1",), ("--html-assets", "x"), "--html-assets needs --html"),
        (("m1",), ("--ensemble",), "--ensemble averages several models; give -m more than once"),
        (("m1",), ("--subset", "chr7"), "chromosome 'chr7' is not known; known are chr1, chr2, chr3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(made, tmp_path, models, args, message):
    ended = evaluate(made, "-o", tmp_path / "m.json", "-q", *args, models=models)
    assert ended.returncode == 2
    assert ended.stderr.startswith("evaluate-model: error: ")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
