"""train-model for networks on k-mer embeddings and motif frequencies, and the splits and shares that came with them."""

import json

import h5py
import numpy as np
import pytest
from running import run_tool
from toy_encoded import MOTIF, motif_file, options

from crekit.models.file import load_sequence_model
from crekit.training.splits import thin

QUICK = ["--folds", 3, "--fold", 1, "--epochs", 2, "--lr", 0.001, "-p", 1, "-q"]


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoded")
    made = run_tool("encode-seq", *options(folder), "-o", folder / "s.h5")
    assert made.returncode == 0, made.stderr
    return folder / "s.h5"


def train(arch, encoded, output, *words):
    given = [*QUICK, *words] if "--split" not in words else [*QUICK[4:], *words]
    return run_tool("train-model", "--arch", arch, "-s", encoded, "-o", output, *given)


def predictions(output):
    lines = output.with_suffix(".predictions.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return {row[0]: float(row[-1]) for row in rows}


@pytest.mark.parametrize("arch", ["mdlf", "mdlf-sequence", "mdlf-motif", "fusion"])
def test_the_model_file_alone_gives_the_predictions(arch, encoded, tmp_path):
    from crekit.encoding.store import Sequences

    output = tmp_path / "m.safetensors"
    ended = train(arch, encoded, output)
    assert ended.returncode == 0, ended.stderr
    model, told = load_sequence_model(output), predictions(output)
    with Sequences(encoded) as sequences:
        for i in np.flatnonzero(np.isin(sequences.ids.astype(str), list(told)))[:6]:
            got = model.probabilities(sequences.codes(i)[None])[0, 1]
            assert got == pytest.approx(told[sequences.ids[i]], abs=2e-6)


def test_fusion_of_motifs_learns_the_planted_one(encoded, tmp_path):
    output = tmp_path / "m.safetensors"
    words = ["--encodings", "motif", "--epochs", 20, "--lr", 0.01]
    assert train("fusion", encoded, output, *words).returncode == 0
    metrics = json.loads(output.with_suffix(".metrics.json").read_text())
    assert metrics["test"]["classes"]["enhancer"]["AP"] > 0.9
    assert load_sequence_model(output).settings.parameters["encodings"] == ["motif"]


def test_iterative_folds_write_the_round_of_each_epoch(encoded, tmp_path):
    output = tmp_path / "m.safetensors"
    ended = run_tool(
        "train-model", "--arch", "mdlf-motif", "-s", encoded, "-o", output, *QUICK[:-1], "--iterative-folds", 3
    )
    assert ended.returncode == 0, ended.stderr
    lines = [line.split("\t") for line in output.with_suffix(".history.tsv").read_text().splitlines()]
    assert lines[0][-1] == "round"
    assert [line[-1] for line in lines[1:]] == ["1", "1", "2", "2", "3", "3"]
    assert "trained on, as published" in ended.stderr


def test_a_stored_split_is_the_one_used(encoded, tmp_path):
    path = tmp_path / "s.h5"
    path.write_bytes(encoded.read_bytes())
    with h5py.File(path, "a") as handle:
        ids = handle["id"].asstr()[:]
        parts = np.arange(len(ids)) % 3
        handle.create_dataset("split", data=parts.astype("i1"))
    output = tmp_path / "m.safetensors"
    ended = train("mdlf-motif", path, output, "--split", "stored")
    assert ended.returncode == 0, ended.stderr
    split = load_sequence_model(output).settings.split
    assert (split["kind"], split["test"]) == ("stored", list(ids[parts == 2]))
    judged = run_tool("evaluate-model", "-m", output, "-s", path, "-o", tmp_path / "e.json")
    assert judged.returncode == 0, judged.stderr


def test_a_share_of_the_training_regions_is_used(encoded, tmp_path):
    output = tmp_path / "m.safetensors"
    assert train("mdlf-motif", encoded, output, "--share", 0.5).returncode == 0
    half = json.loads(output.with_suffix(".metrics.json").read_text())["counts"]
    assert train("mdlf-motif", encoded, output).returncode == 0
    whole = json.loads(output.with_suffix(".metrics.json").read_text())["counts"]
    assert half["test"] == whole["test"]
    assert half["val"] == whole["val"]
    assert half["train"] == {name: round(number / 2) for name, number in whole["train"].items()}


def test_a_share_is_of_each_class():
    parts = np.array([0] * 10 + [1] * 4 + [0] * 20)
    names = np.array(["a"] * 14 + ["b"] * 20, dtype=object)
    kept = thin(parts, names, 0.3, 1)
    assert [(kept[names == name] == 0).sum() for name in "ab"] == [3, 6]
    assert (kept == 1).sum() == 4


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (["--split", "stored"], "the sequences hold no split; audit-dataset --fix stores one"),
        (["--encodings", "colour"], "--encodings colour: choose from one-hot, kmer, motif"),
        (["--iterative-folds", 3, "--calibrate", "temperature"], "leaves no data unseen"),
        (["--iterative-folds", 60], "a class has"),
    ],
)
def test_what_cannot_be_is_refused(encoded, tmp_path, words, mention):
    ended = train("fusion", encoded, tmp_path / "m.safetensors", *words)
    assert (ended.returncode, mention in ended.stderr) == (2, True), ended.stderr


