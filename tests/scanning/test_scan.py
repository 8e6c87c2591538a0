"""Whole scans of a small genome, with a model whose answers can be followed by hand (see toy_scan)."""

import json
import logging
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyBigWig
import pytest
import toy_dna
from toy_scan import THREE, centre_model, draw, random_model, save_model, save_tracks

from crekit.errors import InputError
from crekit.scanning.scan import Rule, scan_genome
from crekit.signal.tracks import VALUES, Tracks

SIZES = {"chr1": 30_000, "chr2": 12_050, "chr10": 8_000, "chrM": 1_500}
# Windows of chr1: an enhancer, one of 0.5, a promoter beside an enhancer. Of chr2: an enhancer in the last window.
CHR1 = [(3, 5, 1, 6), (6, 6, 1, 5), (60, 64, 1, 8), (65, 70, 2, 9), (200, 202, 2, 7)]
CHR2 = [(100, 101, 1, 9)]


def write(folder: Path, classes: list[str] = THREE, chr1=CHR1, chr2=CHR2) -> tuple[Path, Path]:
    drawn = {"chr1": draw(300, *chr1), "chr2": draw(121, *chr2), "chr10": draw(80), "chrM": draw(15)}
    bins = {mark: {chrom: columns[i] for chrom, columns in drawn.items()} for i, mark in enumerate("AB")}
    model = save_model(folder / "model.safetensors", centre_model(SIZES, classes))
    return model, save_tracks(folder / "tracks.h5", SIZES, bins)


@pytest.fixture
def inputs(tmp_path) -> tuple[Path, Path]:
    return write(tmp_path)


def scan(inputs: tuple[Path, Path], rule: Rule | None = None, **options) -> tuple[list[list[str]], dict]:
    """The BED's records and the summary."""
    prefix = inputs[0].parent / "scan"
    scan_genome(*inputs, str(prefix), rule or Rule(), **options)
    records = [line.split("\t") for line in Path(f"{prefix}.bed").read_text().splitlines()]
    return records, json.loads(Path(f"{prefix}.summary.json").read_text())


def spans(records: list[list[str]]) -> list[tuple]:
    return [(chrom, int(start), int(end), name, int(score)) for chrom, start, end, name, score, *_ in records]


