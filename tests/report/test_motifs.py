import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from crekit.motifs import logos
from crekit.motifs.compare import Match, Rule
from crekit.motifs.found import Found, Untrained
from crekit.motifs.pwm import Motif
from crekit.report import motifs as report
from crekit.report import page


def motif(name, word, weight=0.88):
    rest = (1 - weight) / 4
    return Motif(
        name, "", np.eye(4)[["ACGT".index(base) for base in word]] * weight + rest, 1200, None, {"share_sites": 0.25}
    )


TARGET = Motif("MA1", "TF<x>", motif("", "TTACGTAC").matrix, 20)


def match(of, *, p=1e-6, counted=True, empirical=0.01, offset=2, orientation="+"):
    return Match(of, TARGET, p, p * 1000, p * 10, offset, 6, orientation, 6 if counted else 2, counted, empirical)


def found(**changes):
    motifs = [motif("kernel_1", "ACGTAC", 0.2), motif("kernel_2", "ACGTAC"), motif("kernel_4", "GGGGGG", 0.5)]
    settings = {
        "database": "JASPAR CORE",
        "n_targets": 1000,
        "matches": (match(motifs[0], p=1e-12, counted=False, empirical=1.0), match(motifs[1], orientation="-")),
        "untrained": Untrained(10, 1280, 1275, 12, np.ones(1280)),
    } | changes
    return Found("deepenhancer-4conv", "enumerate", Rule(), motifs, 125, {"tool": "extract-motifs"}, **settings)


def test_the_page_says_what_was_found_and_what_a_match_is_worth():
    text = page.render(report.page(found()))
    for part in (
        "Motifs of a deepenhancer-4conv, from all words that activate a kernel of its first layer",
        "1,000 known motifs (JASPAR CORE)",
        "kernels that nothing activates",
        "Of 1,280 kernels of 10 untrained networks of this architecture, 1,275 match at E &lt; 0.1, and 12 have",
        "TF&lt;x&gt;",
        "empirical p = 0.01.",
        "2 informative columns: does not count.",
        "No match.",
    ):
        assert part in text, part
    assert text.count("<svg ") == 3
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", text)


def test_motifs_whose_match_counts_stand_first_then_those_with_the_most_information():
    shown = found()
    order = report.ranked(shown, report.best_matches(shown.matches))
    assert [one.name for one in order] == ["kernel_2", "kernel_4", "kernel_1"]
    text = page.render(report.page(shown, most=1))
    assert text.count("<svg ") == 1
    assert "The first 1 of 3 motifs" in text
    assert re.findall(r'<th scope="row">(\w+)</th>', text) == ["kernel_2", "kernel_4", "kernel_1"]


def test_the_best_match_is_the_first_that_counts():
    one = motif("a", "ACGT")
    weak, strong = match(one, p=1e-3), match(one, p=1e-9, counted=False)
    assert report.best_matches([strong, weak]) == {"a": weak}
    assert report.best_matches([strong, match(one, p=1e-8, counted=False)]) == {"a": strong}


@pytest.mark.parametrize(("orientation", "letters"), [("+", "TTACGTAC"), ("-", "GTACGTAA")])
def test_a_motif_stands_over_the_columns_that_it_matches(orientation, letters):
    figure = report.aligned(motif("q", "ACGTAC"), match(motif("q", "ACGTAC"), orientation=orientation))
    above, below = figure.axes
    assert above.get_xlim() == below.get_xlim()

    def columns(axes):
        return sorted({round(sum(patch.get_path().get_extents().intervalx) / 2) for patch in axes.patches})

    assert columns(above) == [0, 1, 2, 3, 4, 5]
    assert columns(below) == [-2, -1, 0, 1, 2, 3, 4, 5]  # the motif begins 2 columns after the target
    highest = {}
    for patch in below.patches:
        box = patch.get_path().get_extents()
        column = round((box.x0 + box.x1) / 2)
        if box.height > highest.get(column, (0, None))[0]:
            highest[column] = (box.height, tuple(patch.get_facecolor()[:3]))
    expected = [to_rgb(logos.COLOURS[base]) for base in letters]
    assert [highest[column][1] for column in sorted(highest)] == expected


def test_a_page_without_a_comparison_has_no_columns_of_matches():
    text = page.render(report.page(found(database="", n_targets=0, matches=(), untrained=None), most=1))
    assert "best match" not in text
    assert "What a match means" not in text


def test_a_page_without_motifs_can_be_made():
    empty = Found("deepenhancer-4conv", "activation", Rule(), [], 128, {}, "JASPAR CORE", 1000)
    assert "All 0 motifs" in page.render(report.page(empty))


def test_the_same_motifs_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        page.write(tmp_path / name / "page.html", report.page(found(), most=1))
        page.write(tmp_path / name / "plain.html", report.page(found(), most=1), tmp_path / name / "plots")
    for file in ("page.html", "plain.html", "plots/kernel_2.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
