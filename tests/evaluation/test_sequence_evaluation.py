import json

import numpy as np
import pytest
import toy_sequences as toy
from sklearn.metrics import roc_auc_score

from crekit.encoding.store import Sequences
from crekit.errors import InputError
from crekit.evaluation import predictions, sequence_evaluation, sequence_evaluation_run, sequence_prevalence
from crekit.evaluation.entries import Entry
from crekit.evaluation.evaluation_run import Plan
from crekit.genome.fasta import Genome
from crekit.genome.regions import Regions
from crekit.training import sequence_pool

REGIONS = toy.regions()
NUMBER = toy.RULE.number(REGIONS)
DNA = toy.genome()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy") / "s.h5")


@pytest.fixture(scope="module")
def pool(path):
    return sequence_pool.load([(None, path)], {})


def gc(codes):
    return np.isin(codes, [1, 2]).mean(axis=-1)


def chance(share, bias=0.0):
    return 1 / (1 + np.exp(-(10 * share - 5 + bias)))


def best_of(starts):
    """Probability of an enhancer of each region: that of its richest window among those at `starts`."""
    spans = zip(REGIONS.chrom, REGIONS.start, strict=True)
    return np.array([max(gc(DNA[c][s + i : s + i + toy.WIDTH]) for i in starts) for c, s in spans])


def entries(**given):
    return {name: Entry(models) for name, models in given.items()}


def run(files, models, **changes):
    plan = Plan(**{"n_resamples": 20, "threads": 1, **changes})
    return sequence_evaluation_run.run(files, models, plan)


def test_each_region_is_scored_once_by_the_fold_that_tests_it(pool):
    biases = (0.0, 0.5, 1.0)
    scored, rows = sequence_evaluation.score(pool, entries(m=toy.folds(biases=biases)))
    assert (NUMBER == 0).any()  # near a border
    np.testing.assert_array_equal(rows, np.flatnonzero(NUMBER > 0))
    np.testing.assert_array_equal(scored.fold["m"], NUMBER[NUMBER > 0])
    bias = np.array([0.0, *biases])[NUMBER]
    expected = chance(best_of([0, 20, 40]), bias)[NUMBER > 0]
    np.testing.assert_allclose(scored.probabilities["m"][:, 1], expected, atol=1e-6)


def test_probabilities_are_over_the_temperature(pool):
    cold, _ = sequence_evaluation.score(pool, entries(m=(toy.model("chromosomes", temperature=2.0),)))
    expected = 1 / (1 + np.exp(-(10 * best_of([0, 20, 40]) - 5) / 2))[REGIONS.chrom == "chr2"]
    np.testing.assert_allclose(cold.probabilities["m"][:, 1], expected, atol=1e-6)


def test_an_ensemble_of_folds_is_their_mean_off_the_test_sets(pool):
    biases = (0.0, 0.5, 1.0)
    scored, _ = sequence_evaluation.score(pool, entries(m=toy.folds(biases=biases)), "all", ensemble=True)
    expected = np.mean([chance(best_of([0, 20, 40]), bias) for bias in biases], axis=0)
    np.testing.assert_allclose(scored.probabilities["m"][:, 1], expected, atol=1e-6)
    assert not scored.fold["m"].any()
    assert list(scored.probabilities) == ["m"]


def test_an_ensemble_of_pooled_models_is_their_mean_region_by_region(pool):
    both = entries(a=toy.folds(), b=toy.folds(group="b", biases=(2.0, 2.0, 2.0)))
    scored, _ = sequence_evaluation.score(pool, both, ensemble=True)
    mean = (scored.probabilities["a"] + scored.probabilities["b"]) / 2
    np.testing.assert_allclose(scored.probabilities["ensemble"], mean, atol=1e-7)


def test_as_published_elements_have_all_windows_and_background_the_middle_one(tmp_path):
    path = toy.write(tmp_path / "s.h5")
    pool = sequence_pool.load([(None, path)], {})
    one = entries(m=(toy.model("chromosomes"),))
    scored, _ = sequence_evaluation.score(pool, one, "all")
    found = sequence_evaluation.as_published(pool, one, scored, "all", device="cpu", ensemble=False)["m"]
    truth = REGIONS.name == "enhancer"
    published = np.where(truth, best_of([0, 20, 40]), best_of([20]))
    assert found["enhancer"]["matched"] == pytest.approx(roc_auc_score(truth, best_of([0, 20, 40])))
    assert found["enhancer"]["published"] == pytest.approx(roc_auc_score(truth, published))
    assert found["enhancer"]["published"] > found["enhancer"]["matched"]