def annotation(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_blocks_are_those_that_were_drawn(inputs):
    records, summary = scan(inputs)
    assert spans(records) == [
        ("chr1", 300, 2500, "enhancer", 600),
        ("chr1", 6000, 8400, "enhancer", 800),
        ("chr1", 6500, 9000, "promoter", 900),
        ("chr1", 20_000, 22_200, "promoter", 700),
        ("chr2", 10_000, 12_050, "enhancer", 900),  # window 101 ends at 12,100, the chromosome before it
    ]
    assert records[0] == ["chr1", "300", "2500", "enhancer", "600", ".", "300", "2500", "255,140,0"]
    assert summary["windows"] == 281 + 102 + 61
    assert summary["classes"] == {
        "enhancer": {"blocks": 3, "bases": 2200 + 2400 + 2050},
        "promoter": {"blocks": 2, "bases": 2500 + 2200},
    }
    assert list(summary["chromosomes"]) == ["chr1", "chr2", "chr10", "chrM"]
    assert summary["chromosomes"]["chr2"] == {
        "size": 12_050,
        "windows": 102,
        "classes": {"enhancer": {"blocks": 1, "bases": 2050}, "promoter": {"blocks": 0, "bases": 0}},
    }
    assert summary["chromosomes"]["chrM"]["windows"] == 0


def test_by_the_blocks_best_a_weak_window_belongs(inputs):
    records, summary = scan(inputs, Rule(filter="block"))
    assert spans(records)[0] == ("chr1", 300, 2600, "enhancer", 600)
    assert summary["record"]["options"]["filter"] == "block"


def test_a_higher_cutoff_leaves_fewer_blocks(inputs):
    records, _ = scan(inputs, Rule(cutoff=0.75))
    assert [one[1:] for one in spans(records)] == [
        (6000, 8400, "enhancer", 800), (6500, 9000, "promoter", 900), (10_000, 12_050, "enhancer", 900),
    ]  # fmt: skip


def test_a_step_of_200_sees_every_second_window(inputs):
    records, summary = scan(inputs, Rule(step=200))
    assert spans(records)[:3] == [
        ("chr1", 400, 2400, "enhancer", 600),
        ("chr1", 6000, 8400, "enhancer", 800),
        ("chr1", 6600, 9000, "promoter", 900),
    ]
    assert summary["windows"] == 141 + 51 + 31


def test_bigwigs_hold_each_windows_probability_round_its_centre(inputs, tmp_path):
    scan(inputs)
    with pyBigWig.open(str(tmp_path / "scan.enhancer.bw")) as handle:
        assert dict(handle.chroms()) == SIZES
        values = handle.intervals("chr1")
        assert len(values) == 281
        assert values[0] == (950, 1050, pytest.approx(0.05))
        assert values[3] == (1250, 1350, pytest.approx(0.6))
        assert values[65] == (7450, 7550, pytest.approx(0.05))
        assert handle.intervals("chrM") is None
    with pyBigWig.open(str(tmp_path / "scan.promoter.bw")) as handle:
        assert handle.intervals("chr1")[65] == (7450, 7550, pytest.approx(0.9))
    assert not (tmp_path / "scan.background.bw").exists()


def test_bigwigs_follow_a_larger_step(inputs, tmp_path):
    scan(inputs, Rule(step=200))
    with pyBigWig.open(str(tmp_path / "scan.enhancer.bw")) as handle:
        assert handle.intervals("chr1")[2] == (1300, 1500, pytest.approx(0.6))
    scan(inputs, Rule(step=3000))  # wider than a window: a value is drawn over its window alone
    with pyBigWig.open(str(tmp_path / "scan.enhancer.bw")) as handle:
        assert [span[:2] for span in handle.intervals("chr1")] == [(s, s + 2000) for s in range(0, 28_000, 3000)]


def test_the_session_opens_files_that_are_there(inputs, tmp_path):
    scan(inputs)
    session = ElementTree.parse(tmp_path / "scan.igv.xml").getroot()  # noqa: S314 (written by us)
    paths = [one.get("path") for one in session.iter("Resource")]
    assert paths == ["scan.bed", "scan.enhancer.bw", "scan.promoter.bw"]
    for path in paths:
        assert (tmp_path / path).is_file()


@pytest.mark.parametrize(
    "classes",
    [
        ["background", "enhancer"],
        ["background", "enhancer", "promoter"],
        ["background", "poised_enhancer", "active_enhancer", "poised_promoter", "active_promoter"],
    ],
)
def test_known_tss_are_kept_out_of_every_enhancer_class_and_no_other(tmp_path, classes):
    runs = [(40 * i, 40 * i + 1, i, 8) for i in range(1, len(classes))]
    inputs = write(tmp_path, classes, chr1=runs, chr2=[(100, 101, 1, 9)])
    everything, _ = scan(inputs)
    assert [one[3] for one in everything] == [*classes[1:], classes[1]]
    # A TSS in every block of chr1, none on chr2.
    tss = annotation(tmp_path / "tss.bed", *[f"chr1\t{4000 * i + 1000}\t{4000 * i + 1001}" for i in range(1, 5)])
    records, summary = scan(inputs, Rule(tss_distance=0), known_tss=tss)
    kept = [name for name in classes[1:] if "enhancer" not in name]
    assert [one[3] for one in records] == [*kept, classes[1]]
    for name, figures in summary["classes"].items():
        assert figures.get("removed_near_tss") == (1 if "enhancer" in name else None)


def test_a_tss_reaches_as_far_as_its_distance(inputs, tmp_path):
    # The enhancer at 300-2500 of chr1: a TSS at 4500 shares a base with it when widened by 2001 bases, not by 2000.
    tss = annotation(tmp_path / "tss.bed", "chr1\t4500\t4501", "chrZ\t1\t2")
    for distance, removed in ((2000, 1), (2001, 2), (100, 0)):
        _, summary = scan(inputs, Rule(tss_distance=distance), known_tss=tss)
        assert summary["classes"]["enhancer"]["removed_near_tss"] == removed
        assert summary["record"]["options"]["tss_distance"] == distance


def test_wide_tss_records_stand_for_their_first_base(inputs, tmp_path):
    for strand, removed in (("+", 1), ("-", 0)):
        tss = annotation(tmp_path / "tss.bed", f"chr1\t2400\t5900\tgene\t0\t{strand}")
        _, summary = scan(inputs, Rule(tss_distance=0), known_tss=tss)
        assert summary["classes"]["enhancer"]["removed_near_tss"] == removed


def test_the_validation_rate_is_the_share_of_blocks_with_a_marker_near(inputs, tmp_path):
    markers = annotation(tmp_path / "markers.bed", "chr1\t4999\t5050", "chr1\t11000\t11100", "chr2\t10500\t10600")
    _, summary = scan(inputs, markers=markers)
    # Enhancers end at 2500 (4999 - 2500 = 2499 is in it), 8400 (8500 is not) and lie on the marker of chr2.
    enhancer, promoter = summary["classes"]["enhancer"], summary["classes"]["promoter"]
    assert (enhancer["validated"], enhancer["validation_rate"]) == (3, 1.0)
    assert (promoter["validated"], promoter["validation_rate"]) == (1, 0.5)
    assert (enhancer["shuffled"], promoter["shuffled"]) == (30, 20)
    assert enhancer["shuffled_rate"] == enhancer["shuffled_validated"] / 30
    assert [one["role"] for one in summary["record"]["inputs"]] == ["model", "tracks", "markers"]
    other = scan(inputs, Rule(seed=2), markers=markers)[1]["classes"]
    assert other["enhancer"]["validated"] == 3
    assert (other["enhancer"], other["promoter"]) != (enhancer, promoter)


def test_a_class_without_blocks_has_no_validation_rate(inputs, tmp_path):
    markers = annotation(tmp_path / "markers.bed", "chr1\t5000\t5050")
    _, summary = scan(inputs, chroms="chr10", markers=markers)
    assert summary["classes"]["enhancer"]["validation_rate"] is None
    assert summary["classes"]["enhancer"]["shuffled_rate"] is None


def test_the_same_scan_gives_the_same_bytes_whatever_the_threads(inputs, tmp_path):
    written = []
    for name, threads in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        scan_genome(*inputs, str(tmp_path / name / "scan"), Rule(), threads=threads)
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1]
    assert len(written[0]) == 5


