import csv
import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import toy_sequences as toy
import toy_signal
from scipy.stats import wilcoxon
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from crekit.encoding import store
from crekit.encoding.store import Sequences
from crekit.encoding.windows import Rule
from crekit.errors import InputError
from crekit.evaluation import matrix, matrix_run, sequence_evaluation_run
from crekit.evaluation.entries import Entry
from crekit.evaluation.evaluation_run import Plan
from crekit.genome.regions import Regions
from crekit.signal.tracks import Tracks

REGIONS = toy.regions()
NUMBER = toy.RULE.number(REGIONS)
DNA = toy.genome()


def plan(**changes):
    return Plan(**{"n_resamples": 0, "threads": 1, **changes})


def digest(path):
    with Sequences(path) as opened:
        return opened.sha256()


def trained_on(*paths, **more):
    """What a model's record says of its training data."""
    inputs = [{"role": "sequences", "name": "", "sha256": digest(path)} for path in paths]
    return {"record": {"options": {}, "inputs": inputs + more.get("besides", [])}}


def write_some(path, rows, *, fasta=True, prefix="q", dna=DNA, sizes=toy.SIZES):
    """The sequence file of some of the toy's regions: as records called by a prefix, or in place."""
    spans = REGIONS[rows]
    cut = [dna[c][s:e] for c, s, e in zip(spans.chrom, spans.start, spans.end, strict=True)]
    ids = spans.ids
    if fasta:
        ids = np.array([f"{prefix}{i}" for i in range(len(rows))], dtype=object)
        starts = np.zeros(len(rows), dtype=np.int64)
        spans = Regions(np.full(len(rows), "", dtype=object), starts, starts + toy.LENGTH, spans.name)
    windows = np.full(len(rows), 3)
    with store.create(path, Rule(toy.WIDTH, toy.STRIDE), store.FASTA if fasta else store.GENOME, toy.CLASSES) as out:
        out.add(store.Part(spans, ids, cut, spans.start, windows, np.tile([0, 20, 40], len(rows))))
        out.finish(windows, {"sizes": {} if fasta else sizes, "record": {"inputs": []}, "dropped": {}})
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """All regions of the toy."""
    return toy.write(tmp_path_factory.mktemp("toy") / "home.h5")


@pytest.fixture(scope="module")
def away(tmp_path_factory):
    """The same regions with other DNA, on a genome whose chromosomes have the same sizes: another cell line."""
    return toy.write(tmp_path_factory.mktemp("toy") / "away.h5", seed=2)


def best_of_windows(rows, dna=DNA):
    """Share of G and C of the richest window of each region."""
    found = []
    for chrom, start in zip(REGIONS.chrom[rows], REGIONS.start[rows], strict=True):
        windows = [dna[chrom][start + i : start + i + toy.WIDTH] for i in (0, 20, 40)]
        found.append(max(np.isin(window, [1, 2]).mean() for window in windows))
    return np.array(found)


def chance(share, bias):
    return 1 / (1 + np.exp(-(10 * share - 5 + bias)))


def cell_of(found, model, data_set):
    (one,) = [cell for cell in found.cells if (cell.model, cell.data_set) == (model, data_set)]
    return one


def row_of(found, model, data_set):
    (one,) = [row for row in found.results["matrix"]["cells"] if (row["model"], row["data_set"]) == (model, data_set)]
    return one


# --- who judges what


def test_folds_are_pooled_over_their_test_sets_on_their_own_data(home, away):
    entries = {"m": Entry(toy.folds(**trained_on(home)))}
    found = matrix_run.of_sequences([("home", home), ("away", away)], entries, plan())
    cell = cell_of(found, "m", "home")
    expected = np.flatnonzero(NUMBER > 0)
    np.testing.assert_array_equal(cell.rows, expected)
    bias = np.array([np.nan, 0.0, 0.5, 1.0])[NUMBER[expected]]
    np.testing.assert_allclose(cell.probabilities[:, 1], chance(best_of_windows(expected), bias), atol=1e-6)
    assert cell.own
    assert cell.left_out == {"seen": int((NUMBER == 0).sum()), "same_dna": 0, "dropped": 0}


def test_the_own_cell_is_what_the_plain_evaluation_says(home):
    entries = {"m": Entry(toy.folds(**trained_on(home)))}
    found = matrix_run.of_sequences([(None, home)], entries, plan())
    plain = sequence_evaluation_run.run([(None, home)], entries, plan(genome_wide=False)).results
    row = row_of(found, "m", "home")
    assert row["mAP"] == plain["models"]["m"]["mAP"]
    assert row["classes"] == plain["models"]["m"]["classes"]


