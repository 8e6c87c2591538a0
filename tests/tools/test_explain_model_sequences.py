import pyBigWig
import pytest
import torch
import toy_explain as toy
import toy_signal
from running import run_tool

from crekit.encoding.windows import Rule
from crekit.models import file as model_file
from crekit.models import registry


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sequences of a genome, of FASTA records and of other windows, and untrained models."""
    folder = tmp_path_factory.mktemp("toy")
    toy.encode_genome(folder)
    for name, rule in {"fasta": None, "wide": Rule(80, 20, "pad", "zero")}.items():
        (folder / name).mkdir()
        toy.encode_fasta(folder / name, toy.planted([toy.WORD], 4, 60), rule)
    for arch in ("deepenhancer-4conv", "lstm"):
        torch.manual_seed(1)
        of = toy.settings(arch)
        model_file.save(folder / f"{arch}.safetensors", of, of.build())
    torch.manual_seed(1)
    network = registry.find("deepregfinder-cnn").build(2, 3, 20)
    model_file.save(folder / "signal.safetensors", toy_signal.settings(arch="deepregfinder-cnn"), network)
    (folder / "empty.h5").touch()
    (folder / "short.h5").write_bytes((folder / "sequences.h5").read_bytes()[:3000])
    (folder / "text.h5").write_text("chr1\t1\t2\n")
    return folder


def explain(made, *args, model="deepenhancer-4conv", sequences="sequences.h5"):
    given = ("-m", made / f"{model}.safetensors", "-s", made / sequences, "-p", 1, "--shuffles", 2, "--logos", 2)
    return run_tool("explain-model", *given, *args)


def test_page_table_and_bigwig_are_written(made, tmp_path):
    ended = explain(made, "-o", tmp_path / "e.html", "--table", tmp_path / "t.tsv", "--bigwig", tmp_path / "x")
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "enhancer: 5 of 5 regions" in ended.stderr
    assert "contributions miss the differences that they explain by at most " in ended.stderr
    text = (tmp_path / "e.html").read_text()
    assert "What each base contributes to a class of a deepenhancer-4conv" in text
    assert text.count("<svg ") == 1
    lines = (tmp_path / "t.tsv").read_text().splitlines()
    assert lines[0] == "class\trank\tregion\tchrom\tposition\tbase\tcontribution\tA\tC\tG\tT"
    assert len(lines) == 1 + 5 * 60
    assert {path.name for path in tmp_path.iterdir()} == {"e.html", "t.tsv", "x.enhancer.bw"}
    fields = lines[1].split("\t")
    with pyBigWig.open(str(tmp_path / "x.enhancer.bw")) as handle:
        place = int(fields[4])
        assert handle.values(fields[3], place, place + 1)[0] == pytest.approx(float(fields[6]), rel=1e-4)
        assert handle.header()["nBasesCovered"] == 5 * 60
        assert handle.intervals("chr1") is None


def test_recurrent_networks_are_explained_by_mutation(made, tmp_path):
    ended = explain(made, "-o", tmp_path / "e.html", "--per-class", 1, model="lstm")
    assert ended.returncode == 0, ended.stderr
    assert "method: mutagenesis" in ended.stderr
    assert "In-silico mutagenesis" in (tmp_path / "e.html").read_text()


def test_plain_page_has_its_plots_beside_it(made, tmp_path):
    args = ("--html-assets", tmp_path / "plots", "--class", "background", "--class", "enhancer", "-q")
    ended = explain(made, "-o", tmp_path / "e.html", *args)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"contributions_1.png", "contributions_2.png"}
    assert "<svg" not in (tmp_path / "e.html").read_text()


def test_same_run_gives_the_same_bytes_whatever_the_threads(made, tmp_path):
    for threads in (1, 2):
        prefix = tmp_path / str(threads)
        ended = explain(made, "-o", f"{prefix}.html", "--table", f"{prefix}.tsv", "--bigwig", prefix, "-p", threads)
        assert ended.returncode == 0, ended.stderr
    for suffix in (".html", ".tsv", ".enhancer.bw"):
        assert (tmp_path / f"1{suffix}").read_bytes() == (tmp_path / f"2{suffix}").read_bytes(), suffix
    explain(made, "-o", tmp_path / "3.html", "--seed", 9)
    assert (tmp_path / "3.html").read_bytes() != (tmp_path / "1.html").read_bytes()


@pytest.mark.parametrize(
    ("model", "sequences", "args", "message"),
    [
        ("deepenhancer-4conv", "none.h5", (), "none.h5: no such file"),
        ("deepenhancer-4conv", "empty.h5", (), "empty.h5: the file is empty"),
        ("deepenhancer-4conv", "short.h5", (), "short.h5: "),
        ("deepenhancer-4conv", "text.h5", (), "text.h5: not an HDF5 file"),
        ("deepenhancer-4conv", "wide/sequences.h5", (), "windows of 80 bases, but deepenhancer-4conv sees 60 bases"),
        ("signal", "sequences.h5", (), "a model of tracks, which sequences cannot feed"),
        ("lstm", "sequences.h5", ("--method", "deep-lift"), "DeepLIFT has no rule for SequenceLstm"),
        ("deepenhancer-4conv", "sequences.h5", ("--method", "shap"), "choose auto, deep-lift, mutagenesis"),
        ("deepenhancer-4conv", "sequences.h5", ("--class", "promoter"), "knows background, enhancer"),
        ("deepenhancer-4conv", "sequences.h5", ("--subset", "3"), "chromosome '3' is not known"),
        ("deepenhancer-4conv", "sequences.h5", ("--normalise", "rpm"), "leave out --tracks, --regions and --normalise"),
        ("deepenhancer-4conv", "sequences.h5", ("--bigwig", "no/such/x"), "does not exist"),
        ("deepenhancer-4conv", "fasta/sequences.h5", ("--bigwig", "x"), "no place on a genome for a bigWig"),
        ("deepenhancer-4conv", "fasta/sequences.h5", ("--subset", "chr1"), "have no chromosome"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(made, tmp_path, model, sequences, args, message):
    ended = explain(made, "-o", tmp_path / "e.html", "-q", *args, model=model, sequences=sequences)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert ended.stderr.startswith("explain-model: error: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "give tracks and regions (-t -r) for a model of tracks, or sequences (-s)"),
        (("-t", "x.h5"), "give tracks and regions (-t -r)"),
        (("-t", "x.h5", "-r", "x.bed", "--bigwig", "x"), "--class and --bigwig explain a model of sequences"),
    ],
)
def test_options_that_do_not_go_together_are_refused(made, tmp_path, args, message):
    given = ("-m", made / "deepenhancer-4conv.safetensors", "-o", tmp_path / "e.html")
    ended = run_tool("explain-model", *given, *args)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_a_model_of_sequences_cannot_read_tracks(made, tmp_path):
    toy_signal.write_tracks(tmp_path / "t.h5")
    (tmp_path / "r.bed").write_text("chr1\t0\t2000\tenhancer\n")
    data = ("-t", tmp_path / "t.h5", "-r", tmp_path / "r.bed", "-o", tmp_path / "e.html")
    ended = run_tool("explain-model", "-m", made / "deepenhancer-4conv.safetensors", *data)
    assert ended.returncode == 2
    assert "a model of sequences, which tracks cannot feed" in ended.stderr
