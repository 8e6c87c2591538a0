"""fusion of sequence and signal: what neither tells alone, both tell together."""

import json

import pytest
from running import run_tool
from toy_encoded import motif_file
from toy_fusion import MOTIF, world

from crekit.models.file import load

SPLIT = ["--train", "chr1", "--val", "chr2", "--test", "chr3", "-p", 1, "-q"]
FUSION = ["--arch", "fusion", "--encodings", "motif", "--epochs", 15, "--lr", 0.01]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fusion")
    world(folder)
    motifs = motif_file(folder / "m.meme", MOTIF)
    words = ["-r", folder / "regions.bed", "-g", folder / "genome.fa", "--window", 0, "--motifs", motifs]
    ended = run_tool("encode-seq", *words, "-o", folder / "s.h5")
    assert ended.returncode == 0, ended.stderr
    ended = train(folder, folder / "both", "-t", folder / "tracks.h5")
    assert ended.returncode == 0, ended.stderr
    return folder


def train(folder, output, *words, arch=FUSION):
    return run_tool("train-model", *arch, "-s", folder / "s.h5", *words, *SPLIT, "-o", f"{output}.safetensors")


def precision(path) -> float:
    return json.loads(path.read_text())["test"]["classes"]["enhancer"]["AP"]


def test_sequence_and_signal_tell_what_neither_tells_alone(made, tmp_path):
    assert train(made, tmp_path / "sequence").returncode == 0
    signal = ["--arch", "deepregfinder-cnn", "-t", made / "tracks.h5", "-r", made / "regions.bed", "--epochs", 10]
    ended = run_tool("train-model", *signal, *SPLIT, "-o", tmp_path / "signal.safetensors")
    assert ended.returncode == 0, ended.stderr
    assert precision(made / "both.metrics.json") > 0.9
    assert precision(tmp_path / "sequence.metrics.json") < 0.75
    assert precision(tmp_path / "signal.metrics.json") < 0.75


def test_the_model_says_what_it_reads_of_tracks(made):
    settings = load(made / "both.safetensors").settings
    assert settings.signal["marks"] == ["A"]
    assert (settings.signal["bin_size"], settings.signal["n_bins"]) == (100, 20)
    assert [one["role"] for one in settings.record["inputs"]] == ["sequences", "tracks"]


def test_evaluation_gives_the_figures_of_training(made, tmp_path):
    words = ["-m", made / "both.safetensors", "-s", made / "s.h5", "-t", made / "tracks.h5", "--bootstrap", 0]
    ended = run_tool("evaluate-model", *words, "-o", tmp_path / "e.json", "--predictions", tmp_path / "p.tsv")
    assert ended.returncode == 0, ended.stderr
    told = made / "both.predictions.tsv"
    expected = {row[0]: float(row[-1]) for row in rows(told) if row[1] == "test"}
    header = (tmp_path / "p.tsv").read_text().splitlines()[0].split("\t")
    column = next(i for i, name in enumerate(header) if name.endswith("enhancer"))
    name = header.index("id") if "id" in header else 0
    found = {row[name]: float(row[column]) for row in rows(tmp_path / "p.tsv")}
    assert found == pytest.approx(expected, abs=2e-6)


def rows(path):
    return [line.split("\t") for line in path.read_text().splitlines()[1:]]


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (["-s", "{made}/s.h5"], "reads tracks too (A); give -t"),
        (["-s", "{made}/s.h5", "-t", "{made}/absent.h5"], "absent.h5"),
    ],
)
def test_a_model_that_reads_tracks_needs_them(made, tmp_path, words, mention):
    given = [word.format(made=made) for word in words]
    ended = run_tool("evaluate-model", "-m", made / "both.safetensors", *given, "-q", "-o", tmp_path / "e.json")
    assert (ended.returncode, mention in ended.stderr, ended.stderr.count("\n")) == (2, True, 1), ended.stderr


@pytest.mark.parametrize("tool", ["scan-genome", "extract-motifs", "score-variants"])
def test_tools_of_sequence_alone_refuse_it(made, tmp_path, tool):
    more = {"scan-genome": ["-g", made / "genome.fa"], "score-variants": ["-g", made / "genome.fa", "--vcf", "v.vcf"]}
    ended = run_tool(tool, "-m", made / "both.safetensors", *more.get(tool, []), "-o", tmp_path / "o.vcf")
    assert (ended.returncode, "reads tracks beside sequences (A)" in ended.stderr) == (2, True), ended.stderr


@pytest.mark.parametrize(
    ("arch", "words", "mention"),
    [
        (["--arch", "mdlf-motif"], [], "reads sequences or tracks, not both; give --arch fusion"),
        (FUSION, ["--marks", "B"], "B"),
        (FUSION, ["-r", "{made}/regions.bed"], "leave out -r"),
    ],
)
def test_what_does_not_go_with_tracks_is_refused(made, tmp_path, arch, words, mention):
    given = ["-t", made / "tracks.h5", *(word.format(made=made) for word in words)]
    ended = train(made, tmp_path / "m", *given, arch=arch)
    assert (ended.returncode, mention in ended.stderr) == (2, True), ended.stderr


def test_tracks_that_no_model_reads_are_refused(made, tmp_path):
    assert train(made, tmp_path / "m", arch=[*FUSION[:4], "--epochs", 1]).returncode == 0
    words = ["-s", made / "s.h5", "-t", made / "tracks.h5", "-o", tmp_path / "e.json"]
    ended = run_tool("evaluate-model", "-m", tmp_path / "m.safetensors", *words)
    assert (ended.returncode, "give -s, and neither -t nor -r" in ended.stderr) == (2, True)


def test_data_sets_pair_sequences_and_tracks_by_name(made, tmp_path):
    words = ["--arch", "fusion", "-s", f"a={made / 's.h5'}", "-t", f"b={made / 'tracks.h5'}", *SPLIT]
    ended = run_tool("train-model", *words, "-o", tmp_path / "m.safetensors")
    assert (ended.returncode, "sequences are named a, but tracks b" in ended.stderr) == (2, True)
