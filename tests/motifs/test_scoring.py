import json
import logging
from dataclasses import replace

import numpy as np
import pytest

from crekit.errors import InputError
from crekit.motifs import database, scoring
from crekit.motifs.scoring import calibrated, published, restore

MEME = "MEME version 4\nMOTIF a\n"
PWM = ">one\n1.2 -2 -2 -0.9\n0 0 0 0\n>two\n-0.5 -0.5 -0.5 0.78\n"
LIMITS = ">T two -0.25\n0.1 0.2 0.3 0.4\n>AN one 1.5\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "m").write_text(PWM)
    (tmp_path / "t").write_text(LIMITS)
    return tmp_path / "m", tmp_path / "t"


def test_published_keeps_log_odds_to_the_bit_and_takes_thresholds_by_name(files):
    made = published(*files)
    assert made.names == ["one", "two"]
    assert made.scores.tolist() == [[1.2, -2, -2, -0.9], [0, 0, 0, 0], [-0.5, -0.5, -0.5, 0.78]]
    assert (made.widths.tolist(), made.thresholds.tolist()) == ([2, 1], [1.5, -0.25])
    assert (made.strands, made.frequency, made.ambiguous, made.p) == ("forward", "length", True, None)
    assert published(*files, strands="both", frequency="position").strands == "both"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (">T two 1\n", "t: no threshold of motif one"),
        (LIMITS + ">A three 1\n", "t: a threshold of motif three, which is not among the motifs"),
        ("", "no line >CONSENSUS NAME THRESHOLD"),
    ],
    ids=["missing", "extra", "empty"],
)
def test_thresholds_of_other_motifs_are_refused(files, limits, message):
    files[1].write_text(limits)
    with pytest.raises(InputError) as error:
        published(*files)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_published_log_odds_of_probabilities_are_those_of_the_log_odds_file(data):
    folder = data / "motifs"
    homer = folder / "HOCOMOCOv11_core_HUMAN_mono_homer_format_0.0001.txt"
    one, two = published(folder / "HOCOMOCOv11_core_pwms_HUMAN_mono.txt", homer), published(homer, homer)
    assert one.names == two.names
    np.testing.assert_allclose(one.scores, two.scores, atol=1e-12)
    assert one.thresholds[0] == 3.3775000000000004


def test_calibrated_scores_are_whole_and_the_same_for_both_files_of_hocomoco(data):
    folder = data / "motifs"
    one = calibrated(folder / "HOCOMOCOv11_core_pwms_HUMAN_mono.txt")
    two = calibrated(folder / "HOCOMOCOv11_core_HUMAN_mono_homer_format_0.0001.txt")
    assert (one.n_motifs, len(one.scores), one.p, one.strands, one.frequency) == (401, 5746, 1e-4, "both", "position")
    assert one.scores[0].tolist() == [5, -71, 37, 1]
    np.testing.assert_array_equal(one.scores, two.scores)
    np.testing.assert_array_equal(one.thresholds, two.thresholds)
    assert one.thresholds[0] in (760, 761, 762)  # AHR: a true 1e-4 needs 7.61, the published threshold is 3.38


def test_motifs_that_cannot_be_rare_enough_are_named_and_have_no_hits(files, caplog):
    with caplog.at_level(logging.WARNING, logger="crekit"):
        made = calibrated(files[0], p=0.07)
    assert caplog.messages == ["2 motif(s) too short or too vague for p 0.07 have no hits: one, two"]
    assert made.thresholds.tolist() == [121, 79]
    caplog.clear()
    calibrated(files[0], p=0.25)
    assert caplog.messages == []


@pytest.mark.parametrize("p", [0, 1, -1e-4, float("nan")])
def test_a_p_value_that_is_none_is_refused(files, p):
    with pytest.raises(InputError, match="give one between 0 and 1"):
        calibrated(files[0], p=p)


def test_a_scoring_comes_back_from_json_and_arrays(files):
    for made in (calibrated(files[0], p=0.25, background=(0.3, 0.2, 0.2, 0.3)), published(*files)):
        facts = json.loads(json.dumps(made.facts()))
        again = restore(facts, made.scores, made.widths, made.thresholds)
        assert again.facts() == made.facts()
        assert (again.names, again.background) == (made.names, made.background)
        assert len(made.motifs_sha256) == 64


