"""evaluate-model for models that read tracks beside sequences."""

import csv
import json

import numpy as np
import pytest
import toy_planted
from running import run_tool

from crekit.encoding.encode import encode_regions
from crekit.encoding.windows import Rule
from crekit.signal import tracks as store

SIZES = {f"chr{number}": 123_000 for number in (1, 2, 3)}


def write_tracks(path, seed):
    """A mark that is a little higher under enhancers, which are every other region."""
    random = np.random.default_rng(seed)
    with store.create(path, SIZES, 100, "none") as writer:
        record = {"inputs": [{"role": "reads", "name": "", "sha256": f"A{seed}"}]}
        track = writer.add(store.Track("A", store.SIGNAL, store.VALUES, record))
        for chrom, size in SIZES.items():
            bins = random.random(size // 100)
            for i in range(1, 40, 2):
                bins[(i + 1) * 30 - 5 : (i + 1) * 30 + 12] += 0.5
            track.put(chrom, bins)
        track.finish(0)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sequences of a genome, two track files of it, the folds of a fusion of both, and a model of sequences alone."""
    folder = tmp_path_factory.mktemp("fusion")
    toy_planted.genome(folder, n=40)
    encode_regions([(None, folder / "regions.bed")], folder / "genome.fa", folder / "s.h5", Rule(60, 10))
    lines = (folder / "regions.bed").read_text().splitlines(keepends=True)
    (folder / "some.bed").write_text("".join(lines[::2] + lines[1::4]))
    encode_regions([(None, folder / "some.bed")], folder / "genome.fa", folder / "some.h5", Rule(60, 10))
    for seed in (1, 2):
        write_tracks(folder / f"t{seed}.h5", seed)
    common = ("-s", folder / "s.h5", "--folds", 3, "--block", 10_000, "-p", 1, "-q")
    fusion = ("--arch", "fusion", "-t", folder / "t1.h5", "--encodings", "one-hot", "--epochs", 2)
    for name, words in (("both", fusion), ("bases", ("--arch", "kmer-logistic", "--k", 2))):
        ended = run_tool("train-model", *words, *common, "-o", folder / f"{name}.safetensors")
        assert ended.returncode == 0, ended.stderr
    return folder


def evaluate(made, *words, models=("both",)):
    given = [part for name in models for part in ("-m", made / f"{name}.safetensors")]
    return run_tool("evaluate-model", *given, *words, "--bootstrap", 0, "-p", 1, "-q")


def test_folds_judge_as_they_did_in_training(made, tmp_path):
    ended = evaluate(
        made, "-s", made / "s.h5", "-t", made / "t1.h5", "-o", tmp_path / "m.json", "--predictions", tmp_path / "p.tsv",
        models=("both", "bases"),
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    with open(tmp_path / "p.tsv") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    for model in ("both", "bases"):
        ours = {row["id"]: float(row["enhancer"]) for row in rows if row["model"] == model}
        theirs = {}
        for fold in (1, 2, 3):
            with open(made / f"{model}.fold{fold}.predictions.tsv") as handle:
                held = [row for row in csv.DictReader(handle, delimiter="\t") if row["part"] == "test"]
            theirs |= {row["id"]: float(row["enhancer"]) for row in held}
        assert len(ours) > 60
        assert ours == pytest.approx(theirs, abs=2e-6)
    roles = [one["role"] for one in json.loads((tmp_path / "m.json").read_text())["record"]["inputs"]]
    assert roles == ["model"] * 6 + ["sequences", "tracks"]


def test_a_matrix_takes_the_tracks_of_each_data_set(made, tmp_path):
    data = ("-s", f"home={made / 's.h5'}", "-s", f"away={made / 'some.h5'}")
    tracks = ("-t", f"home={made / 't1.h5'}", "-t", f"away={made / 't2.h5'}")
    ended = evaluate(made, *data, *tracks, "--matrix", "-o", tmp_path / "m.json")
    assert ended.returncode == 0, ended.stderr
    cells = json.loads((tmp_path / "m.json").read_text())["matrix"]["cells"]
    assert [(row["data_set"], row["own"]) for row in cells] == [("away", False), ("home", True)]
    assert all(row["sites"] > 50 for row in cells)
    ended = evaluate(made, *data, *tracks[:2], "--matrix", "-o", tmp_path / "n.json")
    assert (ended.returncode, "no tracks are named as the data set away; give -t away=H5" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "models", "message"),
    [
        (("-s", "s.h5"), ("both",), "the model reads tracks too (A); give -t"),
        (("-s", "s.h5", "-t", "t1.h5"), ("bases",), "give -s, and neither -t nor -r"),
        (("-s", "s.h5", "-t", "t1.h5", "-r", "regions.bed"), ("both",), "give -s, and neither -t nor -r"),
        (("-s", "s.h5", "-t", "t1.h5", "-g", "genome.fa"), ("both",), "--genome: not for models that read tracks too"),
        (("-s", "s.h5", "-t", "s.h5"), ("both",), "s.h5"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(made, tmp_path, words, models, message):
    words = [made / word if "." in word else word for word in words]
    ended = evaluate(made, *words, "-o", tmp_path / "m.json", models=models)
    assert ended.returncode == 2, ended.stderr
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
