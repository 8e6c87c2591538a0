import pytest
import torch
from torch import nn

from crekit.models.registry import find, n_parameters

# Weights and biases of each network for windows of 300 bases: without padding, with it (the paper leaves it open).
PUBLISHED = {
    "4conv": (4_826_114, 5_121_026),
    "4conv2pool": (1_336_322, 1_434_626),
    "4conv2pool4norm": (1_336_706, 1_435_010),
    "6conv3pool": (343_586, 359_970),
    "6conv3pool6norm": (344_002, 360_386),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_those_of_the_layers_that_the_paper_names(name):
    build = find(f"deepenhancer-{name}").build
    counts = tuple(n_parameters(build(2, 300, padding=padding)) for padding in ("valid", "same"))
    assert counts == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_activation_is_a_module_of_its_own(name):
    """Attribution methods hook modules: a ReLU that is called as a function would be attributed wrongly."""
    network = find(f"deepenhancer-{name}").build(2, 300)
    convolutions = int(name[0])
    assert sum(isinstance(layer, nn.ReLU) for layer in network) == convolutions + 2
    assert sum(isinstance(layer, nn.BatchNorm1d) for layer in network) == (convolutions if "norm" in name else 0)


def test_dropout_stands_between_the_dense_layers():
    network = find("deepenhancer-4conv2pool4norm").build(2, 300)
    kinds = [type(layer).__name__ for layer in network][-6:]
    assert kinds == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]


def test_lengths_after_each_pooling_are_the_published_ones():
    x, lengths = torch.zeros(1, 4, 300), []
    for layer in find("deepenhancer-6conv3pool").build(2, 300):
        x = layer(x)
        if isinstance(layer, nn.MaxPool1d):
            lengths.append(x.shape[2])
    assert lengths == [143, 69, 33]


def test_a_window_too_narrow_for_the_layers_is_refused():
    with pytest.raises(ValueError, match="windows of 20 bases are too narrow for 4conv2pool"):
        find("deepenhancer-4conv2pool").build(2, 20)


def one_hot(*lengths: int, width: int) -> torch.Tensor:
    torch.manual_seed(3)
    values = torch.zeros(len(lengths), 4, width)
    for row, length in zip(values, lengths, strict=True):
        row[torch.randint(0, 4, (length,)), torch.arange(length)] = 1
    return values


@pytest.mark.parametrize("width", [60, 61, 90])
def test_the_lstm_does_not_see_how_far_a_region_was_padded(width):
    network = find("lstm").build(2, 0).eval()
    with torch.inference_mode():
        narrow = network(one_hot(60, 37, 21, width=60))
        wide = network(nn.functional.pad(one_hot(60, 37, 21, width=60), (0, width - 60)))
    torch.testing.assert_close(narrow, wide, rtol=1e-5, atol=1e-6)


def test_the_lstm_takes_regions_of_any_length_even_without_a_known_base():
    network = find("lstm").build(3, 0).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 4, 5)).shape == (2, 3)
        assert network(one_hot(1, 1000, width=1000)).isfinite().all()