def test_a_network_scans_as_the_model_scores_windows(tmp_path, rng):
    model = random_model("deepregfinder-cnn", n_marks=3)
    sizes = {"chr1": 60_000}
    counts = {f"mark{i}": {"chr1": rng.poisson(2.0, 600).astype(np.uint16)} for i in range(3)}
    inputs = save_model(tmp_path / "m.safetensors", model, sizes=sizes), save_tracks(tmp_path / "t.h5", sizes, counts)
    scan(inputs)
    with Tracks(inputs[1]) as tracks:
        windows = np.lib.stride_tricks.sliding_window_view(tracks.read("chr1"), 20, axis=1).transpose(1, 0, 2)
    expected = model.probabilities(windows)
    for i, name in enumerate(THREE[1:], 1):
        with pyBigWig.open(str(tmp_path / f"scan.{name}.bw")) as handle:
            found = np.array([value for *_, value in handle.intervals("chr1")])
        np.testing.assert_allclose(found, expected[:, i], atol=1e-6, rtol=0)


def test_tracks_are_read_as_the_model_was_trained(tmp_path, rng):
    sizes = {"chr1": 10_000}
    counts = {mark: {"chr1": rng.poisson(2.0, 100).astype(np.uint16)} for mark in "AB"}
    tracks = save_tracks(tmp_path / "tracks.h5", sizes, counts)  # 10^6 reads each: rpm and counts are the same
    for normalise, option, expected in (("rpm", None, "rpm"), ("none", None, "none"), ("rpm", "none", "none")):
        model = save_model(tmp_path / "m.safetensors", centre_model(sizes), normalise=normalise)
        _, summary = scan((model, tracks), Rule(normalise=option))
        assert summary["record"]["options"]["normalise"] == expected


