import csv
import logging
import sys

import numba
import numpy as np
import pytest

from crekit.motifs import compare, meme
from crekit.motifs.compare import Comparison, Rule
from crekit.motifs.pwm import Motif, information

RULE = Rule()


def sharp(word, *, name="m"):
    return Motif(name, "", np.eye(4)[["ACGT".index(base) for base in word]] * 0.88 + 0.03, 20)


@pytest.fixture(scope="module")
def targets():
    rng = np.random.default_rng(5)
    return [Motif(f"t{i}", "", rng.dirichlet([0.4] * 4, rng.integers(6, 15)), 20) for i in range(60)]


def oracle(data, distance):
    with open(data / "oracles" / "tomtom" / f"tomtom.complete.out.{distance}.tsv") as handle:
        return [row for row in csv.DictReader(handle, delimiter="\t") if row["p-value"]]


@pytest.fixture(scope="module")
def sample(data):
    motifs = meme.read(data / "oracles" / "tomtom" / "sample.meme")
    return {motif.name: i for i, motif in enumerate(motifs)}, compare.compare(motifs, motifs, RULE)


def test_alignments_are_those_of_tomtom_and_p_values_near(data, sample):
    number, found = sample
    rows = oracle(data, "ed")
    assert len(rows) == 25
    at = [(number[row["Query_ID"]], number[row["Target_ID"]]) for row in rows]
    assert [found.offset[ij] for ij in at] == [int(row["Optimal_offset"]) for row in rows]
    assert [found.overlap[ij] for ij in at] == [int(row["Overlap"]) for row in rows]
    assert ["+-"[int(found.reverse[ij])] for ij in at] == [row["Orientation"] for row in rows]
    ours, theirs = (np.log10(p) for p in ([found.p[ij] for ij in at], [float(row["p-value"]) for row in rows]))
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9999
    assert np.abs(ours - theirs).max() < np.log10(2.01)  # one self-match has twice Tomtom's, the others within 1.5


def test_p_values_follow_tomtom_by_correlation_too(data, sample):
    number, found = sample
    rows = oracle(data, "pearson")
    ours = [np.log10(found.p[number[row["Query_ID"]], number[row["Target_ID"]]]) for row in rows]
    assert np.corrcoef(ours, [np.log10(float(row["p-value"])) for row in rows])[0, 1] > 0.99


def test_a_planted_part_is_found_where_it_was_cut_on_both_strands(targets):
    widest = max(targets, key=lambda target: target.width)
    part = Motif("part", "", widest.matrix[3:10], 20)
    found = compare.compare([part, part.reverse_complement()], targets, RULE)
    best = found.p.argmin(axis=1)
    assert [targets[i].name for i in best] == [widest.name] * 2
    assert found.offset[0, best[0]] == 3
    assert found.offset[1, best[1]] == widest.width - 10  # in the target as the other strand reads it
    assert found.reverse[[0, 1], best].tolist() == [False, True]
    assert found.overlap[[0, 1], best].tolist() == [7, 7]


def test_informative_columns_are_those_of_both_in_the_overlap(targets, rng):
    motifs = [Motif(f"q{i}", "", rng.dirichlet([0.5] * 4, width), 20) for i, width in enumerate((4, 8, 20))]
    found = compare.compare(motifs, targets, RULE)
    for i, motif in enumerate(motifs):
        for j, target in enumerate(targets):
            turned = target.reverse_complement() if found.reverse[i, j] else target
            expected = 0
            for column in range(motif.width):
                other = column + found.offset[i, j]
                if 0 <= other < target.width:
                    expected += min(information(motif.matrix[column]), information(turned.matrix[other])) >= 0.25
            assert found.informative[i, j] == expected


def test_results_do_not_depend_on_threads_or_company(targets):
    motifs = [sharp("ACGTAC"), sharp("TTTGGG"), sharp("GATTACA")]
    together = compare.compare(motifs, targets, RULE, threads=1)
    threaded = compare.compare(motifs, targets, RULE, threads=64)
    alone = compare.compare(motifs[1:2], targets, RULE)
    np.testing.assert_array_equal(together.p, threaded.p)
    np.testing.assert_array_equal(together.p[1], alone.p[0])


def made(p, informative):
    shape = np.shape(p)
    zeros = np.zeros(shape, np.int64)
    return Comparison(np.array(p), zeros, zeros + 6, zeros > 0, np.array(informative))


def test_matches_are_listed_below_the_e_value_best_first():
    targets = [sharp("AAA", name=name) for name in "abcd"]
    found = compare.matches([sharp("CCC")], targets, made([[0.02, 0.001, 0.5, 0.025]], [[5, 4, 9, 5]]), RULE)
    assert [(match.target.name, match.counted, match.empirical) for match in found] == [
        ("b", False, None),
        ("a", True, None),
    ]
    assert [match.evalue for match in found] == pytest.approx([0.004, 0.08])  # .025 x 4 is not below 0.1
    assert [match.q for match in found] == pytest.approx([0.001 * 4 / 1, 0.025 * 4 / 3])  # Benjamini and Hochberg


def test_empirical_p_is_the_share_of_untrained_kernels_whose_counted_match_is_as_good():
    targets = [sharp("AAA", name=name) for name in "ab"]
    untrained = compare.best_counted(made([[1e-9, 0.02], [0.003, 0.5], [0.9, 0.8]], [[4, 5], [5, 5], [0, 1]]), RULE)
    assert untrained.tolist() == [0.02, 0.003, 1]
    found = compare.matches([sharp("CCC")], targets, made([[0.003, 0.001]], [[5, 2]]), RULE, untrained)
    assert [(match.target.name, match.empirical) for match in found] == [("b", 1), ("a", 2 / 4)]


def test_the_table_is_literally_this(tmp_path):
    targets = [Motif("MA1", "TF::b", sharp("ACG").matrix, 20)]
    rule = Rule(max_evalue=1)
    found = compare.matches([sharp("ACG")], targets, made([[0.0125]], [[6]]), rule, np.array([0.5, 0.001, 1]))
    found += compare.matches([sharp("T", name="n")], targets, made([[0.25]], [[1]]), rule)
    compare.write_table(tmp_path / "t.tsv", found)
    assert (tmp_path / "t.tsv").read_text().splitlines() == [
        "motif\ttarget_id\ttarget_name\tp_value\te_value\tq_value\toffset\toverlap\torientation\tinformative_columns"
        "\tcounted\tempirical_p",
        "m\tMA1\tTF::b\t0.0125\t0.0125\t0.0125\t0\t6\t+\t6\tyes\t0.5",
        "n\tMA1\tTF::b\t0.25\t0.25\t0.25\t0\t6\t+\t1\tno\tNA",
    ]


def test_where_no_folder_takes_compiled_code_a_temporary_one_does(monkeypatch, caplog):
    import memelite

    saved = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "memelite"}
    real, failed = compare._memelite, []

    def first_fails():
        if not failed:
            failed.append(True)
            raise RuntimeError("cannot cache function '_binned_median': no locator available for file")
        return real()

    monkeypatch.setattr(compare, "_memelite", first_fails)
    with caplog.at_level(logging.INFO, "crekit"):
        tomtom = compare._tomtom()
    assert "no folder for compiled code can be written" in caplog.text
    assert "compiles Tomtom, which takes a minute" in caplog.text
    kept = sys.modules["memelite.tomtom"]._tomtom.stats.cache_path
    assert kept.startswith(compare._own_cache[-1].name)
    assert numba.config.CACHE_DIR == ""
    assert tomtom is not memelite.tomtom
    sys.modules.update(saved)
