import numpy as np
import pytest
import torch
import toy_explain as toy
from torch import nn

from crekit.encoding.onehot import one_hot
from crekit.errors import InputError, WorkError
from crekit.explanation import attribution
from crekit.genome.fasta import encode
from crekit.models.file import SequenceModel
from crekit.models.gkm import GkmSvm

NETWORKS = ["4conv", "4conv2pool", "4conv2pool4norm", "6conv3pool", "6conv3pool6norm"]


def pairs(codes):
    """Counts of dinucleotides."""
    return np.bincount(5 * codes[:-1].astype(int) + codes[1:], minlength=25)


@pytest.fixture
def codes(rng):
    return rng.integers(0, 4, (3, 60), dtype=np.uint8)


@pytest.mark.parametrize("name", NETWORKS)
def test_contributions_sum_to_the_difference_from_the_references(codes, name):
    """Of three classes, with batch norm away from its start, and with unknown bases in two places."""
    model = toy.model(f"deepenhancer-{name}", classes=["background", "enhancer", "promoter"], temperature=1.7)
    for layer in model.network.modules():
        if isinstance(layer, nn.BatchNorm1d):
            nn.init.uniform_(layer.running_mean, -0.1, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    codes[1, :7], codes[2, 20:31] = 4, 4
    found = attribution.attribute(model, codes, 1, shuffles=4, seed=3)
    drawn = attribution.references(codes, 4, 3)
    logits = torch.cat([torch.from_numpy(one_hot(codes)), drawn.flatten(0, 1)])
    with torch.inference_mode():
        background, enhancer, promoter = (model.network(logits) / 1.7).double().T
    output = enhancer - (background + promoter) / 2
    expected = output[:3] - output[3:].reshape(3, 4).mean(dim=1)
    np.testing.assert_allclose(found.contributions.sum(axis=1), expected, atol=1e-5)
    np.testing.assert_allclose(found.differences, expected, atol=1e-5)
    assert 0 < found.error < 1e-5
    assert (found.hypothetical[1, :, :7] == 0).all()
    assert (found.hypothetical[2, :, 20:31] == 0).all()
    assert not any(module._forward_hooks for module in model.network.modules())


def test_of_two_classes_the_output_is_the_log_odds(codes):
    model = toy.model()
    values = torch.from_numpy(one_hot(codes))
    with torch.inference_mode():
        found, logits = attribution.explained(model)(values), model.network(values)
    torch.testing.assert_close(found[:, 1], logits[:, 1] - logits[:, 0])
    torch.testing.assert_close(found[:, 0], logits[:, 0] - logits[:, 1])


def test_a_word_that_the_network_waits_for_gets_everything(codes):
    codes[:, 30:39] = encode(toy.WORD)
    model = SequenceModel(toy.settings(), toy.matcher())
    found = attribution.attribute(model, codes, 1).contributions
    np.testing.assert_allclose(found.sum(axis=1), 4 * 0.5, rtol=1e-4)  # no reference has the word
    assert (np.abs(found).argsort(axis=1)[:, -4:] >= 30).all()
    assert (np.abs(found).argsort(axis=1)[:, -4:] < 39).all()


def test_mutation_of_a_base_costs_the_output_less_its_mean_over_the_four_bases(codes):
    codes[:, 30:39] = encode(toy.WORD)
    model = SequenceModel(toy.settings(), toy.matcher())
    found = attribution.attribute(model, codes, 1, method="mutagenesis")
    expected = np.zeros((3, 60))
    expected[:, 30:39] = 2.0 - (2.0 + 0 + 0 + 0) / 4  # any other base silences the network
    np.testing.assert_allclose(found.contributions, expected, atol=1e-6)
    np.testing.assert_allclose(found.differences, 2.0)
    assert found.error is None


@pytest.mark.parametrize("arch", ["lstm", "kmer-logistic"])
def test_mutagenesis_is_brute_force_over_all_single_changes(codes, arch):
    model = toy.model(arch, window=0) if arch == "lstm" else toy.model(arch)
    for tensor in model.network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.1)
    codes[0, 50:] = 4
    found = attribution.attribute(model, codes[:1], 1)
    outputs = np.zeros((4, 60))
    for place in range(50):
        for base in range(4):
            changed = codes[:1].copy()
            changed[0, place] = base
            logits = model.logits(changed)[0]
            outputs[base, place] = logits[1] - logits[0]
    np.testing.assert_allclose(found.hypothetical[0], outputs - outputs.mean(axis=0), atol=2e-4)


