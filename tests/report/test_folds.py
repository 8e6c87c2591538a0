import pytest
import toy_sequences as toy

from crekit.evaluation import sequence_evaluation_run
from crekit.evaluation.entries import Entry
from crekit.evaluation.evaluation_run import Plan
from crekit.report import evaluation, page


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two models with the same folds, and one of them split at random."""
    path = toy.write(tmp_path_factory.mktemp("toy") / "s.h5")
    models = {
        "plain": Entry(toy.folds()),
        "other": Entry(toy.folds(group="o", parameters={"k": 3}, biases=(1.0, -1.0, 0.0))),
        "lot": Entry(toy.folds("random")),
    }
    plan = Plan(n_resamples=20, threads=1, published_windows=True)
    found = sequence_evaluation_run.run([(None, path)], models, plan)
    return evaluation.Shown(found.results, found.scored.labels, found.scored.probabilities, found.curves)


@pytest.fixture(scope="module")
def made(results):
    return {section.heading: section for section in evaluation.page(results).sections}


def table(section, column):
    (found,) = [block for block in section.blocks if getattr(block, "columns", [""] * 2)[1] == column]
    return found


def test_each_fold_and_their_mean_stand_in_the_report_as_in_the_metrics(results, made):
    rows = table(made["Folds"], "fold").rows
    assert [row[1] for row in rows[:6]] == ["fold 1", "fold 2", "fold 3", "mean", "standard deviation", "pooled"]
    found = results.results["folds"]["plain"]
    assert [row[3] for row in rows[:3]] == [one["mAP"] for one in found["each"]]
    assert [row[4] for row in rows[3:6]] == [found[what]["AUROC"] for what in ("mean", "sd", "pooled")]


def test_the_smallest_p_stands_beside_each_p(made):
    (block,) = [one for one in made["Folds"].blocks if "smallest p" in getattr(one, "columns", ())]
    assert [(row[0], row[1], row[2], row[5]) for row in block.rows] == [
        ("plain less other", "mAP", 3, "0.25"),
        ("plain less other", "AUROC", 3, "0.25"),
    ]


def test_the_leak_is_called_so_and_stands_beside_both_figures(results, made):
    (leak,) = results.results["leaks"]
    row = table(made["The leak of a random split"], "figure").rows[0]
    assert row[:5] == [
        "lot less plain", "mAP", leak["mAP"]["random"], leak["mAP"]["honest"], f"{leak['mAP']['difference']:+.3f}"
    ]  # fmt: skip


def test_the_audit_tells_the_rule_of_the_folds_and_the_distance_of_training_regions(made):
    of_models, distances, of_data = made["Audit"].blocks[-3:]
    rows = of_models.rows
    assert rows[0][1:3] == ["blocks of 20,000 bases, 1 of 3 folds"] * 2
    assert rows[2][1] == "drawn at random, 1 of 3 folds"
    assert distances.columns[1:] == [
        "within 1,000 bases", "within 10,000 bases", "within 100,000 bases", "of the same DNA"
    ]  # fmt: skip
    assert of_data.columns == ["check", "verdict", "finding"]


def test_sequences_have_windows_and_no_curve_of_the_genome(results, made):
    assert "Precision at the genome's prevalence" not in made
    assert "Dashed" not in made["Precision and recall"].blocks[0].caption
    assert made["Data and models"].blocks[-1].rows[0][-1] == "windows of 100 bases"


def test_without_folds_the_sections_are_left_out(results):
    empty = {"folds": {}, "fold_comparisons": [], "leaks": [], "published_windows": {}}
    shown = evaluation.Shown({**results.results, **empty}, results.labels, results.probabilities)
    headings = {section.heading for section in evaluation.page(shown).sections}
    assert not headings & {"Folds", "The leak of a random split", "Windows as published"}


def test_the_page_has_the_same_bytes_each_time(results):
    assert page.render(evaluation.page(results)) == page.render(evaluation.page(results))
