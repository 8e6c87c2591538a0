import csv

import numpy as np
import pytest
import torch
import toy_explain as toy
from torch import nn

from crekit.encoding.store import Sequences
from crekit.encoding.windows import Rule
from crekit.errors import InputError
from crekit.explanation import sequence_explanation_run as run
from crekit.explanation import surest
from crekit.models.file import SequenceModel


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    return toy.encode_genome(tmp_path_factory.mktemp("genome"))


def model(**others):
    return SequenceModel(toy.settings(**others), toy.matcher(), "0" * 64)


def explain(path, of=None, **plan):
    with Sequences(path) as sequences:
        return run.run(of or model(), sequences, run.Plan(threads=1, shuffles=3, **plan))


def test_only_the_test_set_is_looked_at_by_the_window_with_the_word(genome):
    found = explain(genome)
    (one,) = found.classes
    assert (one.surest.name, one.surest.available) == ("enhancer", 5)
    assert set(one.surest.chrom) == {"chr3"}
    assert sorted(one.surest.ids) == [f"chr3:{start}-{start + 100}" for start in range(1000, 1900, 400)] + [
        "chr3:200-300", "chr3:600-700"
    ]  # fmt: skip
    # Windows start at 0, 20 and 40 of a region; the word, at 40 to 49, is in the first that holds it.
    np.testing.assert_array_equal(one.surest.start - [int(i.split(":")[1].split("-")[0]) for i in one.surest.ids], 0)
    np.testing.assert_allclose(one.surest.probability, 1 / (1 + np.exp(-2)), rtol=1e-5)
    assert (np.abs(one.attributions.contributions).argmax(axis=1) // 9 >= 4).all()
    assert found.method == "deep-lift"
    assert found.error < 1e-5


def test_surest_regions_come_first_and_ties_in_the_order_of_the_file(tmp_path):
    """A network that counts A: the more of them, the surer."""
    rows = [np.repeat([0, 1], [n, 60 - n]).astype(np.uint8) for n in (10, 40, 25, 40)]
    counter = nn.Sequential(nn.Flatten(), nn.Linear(240, 2)).eval()
    with torch.no_grad():
        counter[1].weight.zero_()
        counter[1].weight[1, :60] = 0.05
    path = toy.encode_fasta(tmp_path, rows)
    of = SequenceModel(toy.settings(), counter)
    with Sequences(path) as sequences:
        (one,) = surest.surest(of, sequences, per_class=3, subset="all")
    assert one.ids.tolist() == ["e1", "e3", "e2"]
    assert (one.available, one.chrom.tolist(), one.start.tolist()) == (4, ["", "", ""], [0, 0, 0])
    assert (np.diff(one.probability) <= 0).all()


def test_classes_can_be_chosen_and_are_named_as_in_training(genome):
    renamed = model(classes=["background", "element"], record={"options": {"relabel": {"enhancer": "element"}}})
    assert [one.surest.name for one in explain(genome, renamed).classes] == ["element"]
    both = explain(genome, classes=["enhancer", "background"], per_class=2)
    assert [(one.surest.name, len(one.surest.ids)) for one in both.classes] == [("enhancer", 2), ("background", 2)]
    with pytest.raises(InputError, match="--class promoter: model knows background, enhancer"):
        explain(genome, classes=["promoter"])


def test_subsets_are_all_test_or_chromosomes(genome):
    assert explain(genome, subset="all").classes[0].surest.available == 15
    assert explain(genome, subset="chr1-chr2").classes[0].surest.available == 10
    with pytest.raises(InputError, match=r"no region of enhancer in the subset test; give the sequences of the"):
        explain(genome, model(split={"kind": "random", "train": [], "val": [], "test": ["chr9:1-2"]}))


def test_records_of_a_fasta_have_no_chromosomes(tmp_path):
    path = toy.encode_fasta(tmp_path, toy.planted([toy.WORD], 4, 60))
    with pytest.raises(InputError, match="--subset chr1: records of a FASTA have no chromosome"):
        explain(path, subset="chr1")
    of = model(split={"kind": "random", "train": [], "val": [], "test": ["e1", "b0"]})
    assert explain(path, of).classes[0].surest.ids.tolist() == ["e1"]


def test_windows_of_another_width_are_refused(genome):
    with pytest.raises(InputError, match=r"windows of 60 bases, but model sees 80 bases; encode with --window 80"):
        explain(genome, model(window=80))


def test_whole_regions_are_explained_by_mutation(tmp_path):
    rng = np.random.default_rng(1)
    rows = [rng.integers(0, 4, n, dtype=np.uint8) for n in (70, 55)]
    path = toy.encode_fasta(tmp_path, rows, Rule(0, 1, "drop", "zero"))
    found = explain(path, toy.model("lstm", window=0), subset="all")
    assert (found.method, found.error) == ("mutagenesis", None)
    attributions = found.classes[0].attributions
    lengths = (attributions.codes < 4).sum(axis=1)
    assert sorted(lengths) == [55, 70]
    short = int(np.argmin(lengths))
    assert (attributions.contributions[short, 55:] == 0).all()
    assert (attributions.contributions[short, :55] != 0).any()


def test_the_record_says_what_matters_and_the_table_holds_every_base(genome, tmp_path):
    found = explain(genome, per_class=2)
    assert found.record["options"] == {
        "class": [], "per-class": 2, "subset": "test", "method": "deep-lift", "shuffles": 3, "seed": 1
    }  # fmt: skip
    assert [one["role"] for one in found.record["inputs"]] == ["model", "sequences"]
    run.write_table(tmp_path / "t.tsv", found)
    with open(tmp_path / "t.tsv", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert len(rows) == 2 * 60
    one = found.classes[0]
    row = rows[60 + 41]
    assert (row["class"], row["rank"], row["region"], row["chrom"]) == ("enhancer", "2", one.surest.ids[1], "chr3")
    assert int(row["position"]) == one.surest.start[1] + 41
    assert row["base"] == toy.WORD[1]
    np.testing.assert_allclose(float(row["contribution"]), one.attributions.contributions[1, 41], rtol=1e-4)
    assert row["contribution"] == row[row["base"]]
