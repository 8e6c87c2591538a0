import re

import numpy as np
import pytest
import toy_signal as toy

from crekit.evaluation import evaluation_run
from crekit.report import evaluation, page, plots
from crekit.training import metrics

HISTORY = "epoch\tlr\ttrain_loss\tval_loss\tval_map\n1\t0.01\t0.9\t0.8\t0.5\n2\t0.01\t0.7\t0.75\t0.6\n"


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """All parts of a report: two models and their mean, an annotation, tested elements, a history."""
    folder = tmp_path_factory.mktemp("toy")
    tracks = toy.write_tracks(folder / "tracks.h5", wobble=3.0, extra=(55,))
    (folder / "atlas.bed").write_text("chr3\t6500\t6600\n")
    (folder / "tested.bed").write_text("chr3\t6000\t8000\tenhancer\nchr3\t190000\t192000\tbackground\n")
    (folder / "m.history.tsv").write_text(HISTORY)
    plan = evaluation_run.Plan(
        n_resamples=50,
        ensemble=True,
        annotations=[("atlas", folder / "atlas.bed")],
        validated=(None, folder / "tested.bed"),
        threads=1,
    )
    models = {"plain": toy.model(), "noisy": toy.model(toy.Sums(noise=2.0))}
    found = evaluation_run.run([toy.data_set(tracks)], models, plan)
    scored = found.scored
    return evaluation.Shown(
        found.results,
        scored.labels,
        scored.probabilities,
        found.curves,
        evaluation.reliability_bins(scored.labels, scored.probabilities, scored.classes, metrics.reliability),
        {"plain": evaluation.read_history(folder / "m.history.tsv")},
    )


@pytest.fixture(scope="module")
def text(shown):
    return page.render(evaluation.page(shown))


def headings(text):
    return re.findall("<h2>(.*?)</h2>", text)


def test_the_report_leads_with_precision_and_recall(text):
    assert headings(text) == [
        "Precision and recall",
        "Models compared",
        "Precision at the genome&#39;s prevalence",
        "All figures",
        "ROC curves",
        "Confusion",
        "Reliability",
        "Tested elements",
        "Training",
        "Data and models",
        "Audit",
        "How this was made",
    ]


def test_figures_stand_in_the_report_as_in_the_metrics(shown, text):
    found = shown.results["models"]["noisy"]
    low, high = found["intervals"]["mAP"]
    assert f"{found['mAP']:.3f} ({low:.3f}–{high:.3f})" in text
    for warning in shown.results["audit"]["warnings"]:
        assert warning in text
    assert shown.results["models"]["plain"]["marks"] == ["A", "B"]
    assert ">A, B</td>" in text


def test_background_comes_last_in_the_curves(shown):
    text = page.svg(evaluation.page(shown).sections[0].blocks[0].figure)
    assert text.index(">enhancer</text>") < text.index(">promoter</text>") < text.index(">background</text>")
    assert ">atlas</text>" in text


def test_parts_without_content_are_left_out(shown):
    results = {**shown.results, "comparisons": [], "prevalence": {}, "validated": {}, "annotations": {}}
    made = evaluation.page(evaluation.Shown(results, shown.labels, shown.probabilities))
    assert [section.heading for section in made.sections] == [
        "Precision and recall", "All figures", "ROC curves", "Confusion", "Data and models", "Audit"
    ]  # fmt: skip


def test_a_report_of_one_model_says_its_precision_in_the_genome_first(shown):
    alone = {part: {"plain": shown.results[part]["plain"]} for part in ("models", "prevalence")}
    results = {**shown.results, **alone, "comparisons": []}
    one = evaluation.page(evaluation.Shown(results, shown.labels, shown.probabilities))
    assert [label for label, _ in one.figures] == [
        "mAP", "AP, enhancer", "AP, promoter", "precision in the genome, enhancer", "precision in the genome, promoter"
    ]  # fmt: skip


def test_a_class_without_sites_is_drawn_empty(shown):
    only = shown.labels == 0
    probabilities = {model: values[only] for model, values in shown.probabilities.items()}
    for figure in (
        plots.precision_recall(shown.labels[only], probabilities, toy.CLASSES, {}, {}),
        plots.roc(shown.labels[only], probabilities, toy.CLASSES),
    ):
        assert "enhancer" in page.svg(figure)


def test_a_figure_without_a_value_is_a_dash():
    assert evaluation.with_interval({"mAP": None}, "mAP") == "–"
    assert evaluation.with_interval({"mAP": 0.5}, "mAP") == "0.500"
    assert evaluation.with_interval({"mAP": 0.5, "intervals": {"mAP": [0.4, 0.61]}}, "mAP") == "0.500 (0.400–0.610)"
    assert evaluation.with_interval({"MCC": -0.1, "intervals": {"MCC": [-0.2, 0]}}, "MCC") == "-0.100 (-0.200 to 0.000)"


def test_history_is_read_and_may_be_missing(tmp_path):
    (tmp_path / "m.history.tsv").write_text(HISTORY)
    assert evaluation.read_history(tmp_path / "m.history.tsv")[1] == {
        "epoch": 2, "lr": 0.01, "train_loss": 0.7, "val_loss": 0.75, "val_map": 0.6
    }  # fmt: skip
    assert evaluation.read_history(tmp_path / "none.tsv") == []
    (tmp_path / "forest.history.tsv").write_text(HISTORY.splitlines()[0] + "\n")
    assert evaluation.read_history(tmp_path / "forest.history.tsv") == []


def test_thinning_keeps_the_ends_and_the_shape(rng):
    x = np.sort(rng.random(20_000))
    y = np.sqrt(x)
    thin_x, thin_y = plots.thinned(x, y, most=300)
    assert len(thin_x) <= 302
    assert (thin_x[0], thin_x[-1], thin_y[-1]) == (x[0], x[-1], y[-1])
    np.testing.assert_allclose(np.interp(x, thin_x, thin_y), y, atol=0.005)


def test_a_short_curve_is_left_alone():
    x = np.array([0.0, 0.5, 1.0])
    assert plots.thinned(x, x)[0] is x
