from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from crekit.audit import cleaned, read
from crekit.audit.fix import BLACKLISTED, LIKE_TEST, UNKNOWN, clean
from crekit.audit.redundant import COPY, COPY_ACROSS, NEAR, NEAR_ACROSS, find_redundant
from crekit.audit.trim import cut_middle, match_lengths
from crekit.encoding import encode
from crekit.encoding.store import Sequences
from crekit.encoding.windows import Rule
from crekit.errors import InputError
from crekit.genome.fasta import complement_codes
from crekit.genome.regions import make
from crekit.training.audit_split import by_cluster, join_near


def dna(rng, length) -> np.ndarray:
    return rng.integers(0, 4, length).astype(np.uint8)


def text(codes) -> str:
    return "".join("ACGTN"[code] for code in codes)


def fasta(path: Path, records: dict[str, np.ndarray]) -> Path:
    path.write_text("".join(f">{name}\n{text(codes)}\n" for name, codes in records.items()))
    return path


def names(*classes: str) -> np.ndarray:
    return np.array(classes, dtype=object)


# --- lengths


def test_the_nth_longest_of_each_class_get_the_smaller_of_their_lengths():
    lengths = np.array([9, 5, 12, 4, 20, 10])
    found = match_lengths(lengths, names(*"aaabbb"), np.zeros(6, dtype=int))
    assert found.tolist() == [9, 4, 12, 4, 12, 9]


def test_no_other_cut_to_the_same_lengths_loses_fewer_bases(rng):
    for _ in range(30):
        a, b = rng.integers(1, 30, (2, 5))
        found = match_lengths(np.concatenate([a, b]), names(*"aaaaabbbbb"), np.zeros(10, dtype=int))
        assert sorted(found[:5]) == sorted(found[5:])
        # Every way of pairing the two classes, each pair cut to the shorter of the two.
        least = min(int(np.abs(a - np.array(other)).sum()) for other in permutations(b))
        assert (np.concatenate([a, b]) - found).sum() == least


def test_classes_of_different_size_get_the_same_distribution(rng):
    a, b = rng.integers(40, 100, 1500) * 10 + 1, rng.integers(30, 110, 500) * 10 + 6
    found = match_lengths(np.concatenate([a, b]), np.repeat(names("a", "b"), [1500, 500]), np.zeros(2000, dtype=int))
    grid = np.arange(300, 1100)
    first, second = ((np.sort(x)[:, None] <= grid).mean(axis=0) for x in (found[:1500], found[1500:]))
    assert np.abs(first - second).max() < 0.005
    assert abs((found[:1500] % 10 == 1).mean() - (found[1500:] % 10 == 1).mean()) < 0.02


def test_training_and_test_are_matched_by_themselves():
    lengths = np.array([10, 8, 5, 6])
    assert match_lengths(lengths, names(*"abab"), np.array([0, 0, 1, 1])).tolist() == [8, 8, 5, 5]
    assert match_lengths(lengths, names(*"abaa"), np.array([0, 0, 1, 1])).tolist() == [8, 8, 5, 6]


def test_the_middle_is_kept_and_an_odd_base_goes_from_the_right():
    begin, end = cut_middle(np.array([10, 10, 7]), np.array([6, 7, 7]))
    assert (begin.tolist(), end.tolist()) == ([2, 1, 0], [8, 8, 7])


# --- copies


def test_of_copies_in_a_class_one_stays_and_of_copies_in_two_classes_none(rng):
    a, b, c = (dna(rng, 60) for _ in range(3))
    codes = [a, b, complement_codes(a), c, c, b]
    found = find_redundant(codes, names(*"xxxxyx"), np.zeros(6, dtype=bool))
    assert found.tolist() == ["", "", COPY, COPY_ACROSS, COPY_ACROSS, COPY]


def test_near_copies_are_treated_as_copies(rng):
    a, b, c = (dna(rng, 200) for _ in range(3))
    codes = [a, a[:190], b, b[5:], complement_codes(c[10:]), c, c[:195]]
    found = find_redundant(codes, names(*"xxxyxxx"), np.zeros(7, dtype=bool))
    assert found.tolist() == ["", NEAR, NEAR_ACROSS, NEAR_ACROSS, "", NEAR, NEAR]


def test_a_chain_keeps_what_is_near_nothing_that_is_kept(rng):
    a = dna(rng, 300)
    codes = [a[:200], a[25:225], a[50:250]]  # neighbours share .86 of their 16-mers, the ends .73
    assert find_redundant(codes, names(*"xxx"), np.zeros(3, dtype=bool)).tolist() == ["", NEAR, ""]


