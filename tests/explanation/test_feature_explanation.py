import csv
import logging

import numpy as np
import pytest
import torch
import toy_explain as toy
import toy_features
from torch import nn

from crekit.encoding.encoders import Encoders
from crekit.encoding.store import Sequences
from crekit.encoding.windows import Rule
from crekit.errors import InputError, WorkError
from crekit.explanation import feature_explanation as features
from crekit.explanation import feature_explanation_ranking as ranking
from crekit.explanation import feature_explanation_run as run
from crekit.explanation.feature_explanation_sample import Plan
from crekit.models import fusion
from crekit.motifs import database, scoring

WEIGHTS = (40.0, -25.0, 0.0, 10.0)
WORDS = list(toy_features.WORDS.values())


@pytest.fixture(scope="module")
def codes():
    """60 sequences of 80 bases, each with one of the words, in turn; the last is shorter."""
    planted = toy.planted(WORDS, 60, 80)
    planted[-1, 50:] = 4
    return planted


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    return toy_features.encoders(tmp_path_factory.mktemp("encoders"), kmers=True)


@pytest.fixture(scope="module")
def motifs_only(encoders):
    return Encoders(None, encoders.motif)


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    return toy.encode_genome(tmp_path_factory.mktemp("genome"))


def explain(model, codes, n_references=20, **settings):
    windows, references = (features.encode(model, some) for some in (codes[n_references:], codes[:n_references]))
    return windows, references, features.explain(model, windows, references, [1], **settings)[0]


def test_frequencies_are_the_words_of_each_window(motifs_only, codes):
    found = features.encode(toy_features.model(motifs_only, toy_features.Linear(WEIGHTS)), codes)
    positions = np.array([[2 * (80 - len(word) + 1) for word in WORDS]] * 60)
    positions[-1] = [2 * (50 - len(word) + 1) for word in WORDS]
    texts = ["".join("ACGTN"[code] for code in row) for row in codes]
    turned = [text[::-1].translate(str.maketrans("ACGT", "TGCA")) for text in texts]
    pairs = zip(texts, turned, strict=True)
    hits = np.array([[one.count(word) + other.count(word) for word in WORDS] for one, other in pairs])
    np.testing.assert_allclose(found.frequency, hits / positions, rtol=1e-6)
    np.testing.assert_allclose(found.outputs[:, 1], found.frequency @ WEIGHTS + 0.25, atol=1e-5)
    np.testing.assert_allclose(found.outputs[:, 0], -found.outputs[:, 1], atol=1e-6)


