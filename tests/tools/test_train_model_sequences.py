import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from running import run_tool
from toy_planted import encoded, fasta

from crekit.encoding.store import Sequences
from crekit.encoding.windows import Rule
from crekit.models.file import load_sequence_model

QUICK = ["--epochs", "2", "--windows-per-region", "one", "--batch-size", "32"]
SPLIT = ["--train", "chr1", "--val", "chr2", "--test", "chr3"]
SMALL = "deepenhancer-6conv3pool6norm"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Regions of a small genome on three chromosomes, in windows of 60 bases."""
    return encoded(tmp_path_factory.mktemp("genome"))


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return fasta(tmp_path_factory.mktemp("fasta"))


def train(*args, expect: int = 0):
    ended = run_tool("train-model", *args)
    assert ended.returncode == expect, ended.stderr
    return ended


def refused(*args) -> str:
    ended = run_tool("train-model", *args, "-q")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    return ended.stderr


@pytest.mark.parametrize("arch", ["kmer-logistic", "gkm-svm"])
def test_baselines_find_a_planted_motif(arch, data, tmp_path):
    train("--arch", arch, "-s", data, *SPLIT, "-o", tmp_path / "m.safetensors", "-q")
    metrics = json.loads((tmp_path / "m.metrics.json").read_text())
    assert metrics["test"]["mAP"] > {"kmer-logistic": 0.8, "gkm-svm": 0.95}[arch]
    assert metrics["counts"]["train"] == {"background": 60, "enhancer": 60}
    assert metrics["best_epoch"] is None


def test_a_network_learns_and_keeps_the_epoch_of_the_lowest_validation_loss(data, tmp_path):
    out = tmp_path / "m.safetensors"
    train("--arch", SMALL, "-s", data, *SPLIT, "-o", out, "-q", "--epochs", 12, "--lr", 0.002,
          "--windows-per-region", "one", "--batch-size", 16, "--augment", "reverse-complement")  # fmt: skip
    rows = [line.split("\t") for line in (tmp_path / "m.history.tsv").read_text().splitlines()]
    losses = [float(row[rows[0].index("val_loss")]) for row in rows[1:]]
    metrics = json.loads((tmp_path / "m.metrics.json").read_text())
    assert metrics["best_epoch"] == np.argmin(losses) + 1
    assert metrics["test"]["mAP"] > 0.8
    model = load_sequence_model(out)
    assert (model.settings.window, model.settings.stride, model.settings.parameters) == (60, 10, {"padding": "valid"})


def test_predictions_are_the_models_own_scores_of_the_best_window(data, tmp_path):
    out = tmp_path / "m.safetensors"
    train("--arch", SMALL, "-s", data, *SPLIT, "-o", out, "-q", *QUICK, "--calibrate", "temperature")
    model, stored = load_sequence_model(out), Sequences(data)
    rows = [line.split("\t") for line in (tmp_path / "m.predictions.tsv").read_text().splitlines()]
    assert rows[0] == ["id", "part", "class", "predicted", "background", "enhancer"]
    position = {name: i for i, name in enumerate(stored.ids)}
    for row in rows[1:40]:
        i = position[row[0]]
        n = stored.n_windows[i]
        p = model.probabilities(stored.window_codes(np.full(n, i), np.arange(n)))
        assert float(row[5]) == pytest.approx(p[:, 1].max(), abs=2e-6)


@pytest.mark.parametrize("arch", [SMALL, "lstm"])
def test_the_same_command_gives_the_same_bytes(arch, data, tmp_path):
    for name in ("a", "b"):
        train("--arch", arch, "-s", data, *SPLIT, "-o", tmp_path / f"{name}.safetensors", "-q", *QUICK)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_the_lstm_takes_whole_regions(tmp_path):
    path = encoded(tmp_path, Rule(0, 1), n=40)
    train("--arch", "lstm", "-s", path, *SPLIT, "-o", tmp_path / "m.safetensors", "-q", *QUICK)
    assert load_sequence_model(tmp_path / "m.safetensors").settings.window == 0


def test_a_killed_run_goes_on_to_the_same_bytes(data, tmp_path):
    args = ["--arch", SMALL, "-s", data, *SPLIT, "--epochs", 6, "--windows-per-region", "one", "--batch-size", 8]
    train(*args, "-o", tmp_path / "whole.safetensors", "-q")
    code = "from crekit_tools.crekit import main; main()"
    command = [sys.executable, "-c", code, "train-model", *map(str, args), "-o", str(tmp_path / "m.safetensors"), "-q"]
    process = subprocess.Popen(command)
    for _ in range(3000):
        if (tmp_path / "m.checkpoint").exists() or process.poll() is not None:
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "m.safetensors").exists()
    train(*args, "-o", tmp_path / "m.safetensors", "-q", "--resume")
    assert (tmp_path / "m.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


# --- folds


def test_all_folds_are_trained_and_every_region_is_tested_once(data, tmp_path):
    train(
        "--arch", "kmer-logistic", "-s", data, "--folds", 3, "--block", 20_000, "-o", tmp_path / "m.safetensors", "-q"
    )
    models = [load_sequence_model(tmp_path / f"m.fold{i}.safetensors") for i in (1, 2, 3)]
    assert not (tmp_path / "m.safetensors").exists()
    assert len({model.settings.group for model in models}) == 1
    tested = []
    for i in (1, 2, 3):
        rows = (tmp_path / f"m.fold{i}.predictions.tsv").read_text().splitlines()[1:]
        tested += [row.split("\t")[0] for row in rows if row.split("\t")[1] == "test"]
    assert len(tested) == len(set(tested)) > 250


def test_a_fold_of_its_own_is_the_one_of_all_folds(data, tmp_path):
    args = ["--arch", "kmer-logistic", "-s", data, "--folds", 3, "--block", 20_000, "-q"]
    train(*args, "-o", tmp_path / "m.safetensors")
    train(*args, "--fold", 2, "-o", tmp_path / "two.safetensors")
    assert (tmp_path / "two.safetensors").read_bytes() == (tmp_path / "m.fold2.safetensors").read_bytes()


def test_resume_leaves_complete_folds_alone(data, tmp_path):
    args = ["--arch", "kmer-logistic", "-s", data, "--folds", 3, "--block", 20_000]
    train(*args, "-o", tmp_path / "m.safetensors")
    (tmp_path / "m.fold2.safetensors").unlink()
    ended = train(*args, "-o", tmp_path / "m.safetensors", "--resume")
    assert "fold 1: complete" in ended.stderr
    assert "fold 2: complete" not in ended.stderr
    assert (tmp_path / "m.fold2.safetensors").exists()


def test_records_go_by_clusters_and_random_folds_warn(records, tmp_path):
    args = ["--arch", "kmer-logistic", "-s", records, "--folds", 3, "--fold", 1]
    train(*args, "-o", tmp_path / "m.safetensors")
    assert load_sequence_model(tmp_path / "m.safetensors").settings.split["by"] == "cluster"
    assert "flatters the model" in train(*args, "--by", "random", "-o", tmp_path / "r.safetensors").stderr


# --- transfer


def test_a_net_goes_on_from_another_with_layers_frozen(data, tmp_path):
    args = ["--arch", SMALL, "-s", data, *SPLIT, *QUICK, "-q"]
    train(*args, "-o", tmp_path / "a.safetensors")
    train(*args, "--init-from", tmp_path / "a.safetensors", "--freeze", 2, "-o", tmp_path / "b.safetensors")
    a, b = (load_sequence_model(tmp_path / f"{name}.safetensors").network.state_dict() for name in "ab")
    same = {name.split(".")[0] for name in a if np.array_equal(a[name], b[name])}
    assert {"0", "1", "3", "4"} <= same
    assert "6" not in {name.split(".")[0] for name in a if not name.startswith(tuple("0134")) and name in same}
    record = load_sequence_model(tmp_path / "b.safetensors").settings.record
    assert [one["role"] for one in record["inputs"]] == ["sequences", "init-from"]
    assert record["options"]["freeze"] == "2"


def test_a_source_of_another_split_is_warned_of(data, tmp_path):
    args = ["--arch", SMALL, "-s", data, *QUICK]
    train(*args, *SPLIT, "-o", tmp_path / "a.safetensors", "-q")
    folds = ["--folds", 3, "--fold", 1, "--block", 20_000, "-o", tmp_path / "b.safetensors"]
    assert (
        "may have seen regions of this test set"
        in train(*args, *folds, "--init-from", tmp_path / "a.safetensors").stderr
    )


# --- what is refused


def test_what_does_not_go_together_is_refused_in_one_line(data, records, tmp_path):
    out = ["-o", tmp_path / "m.safetensors"]
    base = ["-s", data, *SPLIT, *out]
    cases = [
        (["--arch", SMALL, *out, *SPLIT], "give tracks and regions (-t and -r), or sequences (-s)"),
        (["--arch", "deepregfinder-cnn", *base], "takes tracks and regions (-t -r)"),
        (["--arch", SMALL, "-t", data, "-r", data, *SPLIT, *out], "takes sequences (-s)"),
        (["--arch", SMALL, *base, "--marks", "A"], "leave out -r, and without -t --marks"),
        (["--arch", SMALL, *base, "--augment", "flip-bins"], "only for models of tracks"),
        (["--arch", SMALL, *base, "--k", "5"], "--k: nothing for deepenhancer"),
        (["--arch", "gkm-svm", *base, "--k", "5"], "--k 5: give l,k,d such as 10,6,3"),
        (["--arch", "gkm-svm", *base, "--epochs", "5"], "--epochs: nothing for this architecture"),
        (["--arch", SMALL, *base, "--freeze", "2"], "give it with --init-from"),
        (["--arch", SMALL, *base, "--folds", "5"], "--folds goes without --train"),
        (["--arch", SMALL, "-s", data, *out, "--fold", "1"], "--fold and --by belong to --folds"),
        (["--arch", SMALL, "-s", data, *out, "--folds", "5", "--fold", "6"], "--fold 6: give a number from 1 to 5"),
        (["--arch", SMALL, "-s", records, *out, "--folds", "3", "--by", "block"], "no place on a genome"),
        (["--arch", SMALL, "-s", records, *SPLIT, *out], "records of a FASTA lie on no chromosome"),
        (["--arch", SMALL, "-s", data, "-s", data, *SPLIT, *out], "several sequence files need a name each"),
        (["--arch", SMALL, *base, "--relabel", "promoter=x"], "--relabel promoter: the sequences hold no such class"),
        (["--arch", SMALL, *base, "--relabel", "enhancer=background"], f"{data}: holds the class background alone"),
        (["--arch", SMALL, "-s", f"A={data}", "-s", f"B={data}", *SPLIT, *out], "two data sets have the same contents"),
        (["--arch", SMALL, "-s", data, *out, "--folds", "40", "--fold", "1"], "of fold 1 holds no site"),
    ]
    for args, message in cases:
        assert message in refused(*args), args
    assert not list(tmp_path.iterdir())


def test_windows_too_narrow_for_the_network_are_refused(tmp_path):
    path = encoded(tmp_path, Rule(20, 10), n=20)
    message = refused("--arch", "deepenhancer-4conv2pool", "-s", path, *SPLIT, "-o", tmp_path / "m.safetensors")
    assert f"{path}: windows of 20 bases are too narrow for 4conv2pool; encode with a wider --window" in message
    whole = encoded(tmp_path, Rule(0, 1), n=20)
    message = refused("--arch", SMALL, "-s", whole, *SPLIT, "-o", tmp_path / "m.safetensors")
    assert f"{whole}: holds whole regions, but {SMALL} reads windows; encode with --window 300" in message


def test_too_many_folds_for_the_chromosomes_are_refused_with_a_remedy_that_helps(data, tmp_path):
    args = ["--arch", "kmer-logistic", "-s", data, "--by", "chromosome", "-o", tmp_path / "m.safetensors"]
    message = refused(*args, "--folds", 4)
    assert "holds no site: no region that is kept lies there" in message
    assert message.endswith("use --by block, or regions on more chromosomes, or fewer folds\n")
