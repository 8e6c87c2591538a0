"""Background: what it must keep clear of, how like the positives it is, and that nothing else changes it."""

import numpy as np
import pytest
import toy_background as toy
from scipy.stats import chisquare

from crekit.errors import InputError
from crekit.genome import background
from crekit.genome.background import sample
from crekit.genome.background_rules import Rules, parse_match
from crekit.genome.background_run import ks_distance
from crekit.genome.fasta import Genome
from crekit.genome.ground import survey
from crekit.genome.regions import concatenate, make

NOTHING = make([], [], [], [])


@pytest.fixture(scope="module")
def bases():
    return toy.genome()


@pytest.fixture(scope="module")
def fasta(bases, tmp_path_factory):
    return toy.write_fasta(tmp_path_factory.mktemp("genome") / "g.fa", bases)


@pytest.fixture
def positives(bases, rng):
    return make(*zip(*toy.rich_spans(bases, 60, rng), strict=True), "enhancer")


def draw(fasta, positives, excluded=NOTHING, seed=1, chroms=None, **rules):
    with Genome(fasta) as genome:
        return sample(
            positives,
            genome,
            Rules(**rules),
            name="background",
            excluded=excluded,
            seed=seed,
            chroms=chroms,
            source="p",
        )


def shares(bases, regions, letters):
    spans = zip(regions.chrom, regions.start, regions.end, strict=True)
    return np.array([np.isin(bases[chrom][start:end], list(letters)).mean() for chrom, start, end in spans])


def assert_clear(bases, regions, *others):
    """No region meets another, one of the others, or a base that is not A, C, G or T."""
    for chrom, letters in bases.items():
        used = ~np.isin(letters, list(b"ACGTacgt"))
        for other in others:
            for start, end in zip(other.start[other.chrom == chrom], other.end[other.chrom == chrom], strict=True):
                used[max(start, 0) : end] = True
        for start, end in zip(regions.start[regions.chrom == chrom], regions.end[regions.chrom == chrom], strict=True):
            assert not used[start:end].any()
            used[start:end] = True


@pytest.mark.parametrize("match", [("length", "gc"), ("length", "gc", "repeats"), ("length",), ("gc",), ()])
@pytest.mark.parametrize("same", [True, False], ids=["same chromosome", "any chromosome"])
def test_no_region_meets_another_or_anything_that_it_must_not(fasta, bases, positives, match, same, rng):
    excluded = make(*zip(*toy.rich_spans(bases, 80, rng), strict=True), "")
    drawn = draw(fasta, positives, excluded, match=match, ratio=2, exclude_distance=100, same_chromosome=same)
    assert len(drawn.regions) == 120
    assert set(drawn.regions.name) == {"background"}
    wide = concatenate([positives, excluded])
    assert_clear(bases, drawn.regions, make(wide.chrom, wide.start - 100, wide.end + 100, ""))
    np.testing.assert_array_equal(drawn.regions.ids, drawn.regions.sorted().ids)


def test_each_region_has_the_length_gc_and_chromosome_of_its_partner(fasta, bases, positives):
    drawn = draw(fasta, positives)
    partner = positives.sorted()[drawn.partners]
    assert sorted(drawn.partners) == list(range(60))
    np.testing.assert_array_equal(drawn.regions.end - drawn.regions.start, partner.end - partner.start)
    np.testing.assert_array_equal(drawn.regions.chrom, partner.chrom)
    np.testing.assert_array_equal(drawn.matched.gc, shares(bases, drawn.regions, b"GCgc"))
    assert np.abs(drawn.matched.gc - shares(bases, partner, b"GCgc")).max() <= 0.002
    before, after = (ks_distance(drawn.positives.gc, one.gc) for one in (drawn.unmatched, drawn.matched))
    assert after < 0.05 < before


def test_repeats_are_matched_too(fasta, bases, positives):
    drawn = draw(fasta, positives, match=("length", "gc", "repeats"))
    partner = positives.sorted()[drawn.partners]
    difference = np.abs(shares(bases, drawn.regions, b"acgt") - shares(bases, partner, b"acgt"))
    assert difference.mean() < 0.02
    assert np.abs(drawn.matched.gc - drawn.positives.gc[drawn.partners]).mean() < 0.01
    np.testing.assert_array_equal(drawn.matched.repeats, shares(bases, drawn.regions, b"acgt"))
    without = draw(fasta, positives)
    assert without.matched.repeats is None
    partner = positives.sorted()[without.partners]
    assert np.abs(shares(bases, without.regions, b"acgt") - shares(bases, partner, b"acgt")).mean() > 0.1


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_place_is_found_where_none_is_near(tmp_path, seed, monkeypatch):
    rng = np.random.default_rng(seed)
    letters = toy.letters(6_000, rng)
    letters[5_000:5_200] = ord("G")
    positives = make(["chr1"], [5_000], [5_200], "enhancer")
    monkeypatch.setattr(background, "_DRAWS", 1)
    drawn = draw(toy.write_fasta(tmp_path / "g.fa", {"chr1": letters}), positives, seed=seed)
    gc = np.concatenate([[0], np.cumsum(np.isin(letters, list(b"GCgc")))])
    start = np.arange(3_001, 6_000 - 200 + 1)
    free = (start + 200 <= 5_000) | (start >= 5_200)
    assert round(drawn.matched.gc[0] * 200) == (gc[start + 200] - gc[start])[free].max()