def test_on_the_ground_of_its_own_genome_each_region_is_judged_by_the_fold_that_tests_its_block(home, away):
    entries = {"m": Entry(toy.folds(**trained_on(home)))}
    cell = cell_of(matrix_run.of_sequences([("home", home), ("away", away)], entries, plan()), "m", "away")
    assert not cell.own
    expected = np.flatnonzero(NUMBER > 0)
    np.testing.assert_array_equal(cell.rows, expected)
    bias = np.array([np.nan, 0.0, 0.5, 1.0])[NUMBER[expected]]
    other = best_of_windows(expected, toy.genome(2))
    np.testing.assert_allclose(cell.probabilities[:, 1], chance(other, bias), atol=1e-6)


def test_on_other_data_the_mean_of_all_folds_counts(home, tmp_path):
    other = write_some(tmp_path / "other.h5", np.arange(40), dna=toy.genome(3))
    entries = {"m": Entry(toy.folds("random", **trained_on(home)))}
    cell = cell_of(matrix_run.of_sequences([("home", home), ("other", other)], entries, plan()), "m", "other")
    shares = best_of_windows(np.arange(40), toy.genome(3))
    expected = np.mean([chance(shares, bias) for bias in (0.0, 0.5, 1.0)], axis=0)
    np.testing.assert_allclose(cell.probabilities[:, 1], expected, atol=1e-6)
    assert cell.left_out == {"seen": 0, "same_dna": 0, "dropped": 0}


def test_a_region_of_other_data_that_a_fold_has_trained_on_is_judged_by_the_fold_that_has_not(home, tmp_path):
    """The first 20 records have the DNA of regions of the training, which each fold but one has learned from."""
    shared = np.arange(20)
    path = write_some(tmp_path / "copies.h5", shared)
    models = toy.folds("random", **trained_on(home))
    found = matrix_run.of_sequences([("home", home), ("copies", path)], {"m": Entry(models)}, plan())
    cell = cell_of(found, "m", "copies")
    assert len(cell.rows) == 20
    for i, one in enumerate(REGIONS.ids[shared]):
        (testing,) = [bias for bias, model in zip((0.0, 0.5, 1.0), models, strict=True)
                      if one in model.settings.split["test"]]  # fmt: skip
        assert cell.probabilities[i, 1] == pytest.approx(chance(best_of_windows(shared[i : i + 1]), testing)[0])


def test_regions_that_a_single_model_has_trained_on_are_left_out_and_counted(home, tmp_path):
    """Overlap counts on the same genome, the DNA where there are no places; validation counts as training."""
    rows = np.arange(0, 200, 5)
    model = toy.folds("random", **trained_on(home))[0]
    unseen = np.isin(REGIONS.ids[rows], model.settings.split["test"])
    place = write_some(tmp_path / "place.h5", rows, fasta=False, dna=toy.genome(4))
    moved = write_some(tmp_path / "records.h5", rows)
    found = matrix_run.of_sequences(
        [("home", home), ("place", place), ("records", moved)], {"m": Entry((model,))}, plan()
    )
    for name, reason in (("place", "seen"), ("records", "same_dna")):
        cell = cell_of(found, "m", name)
        np.testing.assert_array_equal(cell.rows, np.flatnonzero(unseen))
        assert cell.left_out == {"seen": 0, "same_dna": 0, "dropped": 0} | {reason: int((~unseen).sum())}


def test_reverse_complements_of_training_regions_are_left_out_too(home, tmp_path):
    turned = {chrom: codes.copy() for chrom, codes in DNA.items()}
    rows = np.arange(30)
    for chrom, start, end in zip(REGIONS.chrom[rows], REGIONS.start[rows], REGIONS.end[rows], strict=True):
        turned[chrom][start:end] = 3 - DNA[chrom][start:end][::-1]
    path = write_some(tmp_path / "turned.h5", rows, dna=turned)
    model = toy.folds("random", **trained_on(home))[0]
    found = matrix_run.of_sequences([("home", home), ("turned", path)], {"m": Entry((model,))}, plan())
    cell = cell_of(found, "m", "turned")
    assert cell.left_out["same_dna"] == int((~np.isin(REGIONS.ids[rows], model.settings.split["test"])).sum())


