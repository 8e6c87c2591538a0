import re

import numpy as np
import pytest

from crekit.report import feature_explanation as explanation
from crekit.report import feature_explanation_plots as plots
from crekit.report import page

MOTIFS = [f"T{i}_HUMAN.H11MO.0.A" for i in range(6)]


def shown_class(model="", name="enhancer", n=40, regions=2, parts=("kmer",)):
    rng = np.random.default_rng(7)
    frequency = rng.poisson(1, (n, 6)) / 500
    values = (frequency - frequency.mean(axis=0)) * [900, -700, 500, 300, -200, 0]
    sums = dict.fromkeys(parts, 0.3)
    one_by_one = [
        explanation.ShownRegion(
            f"chr1:{i}00-{i}99", 0.97, float(0.2 + values[i].sum() + sum(sums.values())), values[i], frequency[i], sums
        )
        for i in range(regions)
    ]
    return explanation.ShownClass(
        model, name, MOTIFS, np.abs(values).mean(axis=0), values.mean(axis=0), np.array([1, -1, 1, 1, -1, np.nan]),
        frequency.mean(axis=0), values, frequency, dict.fromkeys(parts, (0.4, 0.1)), 0.2, one_by_one,
    )  # fmt: skip


def shown_model(name="mdlf", trained_on=True):
    return explanation.ShownModel(name, "mdlf", {"background": (20, 80), "enhancer": (20, 60)}, 100, trained_on, 2.4e-6)


def comparison():
    rank = np.array([[1, 2], [2, 5], [3, 1], [4, 6], [5, 3], [6, 4]])
    return explanation.ShownComparison(
        "enhancer", ["A549", "NHLF"], MOTIFS, rank, 1 / rank, ["all", "A549", "NHLF", "", "", ""], 0.67
    )


def one_model():
    return explanation.Shown([shown_model()], [shown_class()], [], 5, "test", {"tool": "explain-model"})


def several_models():
    models = [shown_model("A549"), shown_model("NHLF", trained_on=False)]
    classes = [shown_class(one.name, regions=0) for one in models]
    return explanation.Shown(models, classes, [comparison()], 2, "all", {"tool": "explain-model"})


def test_the_page_of_one_model_works_offline_and_says_what_was_done():
    text = page.render(explanation.page(one_model()))
    assert text.count("<svg ") == 2  # bars and beeswarm; forces
    for part in (
        "What the frequencies of 6 motifs contribute to the classes of a mdlf, by SHAP.",
        "The first 5 of 6 motifs; they hold 100 % of what all motifs contribute.",
        "All k-mers together contribute 0.4 logits on average, either way.",
        "chr1:000-099   p = 0.970",
        "all k-mers",
        "T4_HUMAN.H11MO.0.A",
        "2e-06",
    ):
        assert part in text, part
    assert "T5_HUMAN.H11MO.0.A" not in text  # the sixth
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", text)


def test_the_page_of_several_models_tells_shared_from_exclusive_motifs():
    text = page.render(explanation.page(several_models()))
    assert text.count("<svg ") == 3  # ranks, and bars of two models
    for part in (
        "Shared by all models: 1 of 6 motifs; 0.7 if all ranked at random.",
        "Motifs for enhancer in NHLF",
        "rank, A549",
        "Exclusive to one model: enhancer",
        "The sequences hold no training region of NHLF",
        "compare ranks",
    ):
        assert part in text, part
    assert "Surest regions" not in text


def test_a_plain_page_has_its_plots_beside_it_and_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        np.random.seed(ord(name))  # noqa: NPY002 (of what shap draws its jitter from)
        page.write(tmp_path / name / "page.html", explanation.page(one_model()))
        page.write(tmp_path / name / "plain.html", explanation.page(several_models()), tmp_path / name / "plots")
    made = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert [path.name for path in made] == [
        "page.html",
        "plain.html",
        "motifs_1.png",
        "motifs_2.png",
        "ranks_enhancer.png",
    ]
    for path in made:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes(), path


def test_the_jitter_leaves_the_generator_of_others_as_it_was():
    np.random.seed(3)  # noqa: NPY002
    wanted = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    explanation.page(one_model())
    assert np.random.rand() == wanted  # noqa: NPY002


def test_forces_reach_from_the_base_to_the_output():
    """0.5 is pushed to 2.5 by +3 and -1: red from 5.5 - 3 ... : up on the left of the output, down on its right."""
    figure = plots.forces([plots.Pushed("r", 0.5, 2.5, [("a", 1.0), ("b", -1.0), ("c", 2.0)])])
    bars = sorted((bar.get_x(), bar.get_width()) for bar in figure.axes[0].patches)
    # c next to the output, a beyond it; b on the right.
    spans = sorted(tuple(sorted((x, x + width))) for x, width in bars)
    np.testing.assert_allclose(spans, [(-0.5, 0.5), (0.5, 2.5), (2.5, 3.5)])
    assert [text.get_text().strip() for text in figure.axes[0].texts] == ["c", "a", "b"]


def test_strongest_features_sum_to_all():
    found = plots.strongest(
        ["a", "b", "c"], np.array([0.1, -3, 2]), np.array([0.002, 0, 0.01]), {"k-mers": 0.5}, most=1
    )
    assert found == [("b = 0", -3.0), ("2 other motifs", pytest.approx(2.1)), ("k-mers", 0.5)]


def test_names_are_cut_where_they_stay_apart():
    assert plots.short(["SP2_HUMAN.H11MO.0.A", "E2F1_HUMAN.H11MO.0.A", "E2F1_HUMAN.H11MO.1.B", "MA0139.1"]) == [
        "SP2", "E2F1_HUMAN.H11MO.0.A", "E2F1_HUMAN.H11MO.1.B", "MA0139.1"
    ]  # fmt: skip