def test_encodings_belong_to_fusion(encoded, tmp_path):
    ended = train("mdlf", encoded, tmp_path / "m.safetensors", "--encodings", "kmer")
    assert (ended.returncode, "nothing for mdlf" in ended.stderr) == (2, True)


def test_sequences_without_encoders_are_refused(tmp_path):
    words = options(tmp_path)[:8]
    assert run_tool("encode-seq", *words, "-o", tmp_path / "s.h5").returncode == 0
    ended = train("mdlf", tmp_path / "s.h5", tmp_path / "m.safetensors")
    assert (ended.returncode, "mdlf reads k-mer embeddings; encode with --kmer-vectors" in ended.stderr) == (2, True)


def test_data_sets_with_other_motifs_are_refused(encoded, tmp_path):
    words = options(tmp_path)
    words[-1] = motif_file(tmp_path / "other.meme", MOTIF)
    assert run_tool("encode-seq", *words, "-o", tmp_path / "other.h5").returncode == 0
    ended = run_tool(
        "train-model", "--arch", "mdlf", "-s", f"a={encoded}", "-s", f"b={tmp_path / 'other.h5'}", "-o",
        tmp_path / "m.safetensors", *QUICK,
    )  # fmt: skip
    assert (ended.returncode, "has other k-mer vectors or motifs than" in ended.stderr) == (2, True)


def test_a_source_with_other_motifs_is_refused(encoded, tmp_path):
    words = options(tmp_path)
    words[-1] = motif_file(tmp_path / "other.meme", MOTIF, MOTIF[::-1])
    assert run_tool("encode-seq", *words, "-o", tmp_path / "other.h5").returncode == 0
    source = tmp_path / "source.safetensors"
    assert train("mdlf-motif", tmp_path / "other.h5", source).returncode == 0
    ended = train("mdlf-motif", encoded, tmp_path / "m.safetensors", "--init-from", source)
    assert (ended.returncode, "reads other k-mer vectors or motifs" in ended.stderr) == (2, True)


def test_transfer_begins_with_the_source(encoded, tmp_path):
    source, output = tmp_path / "source.safetensors", tmp_path / "m.safetensors"
    assert train("mdlf", encoded, source).returncode == 0
    ended = train("mdlf", encoded, output, "--init-from", source, "--lr", 0, "--epochs", 1)
    assert ended.returncode == 0, ended.stderr
    assert predictions(output) == pytest.approx(predictions(source), abs=1e-6)


def test_a_run_of_an_encoded_network_resumes(encoded, tmp_path):
    output = tmp_path / "m.safetensors"
    assert train("mdlf-motif", encoded, output, "--resume").returncode == 0
    first = output.read_bytes()
    assert train("mdlf-motif", encoded, output, "--resume").returncode == 0
    assert output.read_bytes() == first
