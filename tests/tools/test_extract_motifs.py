import numpy as np
import pytest
import torch
import toy_signal
from memelite.io import read_meme
from running import run_tool

from crekit.encoding import encode
from crekit.encoding.windows import Rule
from crekit.explanation import attribution_motifs
from crekit.models import file as model_file
from crekit.models import registry
from crekit.models.settings import SequenceSettings
from crekit.motifs import meme
from crekit.motifs.pwm import Motif

COLUMNS = (
    "motif\ttarget_id\ttarget_name\tp_value\te_value\tq_value\toffset\toverlap\torientation\tinformative_columns"
    "\tcounted\tempirical_p"
)


def settings(arch, window):
    return SequenceSettings(
        arch=arch, classes=["background", "enhancer"], window=window, stride=2, short="contain", ambiguous="drop",
        split={"kind": "random", "train": [], "val": [], "test": []}, training={}, counts={}, record={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Untrained models, sequences in windows and whole, and a database of 60 motifs."""
    folder = tmp_path_factory.mktemp("motifs")
    rng = np.random.default_rng(2)
    for arch, window in (("deepenhancer-4conv2pool4norm", 60), ("lstm", 0), ("kmer-logistic", 60)):
        torch.manual_seed(1)
        of = settings(arch, window)
        model_file.save(folder / f"{arch}.safetensors", of, of.build())
    tracks = toy_signal.settings()
    model_file.save(folder / "tracks.safetensors", tracks, registry.find(tracks.arch).build(2, 3, 20))
    fastas = []
    for name in ("background", "enhancer"):
        fastas.append((name, folder / f"{name}.fa"))
        with open(fastas[-1][1], "w") as handle:
            for i in range(12):
                handle.write(f">{name}_{i}\n{''.join(rng.choice(list('ACGT'), 70))}\n")
    encode.encode_records(fastas, folder / "windows.h5", Rule(60, 2))
    encode.encode_records(fastas, folder / "whole.h5", Rule(0, 2))
    encode.encode_records(fastas, folder / "other.h5", Rule(50, 2))
    known = [Motif(f"M{i}", f"TF{i}", rng.dirichlet([0.5] * 4, rng.integers(6, 14)), 20) for i in range(60)]
    meme.write(folder / "known.meme", known)
    return folder


def extract(made, *args, model="deepenhancer-4conv2pool4norm", database="known.meme"):
    options = ("--untrained", 1, "--logos", 1, "--evalue", 5, "-p", 1)
    known = () if database is None else ("--database", made / database)
    return run_tool("extract-motifs", "-m", made / f"{model}.safetensors", *known, *options, *args)


@pytest.mark.parametrize("method", ["enumerate", "activation"])
def test_motifs_matches_and_page_are_written(made, tmp_path, method):
    out = tmp_path / "m.meme"
    ended = extract(made, "-s", made / "windows.h5", "--method", method, "-o", out, "--html", tmp_path / "m.html")
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "128 kernels of 8 bases" in ended.stderr
    assert "of 128 kernels of 1 untrained networks" in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"m.meme", "m.tomtom.tsv", "m.html"}
    motifs = meme.read(out)
    assert [motif.name for motif in motifs] == [f"kernel_{i + 1}" for i in range(128)]
    assert len(read_meme(str(out))) == 128
    table = (tmp_path / "m.tomtom.tsv").read_text().splitlines()
    assert table[0] == COLUMNS
    assert len(table) > 1
    assert (tmp_path / "m.html").read_text().count("<svg ") == 1


def test_same_run_gives_the_same_bytes_whatever_the_threads(made, tmp_path):
    for name, threads in (("a", 1), ("b", 2)):
        run = ("-s", made / "windows.h5", "--method", "activation", "-p", threads)
        ended = extract(made, *run, "-o", tmp_path / f"{name}.meme", "--html", tmp_path / f"{name}.html")
        assert ended.returncode == 0, ended.stderr
    for end in ("meme", "tomtom.tsv", "html"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()


def test_standard_output_takes_the_motifs_alone(made, tmp_path):
    ended = extract(made, "-o", "-", "-q")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(meme.parse(ended.stdout, "-")) == 128
    ended = run_tool(
        "extract-motifs", "-m", made / "lstm.safetensors", "-o", tmp_path / "x.meme.gz", "--database", "none"
    )
    assert (ended.returncode, [path.name for path in tmp_path.iterdir()]) == (0, ["x.meme.gz"])


def test_a_network_of_whole_regions_takes_any_sequences(made, tmp_path):
    for name in ("whole", "other"):
        ended = extract(
            made, "-s", made / f"{name}.h5", "--method", "activation", "-o", tmp_path / "m.meme", model="lstm"
        )
        assert ended.returncode == 0, ended.stderr
    assert "64 kernels of 11 bases" in ended.stderr


def test_motifs_of_attributions_have_no_untrained_kernels_beside_them(made, tmp_path, monkeypatch):
    word = Motif("pattern_1", "enhancer", np.eye(4)[[0, 1, 2, 3, 0, 1]], 40)
    monkeypatch.setattr(attribution_motifs, "attribution_motifs", lambda model, sequences, plan: [word])
    run = ("-s", made / "windows.h5", "--method", "attribution", "-o", tmp_path / "m.meme", "--evalue", 60)
    ended = extract(made, *run, "--html", tmp_path / "m.html")
    assert ended.returncode == 0, ended.stderr
    assert [motif.name for motif in meme.read(tmp_path / "m.meme")] == ["pattern_1"]
    rows = (tmp_path / "m.tomtom.tsv").read_text().splitlines()[1:]
    assert {row.split("\t")[-1] for row in rows} == {"NA"}
    assert "untrained" not in (tmp_path / "m.html").read_text().split("How this was made")[0]


@pytest.mark.parametrize(
    ("args", "model", "message"),
    [
        ((), "tracks", "tracks.safetensors: a model of tracks, which sequences cannot feed"),
        ((), "absent", "absent.safetensors: no such file"),
        ((), "kmer-logistic", "kmer-logistic has no convolution, so it has no kernels for --method enumerate"),
        (("--method", "guess"), None, "--method guess: choose enumerate, activation, attribution"),
        (("--method", "activation"), None, "give a file of encode-seq with -s"),
        (("--method", "activation", "-s", "other.h5"), None, "other.h5: windows of 50 bases, but"),
        (("--method", "activation", "-s", "whole.h5"), None, "whole.h5: whole regions, but"),
        (("--method", "activation", "-s", "known.meme"), None, "known.meme: not an HDF5 file"),
        (("--weighting", "sum"), None, "--weighting sum: choose count or activation"),
        (("--threshold", "1"), None, "--threshold 1: give a share"),
        (("--device", "tpu"), None, "choose auto, cpu or cuda"),
    ],
    ids=[
        "tracks", "absent", "no kernels", "method", "no sequences", "window", "whole", "not hdf5", "weighting",
        "threshold", "device",
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_leaves_nothing(made, tmp_path, args, model, message):
    words = [made / word if str(word).endswith((".h5", ".meme")) else word for word in args]
    ended = extract(made, *words, "-o", tmp_path / "m.meme", model=model or "deepenhancer-4conv2pool4norm")
    assert_refused(ended, tmp_path, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "d.meme: the file is empty"),
        ("chr1\t0\t5\n", "d.meme, line 1: "),
        (
            "MEME version 4\n\nMOTIF a\nletter-probability matrix: w= 2\n1 0 0 0\n",
            "d.meme, line 6: 'the end of the motif'",
        ),
    ],
    ids=["empty", "format", "truncated"],
)
def test_a_wrong_database_is_one_line(made, tmp_path, text, message):
    (made / "d.meme").write_text(text)
    ended = extract(made, "-o", tmp_path / "m.meme", database="d.meme")
    assert_refused(ended, tmp_path, message)


def test_outputs_that_cannot_be_written_are_refused_before_the_work(made, tmp_path):
    ended = extract(made, "-o", tmp_path / "absent" / "m.meme")
    assert_refused(ended, tmp_path, "does not exist")
    ended = extract(made, "-o", tmp_path / "m.meme", "--table", tmp_path / "m.meme")
    assert_refused(ended, tmp_path, "given for two outputs")
    ended = extract(made, "-o", made / "known.meme")
    assert_refused(ended, tmp_path, "both an input and --output")


def assert_refused(ended, folder, message):
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert ended.stderr.startswith("extract-motifs: error: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert list(folder.iterdir()) == []


def test_help_fits_the_screen():
    ended = run_tool("extract-motifs", "--help", env={"COLUMNS": "100", "PATH": "/usr/bin:/bin"})
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) <= 75
