import pytest
import torch
import toy_signal as toy
from running import run_tool

from crekit.genome.regions import write_bed
from crekit.models import file as model_file
from crekit.models import registry

PLOTS = {"activation.png", "specific_filters.png", "all_filters.png"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tracks, regions and untrained models."""
    folder = tmp_path_factory.mktemp("toy")
    toy.write_tracks(folder / "tracks.h5", wobble=3.0)
    with open(folder / "regions.bed", "w") as handle:
        write_bed(handle, toy.regions())
    for arch in ("deepregfinder-cnn", "deepregfinder-rnn", "ep-dnn"):
        torch.manual_seed(1)
        model_file.save(folder / f"{arch}.safetensors", toy.settings(arch=arch), registry.find(arch).build(2, 3, 20))
    return folder


def explain(made, *args, model="deepregfinder-cnn"):
    data = ("-t", made / "tracks.h5", "-r", made / "regions.bed")
    return run_tool("explain-model", "-m", made / f"{model}.safetensors", *data, "-p", 1, *args)


@pytest.mark.parametrize("model", ["deepregfinder-cnn", "deepregfinder-rnn"])
def test_page_and_table_are_written(made, tmp_path, model):
    ended = explain(made, "-o", tmp_path / "e.html", "--table", tmp_path / "t.tsv", model=model)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "enhancer: 5 of 5 regions" in ended.stderr
    text = (tmp_path / "e.html").read_text()
    assert f"The first layer of a {model}: 32 filters over 2 marks" in text
    assert text.count("<svg ") == 3
    assert (tmp_path / "t.tsv").read_text().startswith("filter\tquantity\tname\tposition\tvalue\n1\tweight\tA\t-3\t")


def test_plain_page_has_its_plots_beside_it(made, tmp_path):
    ended = explain(made, "-o", tmp_path / "e.html", "--html-assets", tmp_path / "plots", "-q")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "plots").iterdir()} == PLOTS
    text = (tmp_path / "e.html").read_text()
    assert '<img src="plots/activation.png"' in text
    assert "<style" not in text
    assert "<svg" not in text


def test_same_run_gives_the_same_bytes(made, tmp_path):
    for name in ("a", "b"):
        explain(made, "-o", tmp_path / f"{name}.html", "--table", tmp_path / f"{name}.tsv")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()


@pytest.mark.parametrize(
    ("model", "args", "message"),
    [
        ("ep-dnn", (), "ep-dnn has no first convolution, so it has no filters to explain"),
        ("deepregfinder-cnn", ("--subset", "chr9"), "chromosome 'chr9' is not known; known are chr1, chr2, chr3"),
        ("deepregfinder-cnn", ("--per-class", "0"), "--per-class"),
        ("deepregfinder-cnn", ("--device", "tpu"), "choose auto, cpu or cuda"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(made, tmp_path, model, args, message):
    ended = explain(made, "-o", tmp_path / "e.html", *args, model=model)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("explain-model: error: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_page_and_table_need_names_of_their_own(made, tmp_path):
    ended = explain(made, "-o", tmp_path / "e", "--table", tmp_path / "e")
    assert ended.returncode == 2
    assert "given for two outputs" in ended.stderr