def test_what_the_weights_began_with_counts_as_training(home, away):
    """A model that was fine-tuned on other data has still seen what its source was trained on."""
    source = replace(toy.model("chromosomes", **trained_on(home)), sha256="source")
    began = [{"role": "init-from", "name": "", "sha256": "source"}]
    tuned = toy.model("random", **trained_on(away, besides=began))
    files = [("home", home), ("away", away)]
    found = matrix_run.of_sequences(files, {"source": Entry((source,)), "tuned": Entry((tuned,))}, plan())
    cell = cell_of(found, "tuned", "home")
    tests = np.isin(REGIONS.ids, tuned.settings.split["test"]) & (REGIONS.chrom == "chr2")
    np.testing.assert_array_equal(cell.rows, np.flatnonzero(tests))
    assert not any("weights" in text for text in cell.marks)
    alone = matrix_run.of_sequences(files, {"tuned": Entry((tuned,))}, plan())
    text = "its weights began with a model that was not given; what that one has seen is not known"
    assert text in cell_of(alone, "tuned", "home").marks


def test_records_of_unknown_training_data_are_marked(home, tmp_path):
    other = write_some(tmp_path / "other.h5", np.arange(30))
    entries = {"m": Entry(toy.folds("random", **trained_on(home)))}
    cell = cell_of(matrix_run.of_sequences([("other", other)], entries, plan()), "m", "other")
    text = "its training data were not given; which of these sequences it has seen is not known"
    assert text in cell.marks


def test_own_cells_of_random_splits_missing_folds_and_copies_are_marked(tmp_path):
    doubled = {chrom: codes.copy() for chrom, codes in DNA.items()}
    first = REGIONS[:2]
    for i in range(1, 20):  # as the first two, again and again
        for j in (0, 1):
            start = REGIONS.start[2 * i + j]
            doubled["chr1"][start : start + toy.LENGTH] = DNA["chr1"][first.start[j] : first.end[j]]
    path = toy.write(tmp_path / "s.h5", codes=doubled)
    models = toy.folds("random", **trained_on(path))[:2]
    cell = cell_of(matrix_run.of_sequences([("s", path)], {"m": Entry(models)}, plan()), "m", "s")
    tested = np.concatenate([one.settings.split["test"] for one in models])
    copies = int(np.isin(REGIONS.ids[:40], tested).sum())
    assert cell.marks == [
        "was split at random, so that its test regions have neighbours in its training",
        "folds 3 of 3 are missing",
        f"{copies} of its test regions have the DNA of a training region",
    ]


def test_models_of_one_name_judge_their_own_data_each(home, away):
    """As evaluate-model pools them: a model a data set, one name."""
    both = Entry((*toy.folds(**trained_on(home)), *toy.folds(group="o", biases=(2.0, 2.0, 2.0), **trained_on(away))))
    found = matrix_run.of_sequences([("home", home), ("away", away)], {"m": both}, plan())
    rows = np.flatnonzero(NUMBER > 0)
    cell = cell_of(found, "m", "away")
    assert cell.own
    expected = chance(best_of_windows(rows, toy.genome(2)), 2.0)
    np.testing.assert_allclose(cell.probabilities[:, 1], expected, atol=1e-6)


# --- figures


@pytest.fixture(scope="module")
def found(home, away):
    entries = {
        "plain": Entry(toy.folds(**trained_on(home))),
        "other": Entry(toy.folds(group="o", biases=(1.0, -1.0, 0.0), **trained_on(away))),
    }
    return matrix_run.of_sequences([("home", home), ("away", away)], entries, plan(n_resamples=50))


def test_every_figure_is_scikit_learns(found):
    for cell in found.cells:
        row = row_of(found, cell.model, cell.data_set)
        truth, score = cell.labels == 1, cell.probabilities[:, 1]
        called = cell.probabilities.argmax(axis=1) == 1
        assert {name: row[name] for name in matrix.FIGURES} == {
            "mAP": pytest.approx(average_precision_score(truth, score)),
            "AUROC": pytest.approx(roc_auc_score(truth, score)),
            "precision": pytest.approx(precision_score(truth, called)),
            "recall": pytest.approx(recall_score(truth, called)),
            "F1": pytest.approx(f1_score(truth, called)),
            "BACC": pytest.approx(balanced_accuracy_score(truth, called)),
            "MCC": pytest.approx(matthews_corrcoef(truth, called)),
        }
        low, high = row["interval"]
        assert low <= row["mAP"] <= high


