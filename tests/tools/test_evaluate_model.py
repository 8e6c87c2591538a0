import json

import numpy as np
import pytest
import torch
import toy_planted
import toy_sequences
import toy_signal as toy
from running import run_tool
from toy_multiqc import data

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


def assert_refused(ended, message):
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("evaluate-model: error: ")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_folds_of_tracks_are_one_model(made, tmp_path):
    """Trained by train-model, and judged as train-model judged each of them."""
    data = ("-t", made / "tracks.h5", "-r", made / "regions.bed")
    split = ("--folds", 4, "--by", "random", "--min-nonzero", 0, "--trees", 3, "-p", 1)
    trained = run_tool("train-model", "--arch", "random-forest", *data, *split, "-o", tmp_path / "f.safetensors", "-q")
    assert trained.returncode == 0, trained.stderr
    models = [part for i in (1, 2, 3, 4) for part in ("-m", tmp_path / f"f.fold{i}.safetensors")]
    ended = run_tool(
        "evaluate-model", *models, *data, "--bootstrap", 0, "-p", 1, "-o", tmp_path / "m.json",
        "--predictions", tmp_path / "p.tsv", "--html", tmp_path / "r.html",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "f: no precision in the genome, because its test sets are no places of it" in ended.stderr
    found = json.loads((tmp_path / "m.json").read_text())
    assert list(found["models"]) == ["f"]
    assert found["models"]["f"]["sites"] == 48  # all regions of the toy, once each
    assert found["prevalence"] == {}
    for row in found["folds"]["f"]["each"]:
        own = json.loads((tmp_path / f"f.fold{row['fold']}.metrics.json").read_text())["test"]
        assert row["mAP"] == pytest.approx(own["mAP"])
    assert (tmp_path / "p.tsv").read_text().startswith("model\tdata_set\tfold\tid\t")
    assert "<h2>Folds</h2>" in (tmp_path / "r.html").read_text()


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    """Regions of a genome, and the folds of k-mer models of them by block and at random."""
    folder = tmp_path_factory.mktemp("sequences")
    letters = np.array(list("ACGT"))
    chroms = toy_sequences.genome()
    text = "".join(f">{chrom}\n{''.join(letters[codes])}\n" for chrom, codes in chroms.items())
    (folder / "g.fa").write_text(text)
    with open(folder / "r.bed", "w") as handle:
        write_bed(handle, toy_sequences.regions())
    rule = ("--window", 100, "--stride", 20)
    ended = run_tool("encode-seq", "-r", folder / "r.bed", "-g", folder / "g.fa", *rule, "-o", folder / "s.h5", "-q")
    assert ended.returncode == 0, ended.stderr
    for by in ("block", "random"):
        split = ("--folds", 3, "--by", by, "--block", 20_000)
        ended = run_tool(
            "train-model", "--arch", "kmer-logistic", "--k", 2, "-s", folder / "s.h5", *split, "-p", 1, "-q",
            "-o", folder / f"{by}.safetensors",
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
    for name, content in {"empty.h5": b"", "cut.h5": (folder / "s.h5").read_bytes()[:3000]}.items():
        (folder / name).write_bytes(content)
    return folder


def of_folds(folder, by):
    return [part for i in (1, 2, 3) for part in ("-m", folder / f"{by}.fold{i}.safetensors")]


def test_folds_of_sequences_are_judged_as_in_training_and_the_leak_is_shown(sequences, tmp_path):
    models = [*of_folds(sequences, "block"), *of_folds(sequences, "random")]
    ended = run_tool(
        "evaluate-model", *models, "-s", sequences / "s.h5", "-g", sequences / "g.fa", "--bootstrap", 20, "-p", 1,
        "-o", tmp_path / "m.json", "--predictions", tmp_path / "p.tsv", "--html", tmp_path / "r.html",
        "--published-windows",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "leak: random is split at random, block by block" in ended.stderr
    assert "block: may have seen 0 of " in ended.stderr
    found = json.loads((tmp_path / "m.json").read_text())
    assert list(found["models"]) == ["block", "random"]
    assert list(found["prevalence"]) == ["block"]
    rows = [line.split("\t") for line in (tmp_path / "p.tsv").read_text().splitlines()]
    ours = {row[3]: row[4:] for row in rows if row[0] == "block"}
    theirs = {}
    for fold in (1, 2, 3):
        for line in (sequences / f"block.fold{fold}.predictions.tsv").read_text().splitlines()[1:]:
            name, part, *rest = line.split("\t")
            if part == "test":
                assert name not in theirs
                theirs[name] = rest
    assert ours == theirs
    text = (tmp_path / "r.html").read_text()
    for heading in ("Folds", "The leak of a random split", "Windows as published"):
        assert f"<h2>{heading}</h2>" in text


def test_the_same_bytes_come_out_again_with_other_threads(sequences, tmp_path):
    for name, threads in (("a", 1), ("b", 2)):
        ended = run_tool(
            "evaluate-model", *of_folds(sequences, "block"), "-s", sequences / "s.h5", "-q", "--bootstrap", 20,
            "-o", tmp_path / f"{name}.json", "--html", tmp_path / f"{name}.html", "-p", threads,
        )  # fmt: skip
        assert (ended.returncode, ended.stderr) == (0, "")
    for kind in ("json", "html"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (("-s", "empty.h5"), "empty.h5: the file is empty; make it again"),
        (("-s", "cut.h5"), "cut.h5: the sequence file is damaged"),
        (("-s", "g.fa"), "g.fa: not an HDF5 file, or damaged; make it again with encode-seq"),
        (("-s", "none.h5"), "none.h5"),
        (("-t", "s.h5", "-r", "r.bed"), "block.fold1 is a model of sequences; give -s, and neither -t nor -r"),
        ((), "block.fold1 is a model of sequences; give -s, and neither -t nor -r"),
        (("-s", "s.h5", "--normalise", "rpm"), "--normalise: not for models of sequences"),
        (("-s", "s.h5", "--validated", "r.bed"), "--validated: not for models of sequences; encode the set"),
        (("-s", "s.h5", "-g", "r.bed"), "r.bed"),
        (("-s", "s.h5", "-s", "s.h5"), "several sequence files need a name each"),
        (("-s", "s.h5", "-m", "block.fold1.safetensors"), "fold 1 of block is given twice"),
        (("-s", "s.h5", "--ensemble"), "--ensemble: no region is in the test sets of two folds"),
    ],
)
def test_sequences_that_do_not_fit_are_refused_in_one_line(sequences, tmp_path, data, message):
    words = [sequences / word if "." in word else word for word in data]
    ended = run_tool("evaluate-model", *of_folds(sequences, "block"), *words, "-o", tmp_path / "m.json", "-q")
    assert_refused(ended, message)
    assert list(tmp_path.iterdir()) == []


def test_models_of_both_kinds_and_options_of_the_other_kind_are_refused(sequences, made, tmp_path):
    out = ("-o", tmp_path / "m.json", "-q")
    fold = sequences / "block.fold1.safetensors"
    ended = run_tool("evaluate-model", "-m", made / "m1.safetensors", "-m", fold, "-s", sequences / "s.h5", *out)
    assert_refused(ended, "a model of sequences, but")
    ended = run_tool("evaluate-model", "-m", made / "m1.safetensors", "-s", sequences / "s.h5", *out)
    assert_refused(ended, "m1 is a model of tracks; give -t and -r, and no -s")
    assert_refused(evaluate(made, *out, "-g", sequences / "g.fa"), "--genome: not for models of tracks")
    assert_refused(evaluate(made, *out, "--published-windows"), "--published-windows: not for models of tracks")


def test_an_output_that_cannot_be_written_is_said_before_the_work(sequences, tmp_path):
    ended = run_tool(
        "evaluate-model", *of_folds(sequences, "block"), "-s", sequences / "s.h5", "-o", tmp_path / "no" / "m.json"
    )
    assert_refused(ended, "m.json")


def test_the_name_of_a_run_stands_for_all_its_folds(tmp_path):
    path = toy_planted.encoded(tmp_path, n=60)
    train = ["--arch", "kmer-logistic", "-s", path, "--folds", 3, "--block", 20_000, "-q"]
    assert run_tool("train-model", *train, "-o", tmp_path / "m.safetensors").returncode == 0
    ended = run_tool("evaluate-model", "-m", tmp_path / "m.safetensors", "-s", path, "-o", tmp_path / "e.json", "-q")
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "e.json").read_text())
    assert list(found["models"]) == ["m"]
    assert len(found["folds"]["m"]["each"]) == 3


def test_figures_and_curves_are_written_for_multiqc(made, tmp_path):
    ended = evaluate(made, "-o", tmp_path / "m.json", "--multiqc", tmp_path / "mqc", models=("m1", "m2"))
    assert ended.returncode == 0, ended.stderr
    metrics = json.loads((tmp_path / "m.json").read_text())["models"]
    found = data(tmp_path / "mqc")
    assert list(found) == ["m.classes", "m.curve_enhancer", "m.curve_promoter", "m.evaluation"]
    for name, of_model in metrics.items():
        assert found["m.evaluation"][f"m: {name}"]["mAP"] == pytest.approx(of_model["mAP"], abs=1e-3)
        curve = found["m.curve_enhancer"][f"m: {name}"]
        assert curve[-1][0] == 1  # all five enhancers are found in the end
        row = found["m.classes"][f"m: {name}: enhancer"]
        assert (row["AP"], row["regions"]) == (pytest.approx(of_model["classes"]["enhancer"]["AP"], abs=1e-3), 5)
