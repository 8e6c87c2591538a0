import re

import numpy as np
import pytest

from crekit.models.first_layer import FirstLayer, cluster, reduce
from crekit.report import explanation, filters, page

CLASSES = ["background", "enhancer", "promoter"]


def layer(rng, *, n_filters=6, counts=(4, 3, 5), dead=(2,), growth=1, marks=("H3K4me1", "H3K4me3")):
    labels = np.repeat([0, 1, 2], counts)
    found = rng.normal(size=(len(labels), n_filters, 20)) + growth * labels[:, None, None]
    found[:, list(dead)] = 0
    reduced, share = reduce(found)
    means = np.array(
        [found[labels == i].mean(axis=(0, 2)) if (labels == i).any() else [np.nan] * n_filters for i in range(3)]
    ).T
    order, tree = cluster(reduced)
    return FirstLayer(
        CLASSES, list(marks), rng.normal(size=(n_filters, len(marks), 7)), labels, means, reduced, share, order, tree
    )


def shown(of_layer):
    counts = np.bincount(of_layer.labels, minlength=3)
    regions = [(name, int(n), 9, 0.9 if n else None) for name, n in zip(CLASSES, counts, strict=True)]
    return explanation.Shown(of_layer, "deepregfinder-cnn", 100, regions, ["chr5"], "test", {"tool": "explain-model"})


def test_the_page_says_what_was_done_and_shows_every_filter(rng):
    text = page.render(explanation.page(shown(layer(rng))))
    assert text.count("<svg ") == 3
    for part in (
        "6 filters over 2 marks, each 7 bins of 100 bases wide",
        "before batch normalisation and ReLU and without the bias",
        "average linkage",
        "The last 1 do not vary",
        "Regions of chr5 (test)",
        "filters without variance",
    ):
        assert part in text
    for number in range(1, 7):
        assert f'<th scope="row">{number}</th>' in text
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", text)


def test_the_same_layer_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        report = explanation.page(shown(layer(np.random.default_rng(4))))
        page.write(tmp_path / name / "page.html", report)
        page.write(tmp_path / name / "plain.html", report, tmp_path / name / "plots")
    for file in (
        "page.html",
        "plain.html",
        "plots/activation.png",
        "plots/specific_filters.png",
        "plots/all_filters.png",
    ):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


@pytest.mark.parametrize(
    "made",
    [{"dead": range(6)}, {"dead": range(5)}, {"counts": (4, 0, 3)}, {"counts": (0, 6, 0)}, {"counts": (1, 0, 0)}],
    ids=["all dead", "one alive", "a class missing", "one class", "one region"],
)
def test_odd_layers_are_drawn_too(rng, made):
    text = page.render(explanation.page(shown(layer(rng, **made))))
    assert "The weights of all filters" in text
    assert "nan" not in re.sub(r"base64,[^\"]*", "", text)


def test_a_class_that_no_filter_prefers_is_named(rng):
    text = page.render(explanation.page(shown(layer(rng, growth=10))))  # activation grows from class to class
    assert "No filter prefers background or enhancer." in text


def test_rows_of_the_heatmap_stand_in_the_order_of_the_tree(rng):
    of_layer = layer(rng)
    figure = filters.heatmap(of_layer)
    axes = figure.axes[2]
    assert [label.get_text() for label in axes.get_yticklabels()] == [str(n + 1) for n in of_layer.order]
    assert axes.images[0].get_array().shape == (6, 12, 4)
    (lines,) = figure.axes[1].collections
    leaves = sorted(y for path in lines.get_paths() for x, y in path.vertices if x == 0)
    np.testing.assert_allclose(leaves, range(5))


def test_no_value_is_see_through_and_signs_have_their_colours():
    image = filters._coloured(np.array([[-2.0, -0.5, 0.0, 0.5, 2.0]]))[0]
    np.testing.assert_allclose(image[:, 3], [1, 0.5, 0, 0.5, 1])
    assert (image[0, :3] == image[1, :3]).all()
    assert (image[3, :3] == image[4, :3]).all()
    assert (image[1, :3] != image[3, :3]).any()


def test_a_line_goes_through_every_weight_and_every_crossing():
    line = filters._outline(np.array([1.0, -1.0, 0.0, 0.5]), row=2, column=1)
    x = 1.06 + 0.88 * np.array([0, 0.5, 1, 2, 3]) / 3
    np.testing.assert_allclose(line, np.stack([x, 2 - 0.46 * np.array([1.0, 0, -1, 0, 0.5])], axis=1))
