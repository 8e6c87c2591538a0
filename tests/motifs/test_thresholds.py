"""Exact thresholds against the enumeration of all words, and p-values against FIMO's."""

import csv
import json
import math
import re
from fractions import Fraction

import numpy as np
import pytest

from crekit.errors import InputError
from crekit.genome.fasta import encode
from crekit.motifs import database, hits, pssm, thresholds
from crekit.motifs.pwm import Motif
from crekit.motifs.scoring import Scoring

NRDB = (0.281774, 0.222020, 0.228876, 0.267330)  # FIMO's default background


def all_scores(rows):
    """The score of each of the 4^w words."""
    scores = np.zeros(1, dtype=np.int32)
    for row in rows.astype(np.int32):
        scores = (scores[:, None] + row).ravel()
    return scores


def by_enumeration(rows, p):
    """The lowest score that at most p of all words reach; one above the highest if none is so rare."""
    scores = np.sort(all_scores(rows))[::-1]
    allowed = math.floor(Fraction(p) * len(scores))
    if allowed == len(scores):
        return scores[-1]
    above = scores[:allowed][scores[:allowed] > scores[allowed]]
    return above[-1] if len(above) else scores[0] + 1


def check_exact(motifs, p):
    rows = [pssm.integers(motif) for motif in motifs]
    widths = np.array([len(matrix) for matrix in rows])
    found, reached = thresholds.exact(np.concatenate(rows), widths, p)
    wanted = [by_enumeration(matrix, p) for matrix in rows]
    assert found.tolist() == wanted
    assert reached.tolist() == [w <= m.max(axis=1).sum() for w, m in zip(wanted, rows, strict=True)]


@pytest.mark.parametrize("p", [1e-4, 1e-3, 0.25], ids=["1e-4", "1e-3", "quarter"])
def test_thresholds_of_random_motifs_are_those_of_enumeration(rng, p):
    check_exact([Motif(f"m{w}", "", rng.dirichlet([0.5] * 4, w), 20) for w in range(1, 9)], p)


def test_thresholds_of_hocomoco_are_those_of_enumeration(data):
    _, _, motifs = database.load(data / "motifs" / "HOCOMOCOv11_core_pwms_HUMAN_mono.txt")
    narrow = [motif for motif in motifs if motif.width <= 8]
    wider = [motif for motif in motifs if 9 <= motif.width <= 10]
    assert (len(narrow), len(wider)) == (12, 66)
    check_exact(narrow, 1e-4)
    check_exact(wider[::6], 1e-4)


def test_a_background_weighs_the_words():
    rows, background = np.array([[100, 0, 0, -50], [0, 30, 0, 0]]), (0.4, 0.1, 0.2, 0.3)
    lowest, probability = thresholds.distribution(rows, background)
    wanted: dict[int, float] = {}
    for a in range(4):
        for b in range(4):
            score = int(rows[0, a] + rows[1, b])
            wanted[score] = wanted.get(score, 0) + background[a] * background[b]
    assert lowest == -50
    assert {lowest + int(i): probability[i] for i in np.flatnonzero(probability)} == pytest.approx(wanted)
    found, _ = thresholds.exact(rows, np.array([2]), 0.2, background)
    assert found.tolist() == [130]  # 0.04 reach it, 0.4 reach 100


def test_a_motif_that_cannot_be_rare_enough_is_told():
    rows = np.array([[100, 0, 0, 0]] * 3)  # the best word has 4^-3 = 0.0156
    found, reached = thresholds.exact(rows, np.array([3]), 0.015)
    assert (found.tolist(), reached.tolist()) == ([301], [False])
    found, reached = thresholds.exact(rows, np.array([3]), 0.015625)
    assert (found.tolist(), reached.tolist()) == ([300], [True])


def fimo(data):
    """FIMO's motif (probabilities), its sequence, and its table."""
    folder = data / "oracles" / "fimo"
    page = (folder / "MCM1.meme.html").read_text()
    about = json.loads(re.search(r"var data = (\{.*?\n\s*\});", page, re.DOTALL).group(1))["motifs"][0]
    matrix = np.array(about["pwm"])
    motif = Motif(about["id"], "", matrix / matrix.sum(axis=1, keepdims=True), about["nsites"])
    sequence = "".join((folder / "spiked.fasta").read_text().split("\n")[1:])
    with open(folder / "fimo.tsv") as handle:
        table = [row for row in csv.DictReader(handle, delimiter="\t") if row["start"]]
    return motif, sequence, table


def test_scores_and_p_values_are_those_of_fimo(data):
    motif, sequence, table = fimo(data)
    # As FIMO scales: log2 odds over a thousand integers from the whole number below the least.
    odds = pssm.log_odds(motif, NRDB) / math.log(2)
    offset = math.floor(odds.min())
    scale = math.floor(1000 / (odds.max() - offset))
    rows = np.floor((odds - offset) * scale + 0.5).astype(np.int64)
    lowest, probability = thresholds.distribution(rows, NRDB)
    tail = probability[::-1].cumsum()[::-1]
    assert len(table) == 11
    for hit in table:
        word = sequence[int(hit["start"]) - 1 : int(hit["stop"])]
        assert word == hit["matched_sequence"]
        score = sum(rows[j, "ACGT".index(base)] for j, base in enumerate(word))
        assert f"{score / scale + motif.width * offset:.6g}" == hit["score"]
        assert f"{tail[score - lowest]:.3g}" == f"{float(hit['p-value']):.3g}"
    # And no other site of the sequence is as rare as 0.001: each as a sequence of its own.
    threshold, _ = thresholds.exact(rows, np.array([motif.width]), 1e-3, NRDB)
    scoring = Scoring(["m"], rows.astype(float), np.array([motif.width]), threshold.astype(float), "forward")
    sites = np.lib.stride_tricks.sliding_window_view(encode(sequence), motif.width)
    found, _ = hits.count(sites.ravel(), np.arange(len(sites) + 1) * motif.width, scoring)
    assert (np.flatnonzero(found) + 1).tolist() == sorted(int(hit["start"]) for hit in table)


HOMER = ">ACG\tone\t5.25\t-3\n0.7\t0.1\t0.1\t0.1\n>T two/x 1e0\n"


def test_thresholds_are_the_third_word_of_homers_headers(tmp_path):
    (tmp_path / "t").write_text(HOMER)
    text, found = thresholds.read(tmp_path / "t")
    assert (text, found) == (HOMER, {"one": 5.25, "two/x": 1.0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no line >CONSENSUS NAME THRESHOLD"),
        ("chr1\t1\t2\n", "no line >CONSENSUS NAME THRESHOLD"),
        (">one\n0.1 0.2 0.3 0.4\n", "line 1: no threshold; write >CONSENSUS NAME THRESHOLD"),
        (">A one 5\n>C two 5x\n", "line 2: no threshold"),
        (">A one nan\n", "line 1: no threshold"),
        (">A one inf\n", "line 1: no threshold"),
        (">A one 5\n>C one 6\n", "line 2: a second threshold of motif one"),
    ],
    ids=["empty", "bed", "pwm", "letter", "nan", "infinite", "twice"],
)
def test_a_wrong_file_of_thresholds_is_one_line(tmp_path, text, message):
    (tmp_path / "t").write_text(text)
    with pytest.raises(InputError) as error:
        thresholds.read(tmp_path / "t")
    assert message in str(error.value)
    assert str(tmp_path / "t") in str(error.value)
    assert "\n" not in str(error.value)