def test_means_are_over_own_and_other_data(found):
    means = found.results["matrix"]["means"]
    for model, own, other in (("plain", "home", "away"), ("other", "away", "home")):
        assert means[model] == {"own": row_of(found, model, own)["mAP"], "others": row_of(found, model, other)["mAP"]}


def cell(model, data_set, rows, scores, labels=(0, 1, 0, 1)):
    """Two classes; `scores` are the probabilities of the second."""
    values = np.array(scores, dtype=np.float32)
    probabilities = np.stack([1 - values, values], axis=1)
    ids = np.array([f"r{row}" for row in rows], dtype=object)
    return matrix.Cell(model, data_set, False, np.array(rows, int), ids, np.array(labels, int), probabilities, {}, [])


def test_models_are_compared_on_the_regions_of_both():
    """Region 9, which the second model has seen, would have changed the first one's mAP."""
    good, bad = (0.1, 0.9, 0.2, 0.8), (0.9, 0.1, 0.8, 0.2)
    cells = []
    for name in "abcde":
        cells.append(cell("good", name, [0, 1, 2, 3, 9], [*good, 0.99], [0, 1, 0, 1, 0]))
        cells.append(cell("bad", name, [0, 1, 2, 3], bad))
    (one,) = matrix.compare(cells, ["background", "enhancer"])
    gap = 1 - average_precision_score([0, 1, 0, 1], bad)
    assert one == {
        "first": "good", "second": "bad", "data_sets": 5, "difference": pytest.approx(gap), "won": 5, "of": 5,
        "sign_p": 0.0625, "p": wilcoxon([gap] * 5, method="exact").pvalue, "smallest_p": 0.0625,
    }  # fmt: skip


def test_one_data_set_gives_no_comparison():
    assert matrix.compare([cell("a", "x", [0, 1, 2, 3], [0, 1, 0, 1]), cell("b", "x", [0, 1, 2, 3], [0, 1, 0, 1])],
                          ["background", "enhancer"]) == []  # fmt: skip


def test_a_cell_without_a_region_has_no_figures(home):
    """Of its own chromosome nothing is left for a model of the other."""
    entries = {"m": Entry((toy.model("chromosomes", **trained_on(home)),))}
    with pytest.raises(InputError, match="no model has a region that it has not seen"):
        matrix_run.of_sequences([("home", home)], entries, plan(subset="chr1"))
    empty = matrix.Cell(
        "m", "x", False, np.zeros(0, int), np.zeros(0, object), np.zeros(0, int), np.zeros((0, 2)), {}, []
    )
    row = matrix.figures(empty, ["background", "enhancer"], 20)
    assert row["sites"] == 0
    assert all(np.isnan(row[name]) for name in matrix.FIGURES)
    assert matrix.compare([empty, empty], ["background", "enhancer"]) == []


def test_results_are_json_and_hold_no_path(found, home):
    text = json.dumps(found.results, allow_nan=False)
    assert str(home.parent) not in text
    assert [one["role"] for one in found.results["record"]["inputs"]] == ["model"] * 6 + ["sequences"] * 2


def test_the_table_has_a_line_a_cell(found, tmp_path):
    matrix.write_table(tmp_path / "m.tsv", found.results["matrix"], found.results["classes"])
    with open(tmp_path / "m.tsv") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert [(row["model"], row["data_set"], row["own"]) for row in rows] == [
        ("plain", "away", "no"), ("plain", "home", "yes"), ("other", "away", "yes"), ("other", "home", "no")
    ]  # fmt: skip
    assert [float(row["mAP"]) for row in rows] == pytest.approx(
        [one["mAP"] for one in found.results["matrix"]["cells"]], abs=1e-6
    )
    assert rows[0]["AP enhancer"] == rows[0]["mAP"]


def test_the_table_is_told(home, away, caplog):
    with caplog.at_level(logging.INFO, logger="crekit"):
        found = matrix_run.of_sequences(
            [("home", home), ("away", away)], {"m": Entry(toy.folds(**trained_on(home)))}, plan()
        )
    own, other = (row_of(found, "m", name)["mAP"] for name in ("home", "away"))
    assert [line.split() for line in caplog.messages[-2:]] == [["away", "home"], ["m", f"{other:.3f}", f"{own:.3f}+"]]


# --- tracks