def test_the_result_depends_on_the_seed_but_not_on_order_or_other_chromosomes(fasta, positives, rng):
    first = draw(fasta, positives).regions
    shuffled = positives[rng.permutation(len(positives))]
    assert first.ids.tolist() == draw(fasta, shuffled).regions.ids.tolist()
    one = positives.on(["chr2"])
    assert first.on(["chr2"]).ids.tolist() == draw(fasta, one).regions.ids.tolist()
    assert first.ids.tolist() != draw(fasta, positives, seed=2).regions.ids.tolist()


def test_the_ratio_may_be_a_fraction(fasta, positives):
    drawn = draw(fasta, positives, ratio=1.5)
    n = {chrom: int((positives.chrom == chrom).sum()) for chrom in toy.SIZES}
    assert drawn.asked == drawn.found == {chrom: round(1.5 * n[chrom]) for chrom in n}
    assert set(np.bincount(drawn.partners, minlength=60).tolist()) == {1, 2}
    assert len(draw(fasta, positives, ratio=0.5).regions) == sum(round(0.5 * number) for number in n.values())
    with pytest.raises(InputError, match=r"--ratio 0\.01 of 60 positives is no region"):
        draw(fasta, positives, ratio=0.01)


def test_without_a_match_regions_are_of_one_length_and_lie_anywhere(fasta):
    positives = make(["chr2"] * 200, range(10_000, 30_000, 100), range(10_090, 30_090, 100), "enhancer")
    drawn = draw(fasta, positives, match=(), length=120, same_chromosome=False)
    assert set((drawn.regions.end - drawn.regions.start).tolist()) == {120}
    free = {"chr1": 297_000, "chr2": 147_000 - 20_000}
    assert abs((drawn.regions.chrom == "chr1").sum() - 200 * free["chr1"] / sum(free.values())) < 30
    assert set(draw(fasta, positives, same_chromosome=False, chroms=["chr2"]).regions.chrom) == {"chr2"}


def test_places_are_drawn_evenly(tmp_path):
    """Two free stretches of 109 and 209 bases have 10 and 110 places for 100 bases."""
    letters = np.full(1_000, ord("N"), dtype=np.uint8)
    letters[100:110], letters[200:309], letters[500:709] = (ord("A"),) * 3
    fasta = toy.write_fasta(tmp_path / "g.fa", {"chr1": letters})
    with Genome(fasta) as genome:
        ground = survey(genome, ["chr1"], NOTHING, NOTHING)
    like = background.Composition(np.array([100]), np.array([0.0]), None)
    rng = np.random.default_rng(1)
    start = np.array([background._place(ground, like.length, like, (), rng)[0] for _ in range(6_000)])
    times = np.bincount(start, minlength=1_000)
    assert times[:200].sum() == times[210:500].sum() == times[610:].sum() == 0
    assert chisquare(np.concatenate([times[200:210], times[500:610]])).pvalue > 0.01


def test_a_shortage_says_where_how_much_and_why(tmp_path):
    letters = np.full(1_000, ord("A"), dtype=np.uint8)
    letters[:100] = ord("N")
    fasta = toy.write_fasta(tmp_path / "g.fa", {"chr1": letters, "chr2": letters})
    positives = make(["chr1", "chr2"], [200, 200], [400, 250], "enhancer")
    excluded = make(["chr1", "chr1", "chr1"], [590, 790, 900], [600, 800, 901], "")
    with pytest.raises(InputError) as refused:
        draw(fasta, positives, excluded)
    assert str(refused.value) == (
        "p: too little is left for background of up to 200 bases: chr1 has room for 0 of 1 (679 of 1000 bases free, "
        "190 of them in a row; 20.0 % positives, 2.1 % excluded, 10.0 % unknown); lower --ratio, exclude less, or give "
        "--any-chromosome"
    )
    anywhere = draw(fasta, positives, excluded, same_chromosome=False).regions
    assert anywhere.chrom[anywhere.end - anywhere.start == 200].tolist() == ["chr2"]
    with pytest.raises(InputError, match=r"the genome has room for \d+ of 40 "):
        draw(fasta, positives, excluded, same_chromosome=False, ratio=20)