def test_a_linear_network_gives_each_motif_its_weight_times_its_difference_from_the_mean(motifs_only, codes):
    """The closed form (Lundberg 2017, corollary 1)."""
    model = toy_features.model(motifs_only, toy_features.Linear(WEIGHTS), temperature=2.0)
    windows, references, shap = explain(model, codes)
    wanted = np.array(WEIGHTS) / 2 * (windows.frequency - references.frequency.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(shap.motifs, wanted, atol=1e-8)
    assert (shap.motifs[:, 2] == 0).all()
    np.testing.assert_allclose(shap.base, references.frequency.mean(axis=0) @ WEIGHTS / 2 + 0.125, rtol=1e-6)
    assert shap.parts == {}
    assert shap.error < 1e-6


def test_kmers_are_explained_too_and_shown_as_one_sum(encoders, codes):
    weights = np.random.default_rng(2).normal(0, 0.1, 300).astype(np.float32)
    model = toy_features.model(encoders, toy_features.Linear(WEIGHTS, weights))
    windows, references, shap = explain(model, codes)
    kmer, mean = windows.values["kmer"].numpy(), references.values["kmer"].numpy().mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(shap.parts["kmer"], (kmer - mean) @ weights, atol=1e-6)
    wanted = np.array(WEIGHTS) * (windows.frequency - references.frequency.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(shap.motifs, wanted, atol=1e-7)


class Hidden(nn.Module):
    """A head whose branches cannot be seen."""

    def __init__(self, head):
        super().__init__()
        self.inner = head

    def forward(self, encodings):
        return self.inner(encodings)


def test_outputs_of_a_branch_stand_for_all_its_inputs(encoders, codes):
    """In the network as published: with the branch of k-mers computed before, and with all 300 numbers explained."""
    head = toy_features.mdlf_head(encoders)
    _, _, short = explain(toy_features.model(encoders, head), codes[:26])
    windows, _, long = explain(toy_features.model(encoders, Hidden(head)), codes[:26])
    assert windows.values["kmer"].shape == (6, 300)
    np.testing.assert_allclose(short.parts["kmer"], long.parts["kmer"], atol=1e-6)
    np.testing.assert_allclose(short.motifs, long.motifs, atol=1e-8)
    assert np.ptp(long.parts["kmer"]) > 0.01
    assert max(short.error, long.error) < 1e-5


def test_results_do_not_depend_on_threads(encoders, codes):
    model = toy_features.model(encoders, toy_features.mdlf_head(encoders))
    one, two = (explain(model, codes, threads=threads)[2] for threads in (1, 2))
    np.testing.assert_array_equal(one.motifs, two.motifs)
    np.testing.assert_array_equal(one.parts["kmer"], two.parts["kmer"])


class Product(nn.Module):
    """A network to which no rule of shap fits."""

    def forward(self, encodings):
        logit = 1e4 * encodings["motif"].square().sum(dim=1, keepdim=True)
        return nn.functional.pad(logit, (1, 0))


def test_values_that_do_not_sum_up_are_an_error(motifs_only, codes):
    with pytest.raises(WorkError, match="SHAP values miss the difference that they explain by up to"):
        explain(toy_features.model(motifs_only, Product()), codes)


def test_other_networks_are_refused():
    model = toy.model()
    assert not features.reads_motifs(model)
    with pytest.raises(InputError, match="model: deepenhancer-4conv reads no motif frequencies"):
        features.motif_names(model)


def test_networks_that_read_tracks_too_are_refused(motifs_only):
    head = fusion.Fusion({"motif": 4, "tracks": 2}, 2)
    with pytest.raises(InputError, match="model: reads histone tracks too, which -s does not hold"):
        features.motif_names(toy_features.model(motifs_only, head, arch="fusion"))


def test_ranks_signs_and_means_have_their_values():
    values = np.array([[1.0, 0.5, 0.0], [-1.0, 1.5, 0.0]])
    found = ranking.rank(["a", "b", "c"], values, np.array([[3, 2, 1], [4, 4, 2]]), {"kmer": np.array([-1.0, 3.0])})
    assert found.rank.tolist() == [1, 2, 3]  # a and b tie
    assert found.mean_abs.tolist() == [1, 1, 0]
    assert found.mean.tolist() == [0, 1, 0]
    np.testing.assert_allclose(found.correlation, [-1, 1, np.nan])
    assert [ranking.sign(x) for x in found.correlation] == ["-", "+", ""]
    assert found.mean_frequency.tolist() == [3.5, 3, 1.5]
    assert found.parts == {"kmer": (2.0, 1.0)}


def ranked(motifs, mean_abs):
    return ranking.rank(motifs, np.array([mean_abs, mean_abs], dtype=float), np.zeros((2, len(motifs))))


def test_motifs_are_shared_by_all_models_or_exclusive_to_one(tmp_path):
    rankings = {"A": ranked(["a", "b", "c", "d"], [4, 3, 2, 1]), "B": ranked(["d", "c", "b", "a"], [3, 1, 2, 4])}
    found = ranking.compare(rankings, top=2)
    assert found.motifs == ["a", "b", "d", "c"]  # mean ranks 1, 2.5, 3, 3.5
    assert found.rank.tolist() == [[1, 1], [2, 3], [4, 2], [3, 4]]
    assert found.mean_abs.tolist() == [[4, 4], [3, 2], [1, 3], [2, 1]]
    assert found.where == ["all", "A", "B", ""]
    assert found.n_top.tolist() == [2, 1, 1, 0]
    assert found.by_chance == 1.0  # of 4 motifs, each among the first 2 of both with a chance of 1/4
    ranking.write_comparison(tmp_path / "t.tsv", {"enhancer": found})
    assert (tmp_path / "t.tsv").read_text().splitlines()[:2] == [
        "class\tmotif\tn_top\twhere\tA.rank\tA.mean_abs_shap\tA.correlation\tB.rank\tB.mean_abs_shap\tB.correlation",
        "enhancer\ta\t2\tall\t1\t4\t\t1\t4\t",
    ]
    with pytest.raises(InputError, match="C: other motifs than A"):
        ranking.compare({**rankings, "C": ranked(["a", "x"], [1, 2])})


def plan(**others):
    return Plan(**{"threads": 1, "per_class": 4, "references": 6, "drawn": 2, **others})


def of_genome(path, *models, **others):
    with Sequences(path) as sequences:
        return run.run({f"model{i}": (model, sequences) for i, model in enumerate(models)}, plan(**others))


def test_the_sample_is_drawn_from_the_test_set_and_compared_with_training_regions(genome, motifs_only, caplog):
    model = toy_features.model(motifs_only, toy_features.Linear(WEIGHTS))
    with caplog.at_level(logging.INFO, logger="crekit"):
        (found,) = of_genome(genome, model).models
    assert "enhancer: 4 of 5 regions" in caplog.text
    assert "compared with 6 regions of the training set" in caplog.text
    assert (found.name, found.arch, found.motifs) == ("model0", "mdlf-motif", ["M1", "M2", "M3", "M4"])
    assert found.counts == {"background": (4, 4), "enhancer": (4, 5)}
    (one,) = found.classes
    assert one.name == "enhancer"
    assert one.sample.motifs.shape == one.frequency.shape == (8, 4)
    assert (one.frequency[4:, 0] > 0).all()  # enhancers hold the word of M1
    assert one.ranking.rank[0] == 1
    assert ranking.sign(one.ranking.correlation[0]) == "+"
    assert set(one.surest.chrom) == {"chr3"}
    assert len(one.surest.ids) == len(one.one_by_one.outputs) == len(one.frequency_alone) == 2
    np.testing.assert_allclose(1 / (1 + np.exp(-one.one_by_one.outputs)), one.surest.probability, rtol=1e-5)
    assert found.error < 1e-6


def test_the_same_seed_gives_the_same_sample_and_another_one_another(genome, motifs_only):
    model = toy_features.model(motifs_only, toy_features.Linear(WEIGHTS))
    tables = [of_genome(genome, model, seed=seed).models[0].classes[0].sample.motifs for seed in (1, 1, 2)]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert not np.array_equal(tables[0], tables[2])


def test_without_training_regions_references_are_drawn_from_the_whole_file(genome, motifs_only):
    split = {"kind": "chromosomes", "train": ["chr8"], "val": ["chr9"], "test": ["chr3"]}
    (found,) = of_genome(genome, toy_features.model(motifs_only, toy_features.Linear(WEIGHTS), split=split)).models
    assert (found.trained_on, found.references) == (False, 6)


def test_several_models_are_compared_and_recorded_by_name(genome, motifs_only):
    models = [toy_features.model(motifs_only, toy_features.Linear(one)) for one in (WEIGHTS, WEIGHTS[::-1])]
    found = of_genome(genome, *models)
    (compared,) = run.compare(found, 1).values()
    assert compared.models == ["model0", "model1"]
    assert compared.motifs[0] == "M1"
    assert found.record["options"] == {
        "class": [], "per-class": 4, "subset": "test", "method": "shap", "references": 6, "logos": 2, "seed": 1
    }  # fmt: skip
    assert [(one["role"], one["name"]) for one in found.record["inputs"]] == [
        ("model", "model0"), ("sequences", "model0"), ("model", "model1"), ("sequences", "model1")
    ]  # fmt: skip


def test_models_of_other_motifs_or_classes_are_not_compared(genome, motifs_only, tmp_path):
    first = toy_features.model(motifs_only, toy_features.Linear(WEIGHTS))
    words = {"M1": toy.WORD, "M2": "CAGGTGAG", "M3": "GATAAGCC", "M9": "TTCCGGAA"}
    other = toy_features.model(toy_features.encoders(tmp_path, words), toy_features.Linear(WEIGHTS))
    with pytest.raises(InputError, match=r"other motifs than model0 \(M4 is in model0, not in model1\)"):
        of_genome(genome, first, other)
    renamed = toy_features.model(
        motifs_only, toy_features.Linear(WEIGHTS), classes=["background", "element"],
        record={"options": {"relabel": {"enhancer": "element"}}},
    )  # fmt: skip
    with pytest.raises(InputError, match="--class enhancer: model knows background, element"):
        of_genome(genome, first, renamed)
    with pytest.raises(InputError, match="reads no motif frequencies"):
        of_genome(genome, first, toy.model())


def test_models_and_sequences_pair_by_name(tmp_path):
    a, b = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    assert run.pair([(None, a), ("B", b)], [(None, tmp_path)]) == {"a": (a, tmp_path), "B": (b, tmp_path)}
    assert run.pair([("A", a), ("B", b)], [("B", a), ("A", b)]) == {"A": (a, b), "B": (b, a)}
    with pytest.raises(InputError, match="two models are called a; give each a name of its own"):
        run.pair([(None, a), ("a", b)], [(None, tmp_path)])
    with pytest.raises(InputError, match="models are named A, B, but sequences A, C"):
        run.pair([("A", a), ("B", b)], [("A", a), ("C", b)])


def test_the_table_holds_every_motif_and_the_sum_of_the_kmers(genome, encoders, tmp_path):
    model = toy_features.model(encoders, toy_features.mdlf_head(encoders), arch="mdlf")
    (one,) = of_genome(genome, model).models[0].classes
    ranking.write_ranking(tmp_path / "t.tsv", {one.name: one.ranking})
    with open(tmp_path / "t.tsv", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert list(rows[0]) == list(ranking.COLUMNS)
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", ""]
    assert {row["feature"] for row in rows[:4]} == set(toy_features.WORDS)
    assert rows[4]["feature"] == "(kmer)"
    first = one.ranking.motifs.index(rows[0]["feature"])
    assert float(rows[0]["mean_abs_shap"]) == pytest.approx(np.abs(one.sample.motifs[:, first]).mean(), rel=1e-5)
    assert float(rows[4]["mean_abs_shap"]) == pytest.approx(np.abs(one.sample.parts["kmer"]).mean(), rel=1e-5)


@pytest.mark.parametrize("planted", ["REST_HUMAN.H11MO.0.A", "NRF1_HUMAN.H11MO.0.A"])
def test_a_planted_motif_of_hocomoco_comes_first(data, tmp_path, planted):
    """Of 401 motifs, in a network that was trained on whole regions of several lengths."""
    path = data / "motifs" / "HOCOMOCOv11_core_pwms_HUMAN_mono.txt"
    found = scoring.calibrated(path)
    of = Encoders(None, found)
    (matrix,) = (motif.matrix for motif in database.load(path)[2] if motif.name == planted)
    site = "".join("ACGT"[i] for i in matrix.argmax(axis=1))
    rng = np.random.default_rng(3)
    rows = [toy.planted([site], 1, width, seed=i)[0] for i, width in enumerate(rng.integers(150, 250, 120))]
    path = toy.encode_fasta(tmp_path, rows, Rule(0, 1, "drop", "zero"))
    ids = [f"{kind}{i}" for kind in "eb" for i in range(120)]
    split = {"kind": "random", "train": ids[:80] + ids[120:200], "val": [], "test": ids[80:120] + ids[200:]}
    model = toy_features.model(of, arch="fusion", parameters={"encodings": ["motif"]}, window=0, split=split)
    with Sequences(path) as sequences:
        mine = np.flatnonzero(np.isin(sequences.ids.astype(str), split["train"]))
        encoded = features.encode(model, sequences.window_codes(mine, np.zeros(len(mine), dtype=int)))
        labels = torch.from_numpy((sequences.regions.name[mine] == "enhancer").astype(int))
        head, optimiser = model.network.head.train(), torch.optim.Adam(model.network.head.parameters(), lr=0.01)
        for _ in range(40):
            optimiser.zero_grad()
            nn.functional.cross_entropy(head(encoded.values), labels).backward()
            optimiser.step()
        head.eval()
        (one,) = run.run({"m": (model, sequences)}, plan(per_class=30, references=40)).models[0].classes
    assert one.ranking.motifs[one.ranking.order[0]] == planted
    assert ranking.sign(one.ranking.correlation[one.ranking.order[0]]) == "+"