def test_tracks_of_another_cell_line_are_judged_on_the_test_chromosomes(tmp_path):
    """The model's training regions are whole chromosomes; validation chose the epoch; dropped regions are counted."""
    here = toy_signal.write_tracks(tmp_path / "a.h5", wobble=3.0)
    there = toy_signal.write_tracks(tmp_path / "b.h5", wobble=2.0)
    sets = [
        replace(toy_signal.data_set(here, "here"), regions_sha256="1" * 64),
        replace(toy_signal.data_set(there, "there"), regions_sha256="2" * 64),
    ]
    inputs = [
        {"role": "tracks", "name": "", "sha256": sha256_of(here)},
        {"role": "regions", "name": "", "sha256": "1" * 64},
    ]
    model = toy_signal.model(record={"options": {}, "inputs": inputs})
    found = matrix_run.of_tracks(sets, {"m": Entry((model,))}, plan())
    for name, own in (("here", True), ("there", False)):
        cell = cell_of(found, "m", name)
        assert cell.own == own
        assert {one.split(":")[0] for one in cell.ids} == {"chr3"}
        assert cell.left_out == {"seen": 32, "same_dna": 0, "dropped": 2}
        row = row_of(found, "m", name)
        truth = np.eye(3)[cell.labels]
        expected = [average_precision_score(truth[:, i], cell.probabilities[:, i]) for i in (1, 2)]
        assert row["mAP"] == pytest.approx(np.mean(expected))
        assert row["classes"]["promoter"]["AP"] == pytest.approx(expected[1])
    assert [one["name"] for one in found.results["record"]["inputs"]] == ["", "here", "here", "there", "there"]


def sha256_of(path):
    with Tracks(path) as tracks:
        return tracks.sha256()


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ensemble": True}, "--ensemble: not with --matrix"),
        ({"genome": "g.fa"}, "--genome: not with --matrix"),
        ({"annotations": [("a", "a.bed")]}, "--annotation: not with --matrix"),
        ({"validated": ("a", "a.bed")}, "--validated: not with --matrix"),
        ({"published_windows": True}, "--published-windows: not with --matrix"),
        ({"subset": "all"}, "--subset all: a matrix leaves out what a model has learned from"),
    ],
)
def test_options_that_a_matrix_has_not_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        matrix_run.check(plan(**changes))


def test_wrong_data_sets_are_refused(home, away, tmp_path):
    entries = {"m": Entry(toy.folds(**trained_on(home)))}
    for files, message in (
        ([("a", home), (None, away)], "several data sets need a name each"),
        ([("a", home), ("a", away)], "no name twice: -s NAME=H5"),
        ([("a", home), ("b", home)], "data sets a and b have the same contents"),
    ):
        with pytest.raises(InputError, match=message):
            matrix_run.of_sequences(files, entries, plan())
    with pytest.raises(InputError, match="--relabel x: no data set holds such a class, only background, enhancer"):
        matrix_run.of_sequences([("a", home)], entries, plan(relabel={"x": "enhancer"}))
    records = write_some(tmp_path / "r.h5", np.arange(30))
    with pytest.raises(InputError, match=r"--subset chr1: records of a FASTA \(r\) lie on no chromosome"):
        matrix_run.of_sequences([("a", home), ("r", records)], entries, plan(subset="chr1"))


def test_classes_are_renamed_where_they_are(home, tmp_path):
    strong = tmp_path / "strong.h5"
    spans = Regions(
        REGIONS.chrom, REGIONS.start, REGIONS.end, np.where(REGIONS.name == "enhancer", "strong", REGIONS.name)
    )
    dna = toy.genome(5)
    cut = [dna[c][s:e] for c, s, e in zip(spans.chrom, spans.start, spans.end, strict=True)]
    windows = np.full(len(spans), 3)
    with store.create(strong, Rule(toy.WIDTH, toy.STRIDE), store.GENOME, ["background", "strong"]) as out:
        out.add(store.Part(spans, spans.ids, cut, spans.start, windows, np.tile([0, 20, 40], len(spans))))
        out.finish(windows, {"sizes": toy.SIZES, "record": {"inputs": []}, "dropped": {}})
    entries = {"m": Entry(toy.folds(**trained_on(home)))}
    files = [("home", home), ("strong", strong)]
    with pytest.raises(InputError, match="holds class strong, but the model has background, enhancer; rename it"):
        matrix_run.of_sequences(files, entries, plan())
    found = matrix_run.of_sequences(files, entries, plan(relabel={"strong": "enhancer"}))
    assert row_of(found, "m", "strong")["classes"]["enhancer"]["support"] > 0
