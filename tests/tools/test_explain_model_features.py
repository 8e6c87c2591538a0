import pytest
import toy_explain as toy
import toy_features
from running import run_tool

from crekit.encoding.windows import Rule
from crekit.models import file as model_file

PLOTS = {"motifs_1.png", "forces_1.png"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sequences of a genome and of other windows; models that read motifs, k-mers and motifs, bases only."""
    folder = tmp_path_factory.mktemp("toy")
    toy.encode_genome(folder)
    (folder / "wide").mkdir()
    toy.encode_fasta(folder / "wide", toy.planted([toy.WORD], 4, 60), Rule(80, 20, "pad", "zero"))
    of = toy_features.encoders(folder, kmers=True)
    others = toy_features.encoders(folder, {"M1": toy.WORD, "X": "CAGGTGAG"})
    models = {
        "mdlf": toy_features.model(of, arch="mdlf"),
        "motif": toy_features.model(of),
        "fusion": toy_features.model(of, arch="fusion", parameters={"encodings": ["one-hot", "kmer", "motif"]}),
        "sequence": toy_features.model(of, arch="mdlf-sequence"),
        "others": toy_features.model(others),
        "bases": toy.model(),
    }
    for name, model in models.items():
        model_file.save(folder / f"{name}.safetensors", model.settings, model.network)
    (folder / "empty.h5").touch()
    (folder / "short.h5").write_bytes((folder / "sequences.h5").read_bytes()[:3000])
    (folder / "text.h5").write_text("chr1\t1\t2\n")
    whole = (folder / "mdlf.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    return folder


def explain(made, *args, models=("mdlf",), sequences="sequences.h5"):
    given = [word for model in models for word in ("-m", made / f"{model}.safetensors")]
    return run_tool(
        "explain-model",
        *given,
        "-s",
        made / sequences,
        "-p",
        1,
        "--references",
        5,
        "--logos",
        2,
        "--per-class",
        4,
        *args,
    )


@pytest.mark.parametrize("model", ["mdlf", "motif", "fusion"])
def test_page_and_table_are_written(made, tmp_path, model):
    ended = explain(made, "-o", tmp_path / "e.html", "--table", tmp_path / "t.tsv", models=[model])
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "method: SHAP of motif frequencies" in ended.stderr
    assert "enhancer: 4 of 5 regions" in ended.stderr
    assert "SHAP values miss the differences that they explain by at most " in ended.stderr
    text = (tmp_path / "e.html").read_text()
    assert "What the frequencies of 4 motifs contribute" in text
    assert text.count("<svg ") == 2
    lines = [line.split("\t") for line in (tmp_path / "t.tsv").read_text().splitlines()]
    assert lines[0][:4] == ["class", "rank", "feature", "mean_abs_shap"]
    assert [line[1] for line in lines[1:5]] == ["1", "2", "3", "4"]
    parts = {"mdlf": ["(kmer)"], "motif": [], "fusion": ["(kmer)", "(one-hot)"]}[model]
    assert sorted(line[2] for line in lines[5:]) == parts


def test_plain_page_has_its_plots_beside_it(made, tmp_path):
    ended = explain(made, "-o", tmp_path / "e.html", "--html-assets", tmp_path / "plots", "-q", models=["motif"])
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "plots").iterdir()} == PLOTS
    text = (tmp_path / "e.html").read_text()
    assert "<svg" not in text
    assert "<style" not in text


def test_same_run_gives_the_same_bytes_whatever_the_threads(made, tmp_path):
    for threads in (1, 2):
        explain(made, "-o", tmp_path / f"{threads}.html", "--table", tmp_path / f"{threads}.tsv", "-p", threads)
    for suffix in (".html", ".tsv"):
        assert (tmp_path / f"1{suffix}").read_bytes() == (tmp_path / f"2{suffix}").read_bytes(), suffix


def test_several_models_are_compared(made, tmp_path):
    args = ("-o", tmp_path / "e.html", "--table", tmp_path / "t.tsv", "--top", 2)
    ended = explain(made, *args, models=["mdlf", "motif"])
    assert ended.returncode == 0, ended.stderr
    assert "Shared and exclusive motifs of enhancer" in (tmp_path / "e.html").read_text()
    lines = [line.split("\t") for line in (tmp_path / "t.tsv").read_text().splitlines()]
    assert lines[0][2:6] == ["n_top", "where", "mdlf.rank", "mdlf.mean_abs_shap"]
    assert sum(int(line[2]) for line in lines[1:]) == 4  # two motifs of each model
    assert {line[3] for line in lines[1:]} <= {"all", "mdlf", "motif", ""}


def test_each_model_can_have_sequences_of_its_own(made, tmp_path):
    words = [word for name in ("mdlf", "motif") for word in ("-m", f"{name}={made / name}.safetensors")]
    words += [word for name in ("motif", "mdlf") for word in ("-s", f"{name}={made / 'sequences.h5'}")]
    ended = run_tool("explain-model", *words, "-p", 1, "--references", 5, "--per-class", 2, "-o", tmp_path / "e.html")
    assert ended.returncode == 0, ended.stderr


def test_without_motifs_or_by_choice_the_bases_are_explained(made, tmp_path):
    for model, args in (("sequence", ()), ("motif", ("--method", "mutagenesis"))):
        ended = explain(made, "-o", tmp_path / f"{model}.html", "--per-class", 1, *args, models=[model])
        assert ended.returncode == 0, ended.stderr
        assert "method: mutagenesis" in ended.stderr
        assert "What each base contributes" in (tmp_path / f"{model}.html").read_text()


@pytest.mark.parametrize(
    ("models", "sequences", "args", "message"),
    [
        (["mdlf"], "none.h5", (), "none.h5: no such file"),
        (["mdlf"], "empty.h5", (), "empty.h5: the file is empty"),
        (["mdlf"], "short.h5", (), "short.h5: "),
        (["mdlf"], "text.h5", (), "text.h5: not an HDF5 file"),
        (["cut"], "sequences.h5", (), "cut.safetensors: not a safetensors file, or damaged"),
        (["mdlf"], "wide/sequences.h5", (), "windows of 80 bases, but mdlf sees 60 bases"),
        (["mdlf"], "sequences.h5", ("--class", "promoter"), "knows background, enhancer"),
        (["mdlf"], "sequences.h5", ("--subset", "3"), "chromosome '3' is not known"),
        (["mdlf"], "sequences.h5", ("--bigwig", "x"), "add --method mutagenesis"),
        (["mdlf"], "sequences.h5", ("--method", "deep-lift"), "DeepLIFT has no rule for"),
        (["mdlf"], "sequences.h5", ("--table", "no/such/t.tsv"), "does not exist"),
        (["mdlf", "others"], "sequences.h5", (), "others: other motifs than mdlf (M2 is in mdlf, not in others)"),
        (["mdlf", "bases"], "sequences.h5", (), "bases: deepenhancer-4conv reads no motif frequencies"),
        (["mdlf", "mdlf"], "sequences.h5", (), "two models are called mdlf"),
        (["mdlf", "motif"], "sequences.h5", ("--method", "mutagenesis"), "give one model, or leave out --method"),
        (["mdlf", "motif"], "sequences.h5", ("-s", "x=y.h5"), "give one sequence file for all, or one for each"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(made, tmp_path, models, sequences, args, message):
    ended = explain(made, "-o", tmp_path / "e.html", "-q", *args, models=models, sequences=sequences)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert ended.stderr.startswith("explain-model: error: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_several_models_of_tracks_are_refused(made, tmp_path):
    args = ("-t", "x.h5", "-r", "x.bed", "-o", tmp_path / "e.html")
    ended = run_tool("explain-model", "-m", made / "mdlf.safetensors", "-m", made / "motif.safetensors", *args)
    assert ended.returncode == 2
    assert "several models are compared by their motifs only" in ended.stderr
