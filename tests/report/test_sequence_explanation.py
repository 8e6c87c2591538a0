import re

import numpy as np
import pytest

from crekit.report import page
from crekit.report import sequence_explanation as explanation


def shown_class(rng, name="enhancer", n=3, width=90):
    codes = rng.integers(0, 4, (n, width), dtype=np.uint8)
    contributions = rng.normal(0, 0.02, (n, width)).astype(np.float32)
    contributions[:, 50:58] += 0.5
    contributions[:, 60:62] -= 0.3
    ids = np.array([f"chr3:{1000 * i}-{1000 * i + 80}" for i in range(n)], dtype=object)
    return explanation.ShownClass(
        name, 40, ids, 1000 * np.arange(n), np.linspace(0.99, 0.7, n, dtype=np.float32), codes, contributions
    )


def shown(*classes, method="deep-lift", error=2.3e-6, logos=2):
    return explanation.Shown(classes, "deepenhancer-4conv", method, 20, error, "test", logos, {"tool": "explain-model"})


def test_the_page_says_what_was_done_and_draws_every_class(rng):
    text = page.render(explanation.page(shown(shown_class(rng), shown_class(rng, "promoter", n=1))))
    assert text.count("<svg ") == 2
    for part in (
        "windows of 90 bases",
        "Drawn: 2 of 40 regions, those with the highest probability of enhancer.",
        "For promoter",
        "contributions against 20 shuffles of each window",
        "the largest error among all windows and shuffles is 2e-06 logits",
        "chr3:1000-1080",
        "p = 0.990",
    ):
        assert part in text
    assert "chr3:2000-2080" not in text  # only two are drawn
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", text)


def test_mutagenesis_has_no_error_of_additivity(rng):
    text = page.render(explanation.page(shown(shown_class(rng), method="mutagenesis", error=None)))
    assert "every base is replaced by each of the other three" in text
    assert "error of additivity" not in text


def test_the_same_figures_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        report = explanation.page(shown(shown_class(np.random.default_rng(4))))
        page.write(tmp_path / name / "page.html", report)
        page.write(tmp_path / name / "plain.html", report, tmp_path / name / "plots")
    for file in ("page.html", "plain.html", "plots/contributions_1.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_the_strongest_stretch_counts_both_signs():
    contributions = np.array([0, 1, 0, 0, -3, 2, 0, 0.5])
    assert explanation.strongest(contributions, 2) == (4, 6)
    assert explanation.strongest(contributions, 3) == (3, 6)
    assert explanation.strongest(contributions, 20) == (0, 8)


def test_letters_stand_at_their_bases_as_high_as_they_contribute(rng):
    one = shown_class(rng, n=1, width=60)
    one.codes[0, 10:20] = 4  # not known: no letter
    figure = explanation.draw(one, 1)
    size = one.contributions.max() - one.contributions.min()
    visible = np.flatnonzero((np.abs(one.contributions[0]) >= 0.01 * size) & (one.codes[0] < 4))
    boxes = [
        patch.get_path().get_extents(patch.get_transform() - figure.axes[1].transData)
        for patch in figure.axes[1].patches
    ]
    assert len(boxes) == len(visible)
    found = sorted((round((box.x0 + box.x1) / 2), box.y0, box.y1) for box in boxes)
    for place, (x, low, high) in zip(visible, found, strict=True):
        assert x == place
        value = one.contributions[0, place]
        np.testing.assert_allclose((low, high), (min(value, 0), max(value, 0)), atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 1e-30])
def test_contributions_of_nothing_are_drawn_too(rng, value):
    one = shown_class(rng)
    one.contributions[:] = value
    text = page.render(explanation.page(shown(one)))
    assert "nan" not in re.sub(r"base64,[^\"]*", "", text)