def test_results_hold_folds_comparisons_leak_and_audit_and_are_json(path):
    models = entries(block=toy.folds(), other=toy.folds(group="o", parameters={"k": 3}), lot=toy.folds("random"))
    found = run([(None, path)], models, published_windows=True).results
    json.dumps(found, allow_nan=False)
    assert sum(found["sites"]["scored"].values()) == (NUMBER > 0).sum()
    assert [row["fold"] for row in found["folds"]["block"]["each"]] == [1, 2, 3]
    assert {(row["first"], row["second"]) for row in found["fold_comparisons"]} == {("block", "other")}
    assert [(row["random"], row["honest"]) for row in found["leaks"]] == [("lot", "block")]
    assert found["leaks"][0]["mAP"]["random"] == found["folds"]["lot"]["pooled"]["mAP"] == found["models"]["lot"]["mAP"]
    assert found["models"]["block"]["sha256"] == ["block1", "block2", "block3"]
    assert found["models"]["block"]["window"] == toy.WIDTH
    assert found["audit"]["models"]["block"]["near_training"] == 0
    assert found["audit"]["models"]["block"]["within"]["1000"] == 0
    assert set(found["published_windows"]) == {"block", "other", "lot"}
    assert [one["role"] for one in found["record"]["inputs"]] == ["model"] * 9 + ["sequences"]


def test_a_missing_fold_is_said(path):
    found = run([(None, path)], entries(m=toy.folds()[:2])).results
    assert found["folds"]["m"]["missing"] == [3]
    assert (
        "m: 1 of 3 folds are missing (3); the figures hold for the regions of the others" in found["audit"]["warnings"]
    )


def test_what_folds_have_seen_is_counted_when_all_of_them_judge(path):
    found = run([(None, path)], entries(m=toy.folds()), subset="all", ensemble=True).results
    assert found["audit"]["models"]["m"]["near_training"] == len(REGIONS)
    assert any("may have learned from them" in text for text in found["audit"]["warnings"])
    assert found["folds"] == {}


def test_folds_cannot_be_averaged_on_their_test_sets(path):
    with pytest.raises(InputError, match="--ensemble: no region is in the test sets of two folds"):
        run([(None, path)], entries(m=toy.folds()), ensemble=True)


def test_records_of_a_fasta_are_known_by_their_names(tmp_path):
    path = toy.write(tmp_path / "f.h5", fasta=True)
    names = np.array([f"r{i}" for i in range(len(REGIONS))], dtype=object)
    folds = []
    for fold in (1, 2, 3):
        kept = toy.split("random", fold)
        parts = np.arange(len(names)) % 3 + 1
        split = kept | {"by": "cluster", "test": list(names[parts == fold]), "train": list(names[parts != fold])}
        folds.append(toy.model("random", fold, split=split, sizes={}))
    found = run([(None, path)], entries(m=tuple(folds)))
    assert found.results["sites"]["chromosomes"] == []
    assert found.results["audit"]["models"]["m"]["near_training"] == 0
    assert "within" not in found.results["audit"]["models"]["m"]
    with pytest.raises(InputError, match="--subset chr1: records of a FASTA lie on no chromosome; give test or all"):
        run([(None, path)], entries(m=tuple(folds)), subset="chr1")
    predictions.write(tmp_path / "p.tsv", found.scored)
    lines = [line.split("\t") for line in (tmp_path / "p.tsv").read_text().splitlines()]
    assert lines[0] == ["model", "data_set", "fold", "id", "class", "predicted", "background", "enhancer"]
    assert [(line[2], line[3]) for line in lines[1:4]] == [("1", "r0"), ("2", "r1"), ("3", "r2")]


