import numpy as np
import pytest
from toy_audit import changed, published, random_codes, sample, words

from crekit.audit import near
from crekit.audit.near import near_pairs
from crekit.audit.near_duplicates import check_near


def family(rng, n=30, length=150):
    """Sequences of which each third is related to the one before it, with N here and there."""
    codes = random_codes(rng, n, length)
    for i in range(2, n, 3):
        codes[i] = changed(codes[i - 1], i // 5, rng)
        codes[i][: i // 3] = 4
    codes.append(codes[0][30:120].copy())
    return codes


def plain(codes, k, contained):
    sets = [words(one, k) for one in codes]
    found = {}
    for j, one in enumerate(sets):
        for i, other in enumerate(sets[:j]):
            smaller = min(len(one), len(other))
            if smaller >= 8 and len(one & other) >= contained * smaller:
                found[i, j] = len(one & other) / smaller
    return found


@pytest.mark.parametrize("k", [8, 16, 31])
@pytest.mark.parametrize("contained", [0.2, 0.8])
def test_pairs_are_those_of_a_plain_search(rng, k, contained):
    codes = family(rng)
    expected = plain(codes, k, contained)
    pairs = near_pairs(codes, k, contained)
    assert list(zip(pairs.first, pairs.second, strict=True)) == sorted(expected)
    np.testing.assert_allclose(pairs.containment, [expected[pair] for pair in sorted(expected)])
    assert pairs.complete
    assert (0, 30) in expected


def test_sketches_lead_to_the_same_pairs(rng, monkeypatch):
    codes = family(rng, 60, 400)
    every = near_pairs(codes, 16, 0.5)
    monkeypatch.setattr(near, "_SKETCHED", sum(map(len, codes)) // 4)
    sketched = near_pairs(codes, 16, 0.5)
    assert len(every) > 10
    for field in ("first", "second", "containment"):
        np.testing.assert_array_equal(getattr(every, field), getattr(sketched, field))


def test_containment_is_sourmash_s(rng):
    sourmash = pytest.importorskip("sourmash")
    codes = family(rng)
    pairs = near_pairs(codes, 16, 0.3)
    sketches = []
    for one in codes:
        sketches.append(sourmash.MinHash(n=0, ksize=16, scaled=1))
        sketches[-1].add_sequence("".join("ACGTN"[code] for code in one), force=True)
    expected = [sketches[i].max_containment(sketches[j]) for i, j in zip(pairs.first, pairs.second, strict=True)]
    assert len(pairs) > 5
    np.testing.assert_allclose(pairs.containment, expected)


def test_a_word_that_everything_holds_makes_no_pairs_of_everything(rng, monkeypatch):
    monkeypatch.setattr(near, "_NEXT", 20)
    codes = random_codes(rng, 200, 100)
    for one in codes:
        one[:30] = codes[0][:30]  # an adapter
    codes[150] = codes[10].copy()
    pairs = near_pairs(codes, 16, 0.8)
    assert list(zip(pairs.first, pairs.second, strict=True)) == [(10, 150)]
    assert not pairs.complete


def test_a_simple_repeat_says_nothing():
    assert len(near_pairs([np.tile([0, 1], 60).astype(np.uint8)] * 3)) == 0


def test_no_sequences_and_short_ones_have_no_pairs():
    assert len(near_pairs([])) == len(near_pairs([np.zeros(5, dtype=np.uint8)] * 2)) == 0


def verdicts(found):
    return {one.check: (one.verdict, one.value) for one in found}


def test_near_duplicates_are_told_by_class_and_split(rng):
    codes = random_codes(rng, 100, 200)
    part = np.repeat([0, 2], 50)
    codes[60] = changed(codes[0], 1, rng)  # the same class, across the split
    codes[3] = changed(codes[2], 1, rng)  # across classes, in training
    found = check_near(sample(codes, "ab" * 50, part))
    assert verdicts(found) == {"near-within": ("look", 1), "near-classes": ("look", 1), "near-split": ("leak", 1 / 50)}
    assert [found[i].detail["examples"][0][:2] for i in range(3)] == [["s0", "s60"], ["s2", "s3"], ["s0", "s60"]]


def test_exact_copies_are_no_near_ones_but_count_with_the_one_they_copy(rng):
    codes = random_codes(rng, 100, 200)
    codes[60] = changed(codes[0], 1, rng)
    codes[70] = codes[60].copy()
    codes[2] = codes[0].copy()
    found = check_near(sample(codes, "a" * 100, np.repeat([0, 2], 50)))
    # One pair for the two copies on each side; both held-out sequences have it.
    assert verdicts(found) == {"near-within": ("look", 1), "near-classes": ("fine", 0), "near-split": ("leak", 2 / 50)}


def test_ienhancer_has_no_near_duplicates_at_eight_tenths_and_eleven_pairs_at_a_half(data):
    set_ = published(data / "sequences" / "iEnhancer2L.train.fa")
    within, classes, split = check_near(set_)
    assert (within.verdict, within.value, within.detail["pairs_at"]["0.5"]) == ("fine", 0, 11)
    assert (classes.value, classes.detail["pairs_at"]["0.5"], split.verdict) == (0, 0, "skipped")
    assert "0 pairs (0 of 2,968 sequences) at 16-mer containment 0.8, 11 pairs at 0.5" in within.says