def test_a_test_set_loses_nothing_to_training(rng):
    a, b = dna(rng, 200), dna(rng, 200)
    codes = [a, b, a, b[3:]]
    found = find_redundant(codes, names(*"xxxx"), np.array([False, False, True, True]))
    assert found.tolist() == [COPY, NEAR, "", ""]


# --- the cleaned set


@pytest.fixture
def loaded(tmp_path, rng) -> read.Loaded:
    """Two classes of unequal lengths, with a copy in each class and a pair across them, and one with N."""
    long = {f"l{i}": dna(rng, 101 + 10 * (i % 20)) for i in range(40)}
    short = {f"s{i}": dna(rng, 96 + 10 * (i % 15)) for i in range(40)}
    long["copy"], short["wrong"], short["copy"] = long["l3"].copy(), long["l4"].copy(), short["s5"].copy()
    long["l7"][5] = 4
    files = [("long", fasta(tmp_path / "l.fa", long)), ("short", fasta(tmp_path / "s.fa", short))]
    return read.read_fasta(files)


def test_what_is_left_has_no_copies_and_equal_lengths(loaded):
    made = clean(loaded, trim=True, drop_unknown=True)
    sample = made.loaded.sample
    assert made.removed == {COPY: {"long": 1, "short": 1}, COPY_ACROSS: {"long": 1, "short": 1}, UNKNOWN: {"long": 1}}
    assert "l4" not in sample.ids
    assert "wrong" not in sample.ids
    lengths = [np.sort(sample.lengths[sample.classes == name]) for name in ("long", "short")]
    assert len(lengths[0]) == 38
    assert len(lengths[1]) == 40
    assert np.abs(np.quantile(lengths[0], [0.1, 0.5, 0.9]) - np.quantile(lengths[1], [0.1, 0.5, 0.9])).max() <= 10
    for i, (begin, end) in zip(made.kept, zip(made.begin, made.end, strict=True), strict=True):
        at = sample.ids.tolist().index(loaded.sample.ids[i])
        assert np.array_equal(sample.codes[at], loaded.sample.codes[i][begin:end])
    lost = sum(one["bases"] for one in made.trimmed.values())
    assert lost == loaded.sample.lengths[made.kept].sum() - sample.lengths.sum() > 0


def test_without_trimming_the_sequences_stay_whole(loaded):
    made = clean(loaded, trim=False)
    assert made.loaded.sample.lengths.tolist() == loaded.sample.lengths[made.kept].tolist()
    assert all(one["bases"] == 0 for one in made.trimmed.values())


def test_what_lies_on_the_blacklist_goes_and_places_move_with_the_cut(tmp_path, rng):
    (tmp_path / "g.fa").write_text(">chr1\n" + text(dna(rng, 5000)) + "\n")
    bed = tmp_path / "r.bed"
    bed.write_text("chr1\t100\t400\ta\nchr1\t1000\t1301\ta\nchr1\t2000\t2100\tb\nchr1\t3000\t3200\tb\n")
    loaded = read.read_regions([(None, bed)], tmp_path / "g.fa")
    made = clean(loaded, trim=True, blacklist=make(["chr1"], [3199], [3300], ""))
    assert made.removed == {BLACKLISTED: {"b": 1}}
    assert made.loaded.sample.ids.tolist() == ["chr1:200-300", "chr1:1100-1200", "chr1:2000-2100"]
    assert made.loaded.sample.regions.start.tolist() == [200, 1100, 2000]


def test_a_record_that_is_called_by_its_place_is_called_by_what_is_left(tmp_path, rng):
    files = [
        ("a", fasta(tmp_path / "a.fa", {"chr1:100-300": dna(rng, 200), "x": dna(rng, 200)})),
        ("b", fasta(tmp_path / "b.fa", {"chr2:7-107": dna(rng, 100), "y": dna(rng, 100)})),
    ]
    made = clean(read.read_fasta(files), trim=True)
    assert made.loaded.sample.ids.tolist() == ["chr1:150-250", "x", "chr2:7-107", "y"]


def test_training_sequences_that_are_like_a_test_sequence_go(tmp_path, rng):
    base = dna(rng, 200)
    alike = np.concatenate([base[:80], dna(rng, 120)])  # a third of the 11-mers
    train = {"alike": complement_codes(alike), "other": dna(rng, 200)}
    files = [("a", fasta(tmp_path / "a.fa", train)), ("b", fasta(tmp_path / "b.fa", {"b": dna(rng, 200)}))]
    loaded = read.read_fasta(files, [("a", fasta(tmp_path / "t.fa", {"base": base}))])
    assert clean(loaded, trim=False).loaded.sample.ids.tolist() == ["alike", "other", "base", "b"]
    made = clean(loaded, trim=False, drop_like_test=True)
    assert made.loaded.sample.ids.tolist() == ["other", "base", "b"]
    assert made.removed == {LIKE_TEST: {"a": 1}}