def test_several_data_sets_are_each_judged_by_the_models_trained_on_them(path, tmp_path):
    other = toy.write(tmp_path / "o.h5", codes=toy.genome(2), seed=2)
    sums = [Sequences(one).sha256() for one in (path, other)]
    records = [{"options": {}, "inputs": [{"role": "sequences", "name": "", "sha256": one}]} for one in sums]
    a = toy.folds(group="a", record=records[0], biases=(0.0, 0.0, 0.0))
    b = toy.folds(group="b", record=records[1], biases=(3.0, 3.0, 3.0))
    found = run([("x", path), ("y", other)], entries(m=a + b, plain=toy.folds(group="c")))
    assert set(found.results["by_data_set"]["mAP"]) == {"x", "y"}
    assert found.results["by_data_set"]["wins"][0]["of"] <= 2
    x = found.scored.data_set == "x"
    assert set(found.scored.judge["m"][x]) == {0, 1, 2}
    assert set(found.scored.judge["m"][~x]) == {3, 4, 5}


@pytest.mark.parametrize(
    ("changes", "plan", "message"),
    [
        ({"window": 200}, {}, "holds windows of 100 bases, but m takes windows of 200 bases"),
        ({"window": 0}, {}, "holds windows of 100 bases, but m takes whole regions"),
        ({"classes": ["background", "promoter"]}, {}, "holds class enhancer, but the model has background, promoter"),
        ({"sizes": {"1": 400_000}}, {}, "chromosomes are called chr1, chr2, but in the training of m 1"),
        ({"sizes": {"chr1": 5}}, {}, "chr1 has 400000 bases, but 5 where m was trained; take its genome; or give"),
        ({}, {"subset": "chr9"}, "chr9.* not known"),
        ({}, {"relabel": {"promoter": "enhancer"}}, "--relabel promoter: the sequences hold no such class"),
    ],
)
def test_what_does_not_fit_is_refused(path, changes, plan, message):
    with pytest.raises(InputError, match=message):
        run([(None, path)], entries(m=(toy.model("chromosomes", **changes),)), **plan)


def test_places_say_nothing_of_records_or_of_another_genome(path, tmp_path):
    fasta = toy.write(tmp_path / "f.h5", fasta=True)
    one = toy.model("chromosomes")
    with pytest.raises(InputError, match=r"records of a FASTA have no place .* by which m knows its test set; or give"):
        run([(None, fasta)], entries(m=(one,)))
    found = run([(None, fasta)], entries(m=(one,)), subset="all").results
    assert found["audit"]["models"]["m"]["near_training"] == 0
    mouse = toy.model("chromosomes", sizes={"chr1": 5})
    found = run([(None, path)], entries(m=(mouse,)), subset="all").results
    assert found["audit"]["models"]["m"]["trained_on"] is None
    assert any("other DNA than this genome" in text for text in found["audit"]["warnings"])


def test_windows_made_otherwise_are_warned_of(path):
    found = run([(None, path)], entries(m=(toy.model("chromosomes", stride=2),))).results
    expected = "m: the sequences were encoded with --stride 20, those of its training with 2"
    assert expected in found["audit"]["warnings"]


def test_neighbours_across_a_random_split_are_counted(path):
    lot = toy.folds("random")
    found = run([(None, path)], entries(m=lot)).results["audit"]["models"]["m"]
    # The next region is 3.9 kb away: none within 1 kb, most within 10 kb.
    assert found["within"]["1000"] == 0
    expected = 0
    for model in lot:
        tested = np.isin(REGIONS.ids.astype(str), model.settings.split["test"])
        trained = np.isin(REGIONS.ids.astype(str), model.settings.split["train"])
        for chrom in toy.SIZES:
            mine, theirs = (
                REGIONS.start[tested & (REGIONS.chrom == chrom)],
                REGIONS.start[trained & (REGIONS.chrom == chrom)],
            )
            gaps = np.abs(mine[:, None] - theirs[None, :]) - toy.LENGTH
            expected += int((gaps.min(axis=1) < 10_000).sum())
    assert found["within"]["10000"] == expected


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("genome")
    letters = np.array(list("ACGTN"))
    dna = {chrom: codes.copy() for chrom, codes in DNA.items()}
    dna["chr2"][150:160] = 4
    (folder / "g.fa").write_text("".join(f">{chrom}\n{''.join(letters[codes])}\n" for chrom, codes in dna.items()))
    with Genome(folder / "g.fa") as opened:
        yield opened