@pytest.mark.parametrize(
    "damage",
    [
        {"names": ["one"]},
        {"names": ["one", "one"]},
        {"names": ["one", 2]},
        {"widths": np.array([2, 2])},
        {"widths": np.array([4, -1])},
        {"widths": np.array([2.0, 1.0])},
        {"scores": np.full((3, 4), np.nan)},
        {"scores": np.full((3, 4), 1e9)},
        {"scores": np.zeros((3, 5))},
        {"scores": np.zeros((3, 4), np.float32)},
        {"thresholds": np.zeros(3)},
        {"thresholds": np.array([1.0, np.inf])},
        {"strands": "reverse"},
        {"frequency": "share"},
        {"ambiguous": 1},
        {"p": 2.0},
        {"background": (0.5, 0.5, 0.5, -0.5)},
        {"background": (0.5, 0.5)},
    ],
    ids="-".join,
)
def test_a_damaged_scoring_is_refused(files, damage):
    with pytest.raises(ValueError, match=r"motifs|background|strands"):
        replace(published(*files), **damage).check()


def test_facts_that_are_damaged_are_refused(files):
    made = published(*files)
    arrays = made.scores, made.widths, made.thresholds
    with pytest.raises(ValueError, match="damaged"):
        restore({"names": ["one", "two"]}, *arrays)
    with pytest.raises(ValueError, match="damaged"):
        restore({**made.facts(), "unknown": 1}, *arrays)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (">one\n", "line 1: motif one has no positions|line 1: .* four probabilities"),
        (">one\n1.2 -2 -2 -0.9\n>two\n", "line 3: motif two has no positions"),
        (">one\n1.2 -2 -2 -0.9\n0 0 0\n", "line 3: .* four"),
        (">one\n1.2 -2 -2 -0.9\n0 0 0 nan\n", "line 3: .* four"),
        (">one\n1.2 -2 -2 -0.9\n0 0 0 inf\n", "line 3: .* four"),
        (">one\n1.2 -2 -2 -0.9\n0.1 0.2 0.3 0.4\n", "line 3: .* four natural log odds"),
        (">x one\n0.1 0.2 0.3 0.4\n1.2 -0.2 0 0\n", "line 3: .* four probabilities"),
        (">one\n3 4 0 1\n8 0 -1 1\n", "line 3: .* four counts"),
        (">one\n3 4 0 1\n0 0 0 0\n", "line 3: .* four counts"),
        (PWM + ">one\n0 0 0 0\n", "two motifs are called one"),
        (PWM + ">\n0 0 0 0\n", "line 6: a motif without a name"),
        (MEME + "letter-probability matrix: w= -3\n0.1 0.2 0.3 0.4\n", "line 3: w= -3; give the number"),
        (MEME + "letter-probability matrix: w= 3\n0.1 0.2 0.3 0.4\n", "line 5: .* four probabilities"),
        (MEME, "line 2: motif a has no letter-probability matrix"),
        ("\x89HDF\n", "begins no MEME, JASPAR or HOMER file"),
    ],
    ids=[
        "empty", "no rows", "no rows later", "three", "nan", "infinite", "probabilities among log odds", "negative",
        "negative count", "no counts", "twice", "no name", "negative width", "few rows", "no matrix", "other format",
    ],
)  # fmt: skip
def test_a_wrong_file_of_motifs_is_one_line(tmp_path, text, message):
    (tmp_path / "m").write_text(text)
    for make in (calibrated, database.load_log_odds):
        with pytest.raises(InputError, match=message) as error:
            make(tmp_path / "m")
        assert "\n" not in str(error.value)


def test_a_missing_or_truncated_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        calibrated(tmp_path / "none")
    (tmp_path / "m.gz").write_bytes(b"\x1f\x8b\x08\x00cut")
    with pytest.raises(InputError, match="truncated"):
        calibrated(tmp_path / "m.gz")


def test_the_background_is_checked():
    for wrong in ((0.25,) * 3, (0.5, 0.5, 0.5, 0.5), (1.0, 0, 0, 0)):
        with pytest.raises(ValueError, match="four positive numbers"):
            scoring.require_background(wrong)