def test_a_class_of_which_nothing_is_left_is_an_error(tmp_path, rng):
    one = dna(rng, 100)
    files = [
        ("a", fasta(tmp_path / "a.fa", {"1": one})),
        ("b", fasta(tmp_path / "b.fa", {"2": one, "3": dna(rng, 90)})),
    ]
    with pytest.raises(InputError, match="nothing of class a is left"):
        clean(read.read_fasta(files), trim=False)


# --- its files


def test_the_sequence_file_holds_what_the_fasta_files_hold_and_the_split(loaded, tmp_path):
    made = clean(loaded, trim=True)
    left = by_cluster(made.loaded, seed=1)
    cleaned.write(str(tmp_path / "c"), made, left, loaded, {"inputs": []})
    files = [(name, tmp_path / f"c.{name}.fa") for name in ("long", "short")]
    encode.encode_records(files, tmp_path / "e.h5", Rule(0, 2, "pad", "zero"))
    with Sequences(tmp_path / "c.h5") as ours, Sequences(tmp_path / "e.h5") as theirs:
        assert ours.ids.tolist() == theirs.ids.tolist()
        assert ours.rule == theirs.rule
        assert all(np.array_equal(ours.codes(i), theirs.codes(i)) for i in range(len(ours)))
        assert (theirs.split, ours.dropped) == (None, made.removed)
        assert np.bincount(ours.split).tolist() == pytest.approx(
            [0.6 * len(ours), 0.2 * len(ours), 0.2 * len(ours)], abs=2
        )
        rows = [line.split("\t") for line in (tmp_path / "c.split.tsv").read_text().splitlines()]
        assert rows[0] == ["id", "class", "part", "fold"]
        assert [row[0] for row in rows[1:]] == ours.ids.tolist()
        assert [["train", "val", "test"].index(row[2]) for row in rows[1:]] == ours.split.tolist()
        assert {(row[2], row[3]) for row in rows[1:]} == {
            ("train", "1"), ("train", "2"), ("train", "3"), ("test", "4"), ("val", "5")
        }  # fmt: skip
    assert sorted(path.name for path in tmp_path.glob("c.*")) == sorted(
        path.name for path in cleaned.names(str(tmp_path / "c"), ["long", "short"], False) if path.suffix != ".json"
    )


@pytest.mark.parametrize("rule", [Rule(60, 20, "contain", "drop"), Rule(0, 2, "pad", "zero")], ids=["windows", "whole"])
def test_windows_of_a_sequence_file_stay_as_they_are(tmp_path, rng, rule):
    genome = dna(rng, 6000)
    genome[2000:2100] = genome[100:200]
    (tmp_path / "g.fa").write_text(f">chr1\n{text(genome)}\n")
    starts = [100, 900, 2000, 3000, 4000]
    rows = [f"chr1\t{start}\t{start + 100}\t{name}\n" for start, name in zip(starts, "ababb", strict=True)]
    (tmp_path / "r.bed").write_text("".join(rows))
    encode.encode_regions([(None, tmp_path / "r.bed")], tmp_path / "g.fa", tmp_path / "s.h5", rule)
    loaded = read.read_store(tmp_path / "s.h5")
    made = clean(loaded, trim=False)
    cleaned.write(str(tmp_path / "c"), made, by_cluster(made.loaded, 1), loaded, {"inputs": []})
    with Sequences(tmp_path / "s.h5") as before, Sequences(tmp_path / "c.h5") as after:
        assert after.ids.tolist() == ["chr1:100-200", "chr1:900-1000", "chr1:3000-3100", "chr1:4000-4100"]
        assert (after.rule, after.sizes, after.source) == (before.rule, {"chr1": 6000}, "genome")
        for i, j in enumerate([0, 1, 3, 4]):
            assert after.n_windows[i] == before.n_windows[j]
            for window in range(after.n_windows[i]):
                mine, other = (np.array([one]) for one in (i, j))
                at = np.array([window])
                assert np.array_equal(after.window_codes(mine, at), before.window_codes(other, at))
                assert after.window_start(mine, at) == before.window_start(other, at)


def test_neighbours_on_a_chromosome_are_one_cluster():
    places = make(["chr1", "chr1", "chr2", "chr1", ""], [0, 1500, 0, 9000, 0], [500, 2000, 500, 9500, 500], "e")
    assert join_near(np.array([0, 1, 2, 3, 4]), places).tolist() == [0, 0, 1, 2, 3]
    assert join_near(np.array([0, 1, 2, 0, 1]), places).tolist() == [0, 0, 1, 0, 0]