def test_precision_in_the_genome_is_that_of_tiles_against_middle_windows(pool, genome):
    one = entries(m=(toy.model("chromosomes"),))
    scored, _ = sequence_evaluation.score(pool, one)
    found = sequence_prevalence.along_genome(pool, one, scored, genome, "test")["m"]["enhancer"]
    start = np.arange(0, toy.SIZES["chr2"], toy.WIDTH)
    start = start[start != 100]  # holds an N
    share = np.array([gc(DNA["chr2"][s : s + toy.WIDTH]) for s in start])
    mine = REGIONS[(REGIONS.chrom == "chr2") & (REGIONS.name == "enhancer")]
    inside = np.array([((mine.start < s + toy.WIDTH) & (mine.end > s)).any() for s in start])
    assert found.outside == (~inside).sum()
    assert found.prevalence == pytest.approx(inside.mean())
    assert found.false_positive_rate == pytest.approx((share[~inside] > 0.5).mean())
    middle = np.array([gc(DNA["chr2"][s + 20 : s + 120]) for s in mine.start])
    assert found.recall == pytest.approx((middle > 0.5).mean())


def test_tiles_are_judged_by_the_fold_of_their_place_and_left_out_near_borders(pool, genome):
    folds = entries(m=toy.folds(biases=(0.0, 0.0, 0.0)))
    scored, _ = sequence_evaluation.score(pool, folds)
    found = sequence_prevalence.along_genome(pool, folds, scored, genome, "test")["m"]["enhancer"]
    start = np.arange(0, 400_000, toy.WIDTH)
    spans = Regions(
        np.repeat(np.array(list(toy.SIZES), dtype=object), len(start)),
        np.tile(start, 2),
        np.tile(start, 2) + toy.WIDTH,
        np.full(2 * len(start), "", dtype=object),
    )
    used = toy.RULE.number(spans) > 0
    used[len(start) + 1] = False  # holds an N
    rich = REGIONS[REGIONS.name == "enhancer"]
    inside = np.array(
        [
            ((rich.chrom == c) & (rich.start < s + toy.WIDTH) & (rich.end > s)).any()
            for c, s in zip(spans.chrom[used], spans.start[used], strict=True)
        ]
    )
    assert found.outside == (~inside).sum()


def test_random_folds_have_no_genome_and_another_genome_is_refused(pool, genome, tmp_path, caplog):
    folds = entries(m=toy.folds("random"))
    scored, _ = sequence_evaluation.score(pool, folds)
    with caplog.at_level("INFO", "crekit"):
        assert sequence_prevalence.along_genome(pool, folds, scored, genome, "test") == {}
    assert "m: no precision in the genome, because its test sets are no places of it" in caplog.messages
    (tmp_path / "g.fa").write_text(">chr1\nACGT\n>chr2\nACGT\n")
    with Genome(tmp_path / "g.fa") as other, pytest.raises(InputError, match=r"chr1 has 4 bases, but 400000 in"):
        sequence_prevalence.require_same(pool, other)
    (tmp_path / "h.fa").write_text(">1\nACGT\n>2\nACGT\n")
    with Genome(tmp_path / "h.fa") as other, pytest.raises(InputError, match="chromosome chr1 is called 1 in"):
        sequence_prevalence.require_same(pool, other)


def test_sites_with_the_dna_of_a_training_region_on_either_strand_are_counted(tmp_path):
    codes = {chrom: dna.copy() for chrom, dna in DNA.items()}
    for here, there, turned in ((2, 3, False), (10, 11, True), (20, 21, False)):
        span = codes["chr1"][REGIONS.start[here] : REGIONS.end[here]]
        if turned:
            span = 3 - span[::-1]
        codes["chr2"][REGIONS.start[there] : REGIONS.end[there]] = span
    path = toy.write(tmp_path / "s.h5", codes=codes)
    found = run([(None, path)], entries(m=(toy.model("chromosomes"),))).results["audit"]
    assert found["models"]["m"]["same_dna"] == 3
    assert "m: 3 of 100 sites have the DNA of a training region; the figures flatter it" in found["warnings"]
