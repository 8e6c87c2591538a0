import csv
import json

import numpy as np
import pytest
import toy_planted
import toy_signal
from running import run_tool
from sklearn.metrics import average_precision_score, roc_auc_score
from toy_multiqc import data

from crekit.encoding.encode import encode_records
from crekit.encoding.windows import Rule
from crekit.genome.regions import write_bed


def planted(folder, name, n, seed):
    """A sequence file of 2 n records, NAME.h5: the motif in half of them."""
    random = np.random.default_rng(seed)
    texts = {"enhancer": [], "background": []}
    for _ in range(n):
        for of_class, kept in texts.items():
            dna = toy_planted.letters(60, random)
            if of_class == "enhancer":
                dna[20 : 20 + len(toy_planted.MOTIF)] = np.frombuffer(toy_planted.MOTIF.encode(), dtype=np.uint8)
            kept.append(dna.tobytes().decode())
    files = [(one, toy_planted.records(folder / f"{name}.{one}.fa", kept, one)) for one, kept in texts.items()]
    encode_records(files, folder / f"{name}.h5", Rule(60, 1, "drop"))
    return folder / f"{name}.h5"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two sequence files of records, and models of each: three folds, and one split at random."""
    folder = tmp_path_factory.mktemp("made")
    for number, name in enumerate(("one", "two")):
        path = planted(folder, name, 60, number)
        ended = run_tool(
            "train-model", "--arch", "kmer-logistic", "--k", 3, "-s", path, "--folds", 3, "-p", 1, "-q",
            "-o", folder / f"{name}.safetensors",
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
    for name, content in {"empty.h5": b"", "cut.h5": (folder / "one.h5").read_bytes()[:3000]}.items():
        (folder / name).write_bytes(content)
    return folder


def evaluate(made, *args, models=("one", "two"), data=("one", "two")):
    given = [part for name in models for part in ("-m", made / f"{name}.safetensors")]
    given += [part for name in data for part in ("-s", f"{name}={made / name}.h5")]
    return run_tool("evaluate-model", *given, "--matrix", "--bootstrap", 20, "-p", 1, *args)


def test_the_matrix_is_written_as_json_table_and_page(made, tmp_path):
    out = tmp_path / "m.json"
    ended = evaluate(made, "-o", out, "--html", tmp_path / "m.html", "--predictions", tmp_path / "p.tsv")
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"m.json", "m.matrix.tsv", "m.html", "p.tsv"}
    found = json.loads(out.read_text())
    cells = found["matrix"]["cells"]
    assert [(row["model"], row["data_set"], row["own"], row["sites"]) for row in cells] == [
        ("one", "one", True, 120), ("one", "two", False, 120), ("two", "one", False, 120), ("two", "two", True, 120)
    ]  # fmt: skip
    assert found["record"]["options"]["matrix"] is True
    with open(tmp_path / "p.tsv") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    for one in cells:  # figures of the printed probabilities, by scikit-learn
        mine = [row for row in rows if (row["model"], row["data_set"]) == (one["model"], one["data_set"])]
        truth = [row["class"] == "enhancer" for row in mine]
        score = [float(row["enhancer"]) for row in mine]
        assert one["mAP"] == pytest.approx(average_precision_score(truth, score), abs=1e-4)
        assert one["AUROC"] == pytest.approx(roc_auc_score(truth, score), abs=1e-4)
    with open(tmp_path / "m.matrix.tsv") as handle:
        table = list(csv.DictReader(handle, delimiter="\t"))
    assert [row["mAP"] for row in table] == [f"{row['mAP']:.6f}" for row in cells]
    text = (tmp_path / "m.html").read_text()
    assert "<h2>Models by data sets</h2>" in text
    assert f">{cells[1]['mAP']:.3f}<" in text
    assert f"{cells[0]['mAP']:.3f}+" in ended.stderr


def test_own_cells_are_pooled_as_training_judged_each_fold(made, tmp_path):
    ended = evaluate(made, "-o", tmp_path / "m.json", "--predictions", tmp_path / "p.tsv", "-q", models=("one",))
    assert (ended.returncode, ended.stderr) == (0, "")
    with open(tmp_path / "p.tsv") as handle:
        ours = {
            row["id"]: row["enhancer"] for row in csv.DictReader(handle, delimiter="\t") if row["data_set"] == "one"
        }
    theirs = {}
    for fold in (1, 2, 3):
        with open(made / f"one.fold{fold}.predictions.tsv") as handle:
            rows = list(csv.DictReader(handle, delimiter="\t"))
        theirs |= {row["id"]: row["enhancer"] for row in rows if row["part"] == "test"}
    assert len(theirs) == 120
    assert ours == theirs


def test_a_set_that_holds_training_sequences_loses_them(made, tmp_path):
    """Half of the third set are records of the first: each fold judges those that it has not trained on."""
    texts = [line for line in (made / "one.enhancer.fa").read_text().splitlines() if line[0] != ">"][:30]
    others = [line for line in (made / "two.background.fa").read_text().splitlines() if line[0] != ">"][:30]
    files = [("enhancer", toy_planted.records(tmp_path / "e.fa", texts, "e"))]
    files += [("background", toy_planted.records(tmp_path / "b.fa", others, "b"))]
    encode_records(files, tmp_path / "mix.h5", Rule(60, 1, "drop"))
    ended = evaluate(
        made, "-o", tmp_path / "m.json", "-s", f"mix={tmp_path / 'mix.h5'}", "-q", "-m",
        f"alone={made / 'one.fold1.safetensors'}", models=(),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    cells = {row["data_set"]: row for row in json.loads((tmp_path / "m.json").read_text())["matrix"]["cells"]}
    left = cells["mix"]["left_out"]["same_dna"]
    assert 10 < left < 30  # two of three folds trained and validated
    assert cells["mix"]["sites"] == 60 - left


def test_the_same_bytes_come_out_again_with_other_threads(made, tmp_path):
    for name, threads in (("a", 1), ("b", 2)):
        out = tmp_path / f"{name}.json"
        ended = evaluate(made, "-o", out, "--html", tmp_path / f"{name}.html", "-q", "-p", threads)
        assert (ended.returncode, ended.stderr) == (0, "")
    for kind in ("json", "html", "matrix.tsv"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_json_on_standard_output_has_no_table_beside_it(made, tmp_path):
    ended = evaluate(made, "-o", "-", "-q")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["matrix"]["models"] == ["one", "two"]


def test_models_of_tracks_have_a_matrix_too(tmp_path):
    for name, wobble in (("a", 3.0), ("b", 2.0)):
        toy_signal.write_tracks(tmp_path / f"{name}.h5", wobble=wobble)
    with open(tmp_path / "r.bed", "w") as handle:
        write_bed(handle, toy_signal.regions())
    data = ("-t", tmp_path / "a.h5", "-r", tmp_path / "r.bed", "--relabel", "promoter=enhancer")
    split = ("--train", "chr1", "--val", "chr2", "--test", "chr3", "--min-nonzero", 0, "--trees", 3, "-p", 1, "-q")
    ended = run_tool("train-model", "--arch", "random-forest", *data, *split, "-o", tmp_path / "rf.safetensors")
    assert ended.returncode == 0, ended.stderr
    both = [part for one in "ab" for part in ("-t", f"{one}={tmp_path / one}.h5", "-r", f"{one}={tmp_path / 'r.bed'}")]
    ended = run_tool(
        "evaluate-model", "-m", tmp_path / "rf.safetensors", *both, "--matrix", "--bootstrap", 0, "-p", 1,
        "-o", tmp_path / "m.json", "--html", tmp_path / "m.html",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    cells = json.loads((tmp_path / "m.json").read_text())["matrix"]["cells"]
    assert [(row["data_set"], row["own"], row["sites"]) for row in cells] == [("a", True, 16), ("b", False, 16)]
    assert "warning: rf on b: too few regions to trust its figures: 7 of background" in ended.stderr


@pytest.mark.parametrize(
    ("args", "data", "message"),
    [
        (("--ensemble",), ("one",), "--ensemble: not with --matrix"),
        (("--subset", "all"), ("one",), "--subset all: a matrix leaves out what a model has learned from"),
        (("--subset", "chr1"), ("one",), "--subset chr1: records of a FASTA (one) lie on no chromosome"),
        (("--relabel", "x=enhancer"), ("one",), "--relabel x: no data set holds such a class"),
        ((), ("empty",), "empty.h5: the file is empty; make it again"),
        ((), ("one", "cut"), "cut.h5: the sequence file is damaged"),
        ((), ("one", "none"), "none.h5"),
        ((), ("one", "one"), "several data sets need a name each, and no name twice"),
        ((), (), "one.fold1 is a model of sequences; give -s, and neither -t nor -r"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(made, tmp_path, args, data, message):
    ended = evaluate(made, "-o", tmp_path / "m.json", "-q", *args, data=data)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("evaluate-model: error: ")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written_is_said_before_the_work(made, tmp_path):
    ended = evaluate(made, "-o", tmp_path / "no" / "m.json", "-q")
    assert (ended.returncode, "m.json" in ended.stderr) == (2, True)
    (tmp_path / "m.matrix.tsv").mkdir()
    ended = evaluate(made, "-o", tmp_path / "m.json", "-q")
    assert (ended.returncode, "m.matrix.tsv: a folder" in ended.stderr) == (2, True)
    assert not (tmp_path / "m.json").exists()


def test_the_matrix_is_written_for_multiqc(made, tmp_path):
    ended = evaluate(made, "-o", tmp_path / "m.json", "--multiqc", tmp_path / "mqc")
    assert ended.returncode == 0, ended.stderr
    cells = json.loads((tmp_path / "m.json").read_text())["matrix"]["cells"]
    found = data(tmp_path / "mqc")
    assert list(found) == ["m.cells", "m.matrix"]
    for cell in cells:
        value = pytest.approx(cell["mAP"], abs=1e-3)
        assert found["m.matrix"][f"m: {cell['model']}"][cell["data_set"]] == value
        assert found["m.cells"][f"m: {cell['model']}: {cell['data_set']}"]["mAP"] == value