def test_automatic_choice_takes_deep_lift_where_every_layer_has_a_rule():
    assert attribution.method_for(toy.model(), "auto") == "deep-lift"
    assert attribution.method_for(toy.model("lstm"), "auto") == "mutagenesis"
    assert attribution.method_for(SequenceModel(toy.settings("gkm-svm"), GkmSvm(2, 4, 3, 1)), "auto") == "mutagenesis"
    assert attribution.method_for(toy.model(), "mutagenesis") == "mutagenesis"


def test_a_method_that_cannot_be_used_is_refused():
    with pytest.raises(InputError, match="DeepLIFT has no rule for SequenceLstm of lstm; use --method mutagenesis"):
        attribution.method_for(toy.model("lstm"), "deep-lift")
    with pytest.raises(InputError, match="--method shap: choose auto, deep-lift, mutagenesis"):
        attribution.method_for(toy.model(), "shap")


def test_a_network_that_deep_lift_gets_wrong_is_not_passed_over(codes, monkeypatch):
    """A layer that is taken for linear, and is not: contributions no longer sum to the difference."""
    monkeypatch.setattr(attribution, "_LINEAR", (*attribution._LINEAR, nn.Hardtanh))
    network = nn.Sequential(nn.Conv1d(4, 8, 5), nn.Hardtanh(-0.1, 0.1), nn.Flatten(), nn.Linear(8 * 56, 2)).eval()
    with pytest.raises(WorkError, match=r"miss the difference that they explain by up to .* logits"):
        attribution.attribute(SequenceModel(toy.settings(), network), codes, 1)


def test_references_keep_dinucleotides_and_leave_unknown_bases_in_place(codes):
    codes[1, 10:14] = 4
    drawn = attribution.references(codes, 6, 1)
    assert drawn.shape == (3, 6, 4, 60)
    found = np.where(drawn.sum(dim=2) > 0, drawn.argmax(dim=2), 4)
    assert len({row.tobytes() for row in found[0]}) == 6
    for shuffle in found[0]:
        np.testing.assert_array_equal(pairs(shuffle), pairs(codes[0]))
    for shuffle in found[1]:
        np.testing.assert_array_equal(np.flatnonzero(shuffle == 4), range(10, 14))
        np.testing.assert_array_equal(pairs(shuffle[shuffle < 4]), pairs(codes[1][codes[1] < 4]))


def test_references_of_a_window_do_not_depend_on_its_company(codes):
    together = attribution.references(codes, 3, 5)
    for i in range(3):
        assert (attribution.references(codes[i : i + 1], 3, 5)[0] == together[i]).all()
    assert not (attribution.references(codes, 3, 9)[0] == together[0]).all()


@pytest.mark.parametrize("word", ["A", "AT", "N"])
def test_a_window_that_cannot_be_shuffled_contributes_nothing(word):
    codes = np.tile(encode(word), 60 // len(word))[None]
    found = attribution.attribute(toy.model(), codes, 1, shuffles=3)
    np.testing.assert_array_equal(found.contributions, 0)


@pytest.mark.parametrize(("method", "n"), [("deep-lift", 20), ("mutagenesis", 3)])
def test_result_depends_on_neither_threads_nor_company(rng, method, n):
    codes = rng.integers(0, 4, (n, 60), dtype=np.uint8)
    model = toy.model("deepenhancer-6conv3pool6norm")
    one, two = (
        attribution.attribute(model, codes, 1, method=method, shuffles=2, threads=threads) for threads in (1, 2)
    )
    assert one.hypothetical.tobytes() == two.hypothetical.tobytes()
    assert one.differences.tobytes() == two.differences.tobytes()
    assert one.error == two.error
    alone = attribution.attribute(model, codes[2:3], 1, method=method, shuffles=2)
    np.testing.assert_allclose(alone.hypothetical[0], one.hypothetical[2], atol=1e-6)