def test_chromosomes_can_be_chosen(inputs):
    records, summary = scan(inputs, chroms="chr2,chr10")
    assert spans(records) == [("chr2", 10_000, 12_050, "enhancer", 900)]
    assert list(summary["chromosomes"]) == ["chr2", "chr10"]


def test_a_chromosome_shorter_than_a_window_is_warned_of(inputs, caplog):
    caplog.set_level(logging.INFO, "crekit")
    logging.getLogger("crekit").propagate = True
    scan(inputs)
    assert "shorter than a window of 2000 bases, and not scored: chrM" in caplog.text
    records, summary = scan(inputs, chroms="chrM")
    assert (records, summary["windows"]) == ([], 0)


def test_tracks_of_another_kind_than_the_models_are_warned_of(tmp_path, caplog):
    logging.getLogger("crekit").propagate = True
    model, _ = write(tmp_path)
    values = {mark: {chrom: np.zeros(-(-size // 100)) for chrom, size in SIZES.items()} for mark in "AB"}
    scan((model, save_tracks(tmp_path / "values.h5", SIZES, values, kind=VALUES)))
    assert "A holds bigWig values, but the model was trained on the other kind" in caplog.text


def refused(inputs: tuple[Path, Path], match: str, rule: Rule | None = None, **options) -> None:
    folder = inputs[0].parent
    before = sorted(folder.iterdir())
    with pytest.raises(InputError, match=match):
        scan(inputs, rule, **options)
    assert sorted(folder.iterdir()) == before


def test_what_does_not_fit_is_refused(inputs, tmp_path):
    refused(inputs, "--step 150: windows start at bins, so give a multiple of 100", Rule(step=150))
    refused(inputs, "--filter both: choose window or block", Rule(filter="both"))
    refused(inputs, "--cutoff 1.5", Rule(cutoff=1.5))
    refused(inputs, "--normalise cpm", Rule(normalise="cpm"))
    refused(inputs, "'chr9' is not known; known are chr1, chr2, chr10, chrM", chroms="chr9")
    tracks = inputs[1]
    other = tmp_path / "other.safetensors"
    refused((save_model(other, centre_model(SIZES, marks=("A", "C"))), tracks), "no track of C; it holds A, B")
    refused((save_model(other, centre_model(SIZES), bin_size=50), tracks), "bins of 100 bases, but the model has 50")
    refused((save_model(other, centre_model({"chr1": 30_001})), tracks), "chr1 has 30000 bases, but 30001 in the model")
    refused((save_model(other, centre_model({"1": 30_000})), tracks), "are not those of the model")
    toy_dna.save_model(other, toy_dna.random_dna_model("deepenhancer-6conv3pool"))
    refused((other, tracks), "a model of sequences, which tracks cannot feed")


def test_annotation_that_does_not_fit_is_refused(inputs, tmp_path):
    for option in ("known_tss", "markers"):
        wrong = annotation(tmp_path / "wrong.bed", "1\t100\t101")
        refused(inputs, "chromosome 1 is called chr1 in the tracks", **{option: wrong})
        annotation(wrong, "chr1\t100\t30001")
        refused(inputs, "ends at chr1:30001, past the chromosome", **{option: wrong})
        annotation(wrong, "chr1 100 101")
        refused(inputs, "wrong.bed, line 1: 1 column", **{option: wrong})


def test_an_output_that_cannot_be_written_is_refused_before_the_work(inputs, tmp_path):
    for prefix, match in (
        (tmp_path / "none" / "scan", "does not exist"),
        (tmp_path, "give the beginning of their names"),
    ):
        with pytest.raises(InputError, match=match):
            scan_genome(*inputs, str(prefix), Rule())


def test_a_scan_that_fails_on_the_way_leaves_nothing(inputs, tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crekit.scanning.browser.bed_lines", fail)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        scan(inputs)
    assert sorted(tmp_path.iterdir()) == before