def test_rows_that_are_background_already_are_kept_clear_of(fasta, bases, positives):
    old = make(["chr1"], [100_000], [200_000], "background")
    drawn = draw(fasta, concatenate([positives, old]))
    assert len(drawn.regions) == 60
    assert_clear(bases, drawn.regions, positives, old)
    with pytest.raises(InputError, match="p: holds no region to draw background for"):
        draw(fasta, old)


def test_a_positive_of_unknown_bases_is_refused(fasta):
    with pytest.raises(InputError, match="p: chr1:10-500 has no A, C, G or T in the genome; remove it"):
        draw(fasta, make(["chr1", "chr1"], [10, 5_000], [500, 5_300], "enhancer"))


@pytest.mark.parametrize(
    ("expression", "match"),
    [("gc,length", ("length", "gc")), ("none", ()), ("repeats, length,gc", ("length", "gc", "repeats"))],
)
def test_match_expressions(expression, match):
    assert parse_match(expression) == match


@pytest.mark.parametrize("expression", ["", "gc,none", "GC", "gc;length"])
def test_wrong_match_expressions_are_refused(expression):
    with pytest.raises(InputError, match="none of length, gc, repeats; or give none alone"):
        parse_match(expression)


@pytest.mark.parametrize("rules", [{"ratio": 0}, {"ratio": float("nan")}, {"length": 0}, {"exclude_distance": -1}])
def test_wrong_numbers_are_refused(rules):
    with pytest.raises(InputError, match="give"):
        Rules(**rules)


def test_ks_distance_of_known_cases():
    assert ks_distance(np.array([1, 2, 3]), np.array([3, 1, 2])) == 0
    assert ks_distance(np.array([1, 2]), np.array([3, 4])) == 1
    assert ks_distance(np.array([1, 2, 3, 4]), np.array([2, 3, 4, 5])) == 0.25
    assert ks_distance(np.array([]), np.array([1])) is None


def test_gc_is_matched_no_worse_than_by_tangermeme(fasta, bases):
    pandas = pytest.importorskip("pandas")
    match = pytest.importorskip("tangermeme.match")
    found = []
    for seed in range(3):
        spans = toy.rich_spans(bases, 60, np.random.default_rng(seed))
        positives = make(*zip(*((chrom, start, start + 300) for chrom, start, _ in spans), strict=True), "enhancer")
        table = pandas.DataFrame({"chrom": positives.chrom, "start": positives.start, "end": positives.end})
        theirs = match.extract_matching_loci(table, str(fasta), in_window=300, out_window=300, random_state=seed)
        theirs = make(theirs["chrom"], theirs["start"], theirs["end"], "background")
        gc = shares(bases, positives, b"GCgc")
        ours = draw(fasta, positives, seed=seed).regions
        found.append([ks_distance(gc, shares(bases, regions, b"GCgc")) for regions in (ours, theirs)])
    ours, theirs = np.array(found).T
    assert (ours <= theirs).all(), found


def test_ground_that_is_far_too_little_is_given_up_before_the_best_places_are_looked_for(tmp_path, monkeypatch):
    """40 positives of 200 bases on 40,000: 5,000 partners would fill them 25 times."""
    rng = np.random.default_rng(4)
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, 40_000)]
    fasta = toy.write_fasta(tmp_path / "g.fa", {"chr1": letters})
    start = np.arange(40) * 1_000
    positives = make(["chr1"] * 40, start, start + 200, "enhancer")
    matches = []
    place = background._place

    def noted(ground, length, like, match, rng):
        matches.append((len(length), match))
        return place(ground, length, like, match, rng)

    monkeypatch.setattr(background, "_place", noted)
    with pytest.raises(InputError, match=r"chr1 has room for \d+ of 5000 "):
        draw(fasta, positives, NOTHING, ratio=125)
    assert matches == [(5000, ()), (5000, ())]  # the trial, and the draw for comparison
    matches.clear()
    draw(fasta, positives, NOTHING, ratio=1)
    assert matches == [(40, ("length", "gc")), (40, ())]


def test_after_a_length_found_no_place_longer_ones_are_not_looked_for(tmp_path):
    """Two stretches of 200 bases and one of 50: the third span of 200 finds nothing, 300 is not asked for, 20 is."""
    letters = np.full(1_000, ord("N"), dtype=np.uint8)
    letters[100:300], letters[400:600], letters[700:750] = (ord("A"),) * 3
    fasta = toy.write_fasta(tmp_path / "g.fa", {"chr1": letters})
    with Genome(fasta) as genome:
        ground = survey(genome, ["chr1"], NOTHING, NOTHING)
    length = np.array([200, 200, 200, 300, 200, 20])
    start = background._place(
        ground, length, background.Composition(length, np.zeros(6), None), (), np.random.default_rng(3)
    )
    assert sorted(start[:2]) == [100, 400]
    assert (start[2:5] == background.UNPLACED).all()
    assert 700 <= start[5] <= 730
