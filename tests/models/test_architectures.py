import pytest
import torch

from crekit.errors import InputError
from crekit.models.registry import ARCHITECTURES, find, n_parameters

# Marks, classes, and the published numbers of weights and biases: CNN, RNN, RNN without convolution, EP-DNN.
PUBLISHED = [
    (3, 5, 23_072, 17_829, 13_349, 539_505),
    (6, 3, 23_616, 18_435, 13_667, 574_703),
    (10, 5, 24_640, 19_397, 14_245, 623_505),
    (12, 2, 24_896, 19_746, 14_402, 646_302),
    (12, 3, 24_960, 19_779, 14_435, 646_703),
    (12, 5, 25_088, 19_845, 14_501, 647_505),
    (14, 5, 25_536, 20_293, 14_757, 671_505),
]
NETWORKS = ["deepregfinder-cnn", "deepregfinder-rnn", "deepregfinder-lstm", "ep-dnn"]


@pytest.mark.parametrize(("marks", "classes", "cnn", "rnn", "lstm", "ep_dnn"), PUBLISHED)
def test_parameter_counts_are_the_published_ones(marks, classes, cnn, rnn, lstm, ep_dnn):
    counts = [n_parameters(find(name).build(marks, classes, 20)) for name in NETWORKS]
    assert counts == [cnn, rnn, lstm, ep_dnn]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_one_logit_per_class_and_scores_windows_one_by_one_alike(name):
    torch.manual_seed(0)
    network = find(name).build(12, 5, 20).eval()
    windows = torch.randn(7, 12, 20)
    with torch.inference_mode():
        together = network(windows)
        alone = torch.cat([network(windows[i : i + 1]) for i in range(7)])
    assert together.shape == (7, 5)
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)


def test_the_convolutional_network_keeps_the_bins_until_it_pools():
    network = find("deepregfinder-cnn").build(12, 3, 20).eval()
    x, lengths = torch.randn(2, 12, 20), []
    for layer in network:
        x = layer(x)
        lengths.append(tuple(x.shape[1:]))
    assert lengths[0] == (32, 20)
    assert (32, 10) in lengths
    assert (64, 5) in lengths
    assert lengths[-1] == (3,)


def test_no_activation_is_hidden_in_a_function():
    """Attribution methods hook modules; a network that calls relu() itself would be attributed wrongly."""
    network = find("deepregfinder-cnn").build(4, 3, 20)
    assert sum(isinstance(layer, torch.nn.ReLU) for layer in network.modules()) == 4


def test_weights_begin_he_normal_and_biases_at_zero():
    torch.manual_seed(0)
    first = find("deepregfinder-cnn").build(12, 3, 20)[0]
    assert first.bias.abs().max() == 0
    assert first.weight.std().item() == pytest.approx((2 / (12 * 7)) ** 0.5, rel=0.05)


def test_an_unknown_architecture_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"'cnn' is not known; known are deepregfinder-cnn, .*random-forest"):
        find("cnn")


def test_every_architecture_says_what_its_paper_trains_it_with():
    assert ARCHITECTURES["deepregfinder-rnn"].defaults["lr"] == 0.01
    assert ARCHITECTURES["ep-dnn"].defaults["optimiser"] == "sgd"
