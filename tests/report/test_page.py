import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from crekit.errors import InputError
from crekit.report import page

PROVENANCE = {"tool": "evaluate-model", "options": {"seed": 1}, "inputs": []}


def drawn(label="precision", slope=1):
    with page.style():
        figure = Figure(figsize=(3, 2))
        axes = figure.subplots()
        axes.plot([0, 1], [0, slope], marker="o", label="line")
        axes.set(xlabel=label)
        axes.legend()
    return figure


def report(name="plot", slope=1, text="A paragraph."):
    blocks = [
        text,
        page.Note("Mind this."),
        page.Table(["class", "AP", "sites"], [["enhancer", 0.75, 12000], ["promoter", None, 3]], "Per class."),
        page.Plot(name, drawn(slope=slope), "A caption."),
        page.Plot("other", drawn("recall"), "Another."),
    ]
    return page.Page("A title", "What it is.", [("mAP", 0.9)], [page.Section("First", blocks)], PROVENANCE)


class Outline(HTMLParser):
    """Tags that were opened and attributes that were used; fails on tags closed in the wrong order."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_needs_nothing_from_outside():
    text = page.render(report())
    outline = Outline(text)
    assert outline.tags.count("svg") == 2
    assert "script" not in outline.tags
    assert "link" not in outline.tags
    assert "img" not in outline.tags
    links = [value for name, value in outline.attributes if name in ("src", "href", "xlink:href")]
    assert all(link.startswith("#") for link in links)
    assert "prefers-color-scheme: dark" in text
    assert "@import" not in text


def test_plain_page_has_no_style_script_or_inline_image(tmp_path):
    page.write(tmp_path / "report.html", report(), tmp_path / "assets")
    text = (tmp_path / "report.html").read_text()
    outline = Outline(text)
    assert not {"style", "script", "svg", "link"} & set(outline.tags)
    assert "style" not in [name for name, _ in outline.attributes]
    assert "data:" not in text
    assert [value for name, value in outline.attributes if name == "src"] == ["assets/plot.png", "assets/other.png"]
    assert (tmp_path / "assets" / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_assets_beside_the_page_are_named_without_a_folder(tmp_path):
    page.write(tmp_path / "report.html", report(), tmp_path)
    assert '<img src="plot.png"' in (tmp_path / "report.html").read_text()


def test_same_report_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        page.write(tmp_path / name / "report.html", report())
        page.write(tmp_path / name / "plain.html", report(), tmp_path / name / "assets")
    for file in ("report.html", "plain.html", "assets/plot.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_svg_follows_the_colour_of_the_text_and_keeps_text():
    text = page.svg(drawn())
    assert "#000000" not in text
    assert "stroke: currentColor" in text
    assert ">precision</text>" in text
    assert "<style" not in text
    assert "<metadata" not in text


def test_identifiers_of_two_figures_do_not_clash_and_references_resolve():
    one, other = page.svg(drawn()), page.svg(drawn("recall"))
    known = [set(re.findall(r' id="([^"]+)"', text)) for text in (one, other)]
    assert known[0]
    assert not known[0] & known[1]
    for text, identifiers in zip((one, other), known, strict=True):
        assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text)) == identifiers


def test_text_is_escaped():
    text = page.render(report(text="<script>alert('x')</script> & more"))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "&amp; more" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.75, "0.750"),
        (0.00123, "0.00123"),
        (0.0, "0.000"),
        (12000, "12,000"),
        (None, "–"),
        (float("nan"), "–"),
        (True, "yes"),
    ],
)
def test_cells(value, shown):
    assert f">{shown}</td>" in page.render(
        page.Page("t", "l", sections=[page.Section("s", [page.Table(["a", "b"], [["x", value]])])])
    )


def test_two_plots_of_one_name_are_refused():
    with pytest.raises(ValueError, match="names of their own"):
        page.render(report(name="other"))


def test_assets_that_are_a_file_are_refused(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InputError, match=r"taken: a file, not a folder; give --html-assets a folder"):
        page.check(tmp_path / "report.html", tmp_path / "taken")


def test_page_in_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        page.check(tmp_path / "no" / "report.html")
