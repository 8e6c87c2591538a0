import numpy as np
import pytest
import torch
from torch import nn
from toy_scan import random_model

from crekit.models.deepregfinder import ConvolutionalNetwork
from crekit.scanning.sums import Sum, plan
from crekit.scanning.trunk import Trunk, fits, fold


def window_by_window(network: nn.Module, bins: torch.Tensor, n_bins: int, stride: int) -> torch.Tensor:
    windows = bins.unfold(1, n_bins, stride).transpose(0, 1)
    with torch.inference_mode():
        return network(windows.contiguous())


@pytest.mark.parametrize("stride", [1, 2, 3, 7, 20, 25])
def test_published_network_scores_as_window_by_window(stride):
    model = random_model("deepregfinder-cnn", n_marks=5)
    bins = torch.randn(5, 400)
    expected = window_by_window(model.network, bins, 20, stride)
    with torch.inference_mode():
        found = Trunk(model.network, 20, stride).logits(bins, len(expected))
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=2e-6)


@pytest.mark.parametrize("n_bins", [4, 5, 11, 20, 33])
def test_windows_of_other_sizes_score_as_window_by_window(n_bins):
    torch.manual_seed(0)
    network = ConvolutionalNetwork(3, 4, n_bins).eval()
    bins = torch.randn(3, 100)
    expected = window_by_window(network, bins, n_bins, 1)
    with torch.inference_mode():
        found = Trunk(network, n_bins, 1).logits(bins, len(expected))
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=2e-6)


def test_unpadded_and_unbiased_layers_score_as_window_by_window():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv1d(2, 8, 5, bias=False), nn.ReLU(), nn.MaxPool1d(3), nn.Conv1d(8, 6, 4, padding=2),
        nn.AdaptiveAvgPool1d(1), nn.Conv1d(6, 3, 1), nn.Flatten(),
    ).eval()  # fmt: skip
    bins = torch.randn(2, 80)
    expected = window_by_window(network, bins, 20, 1)
    with torch.inference_mode():
        found = Trunk(network, 20, 1).logits(bins, 61)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=2e-6)


def test_windows_share_most_of_the_published_network():
    trunk = Trunk(ConvolutionalNetwork(12, 3).eval(), 20, 1)
    layers = [step for step in trunk._steps if hasattr(step, "_outputs")]
    assert [len(layer._outputs) for layer in layers] == [7, 9, 7, 9, 1]
    # One matrix product a sum; without sharing it takes 37, 25, 19 and 25 for these rows.
    assert [len(layer._sums) for layer in layers] == [12, 21, 15, 21, 1]


def test_only_plain_stacks_of_convolutions_fit():
    assert fits(ConvolutionalNetwork(3, 3).eval(), 20)
    for arch in ("deepregfinder-rnn", "deepregfinder-lstm", "ep-dnn", "random-forest"):
        assert not fits(random_model(arch).network, 20)
    end = [nn.AdaptiveAvgPool1d(1), nn.Flatten()]
    assert fits(nn.Sequential(nn.Conv1d(3, 4, 3), *end).eval(), 20)
    assert not fits(nn.Sequential(nn.Conv1d(3, 4, 3), nn.Flatten()).eval(), 20)
    for layer in (
        nn.Conv1d(3, 4, 3, stride=2),
        nn.Conv1d(3, 4, 3, dilation=2),
        nn.Conv1d(3, 3, 3, groups=3),
        nn.Conv1d(3, 4, 3, padding="same"),
        nn.Conv1d(3, 4, 3, padding=1, padding_mode="circular"),
        nn.MaxPool1d(3, stride=2),
        nn.ReLU(),
        nn.Tanh(),
    ):
        assert not fits(nn.Sequential(layer, *end).eval(), 20)


def test_folded_batch_norm_changes_nothing():
    network = random_model("deepregfinder-cnn").network
    tracks = torch.randn(50, 4, 20)
    folded = fold(network)
    assert not any(isinstance(layer, nn.BatchNorm1d) for layer in folded)
    with torch.inference_mode():
        torch.testing.assert_close(folded(tracks), network(tracks), atol=2e-6, rtol=2e-6)


def test_a_sum_starts_from_the_terms_that_it_shares_with_others():
    # Row 0 is tap 1 @ row 0; row 1 is taps 0 and 1 @ row 0, one apart: the first, one further on, and a term.
    sums, outputs = plan([(None, (0, 0)), ((0, 0), (0, 1))], reach=[0, 3])
    assert sums == [
        Sum(base=None, base_shift=0, tap=1, row=0, shift=0, reach=4),
        Sum(base=0, base_shift=1, tap=0, row=0, shift=0, reach=3),
    ]
    assert outputs == [0, 1]


def test_sums_hold_exactly_the_terms_of_their_rows(rng):
    rows = [
        (*(None if rng.random() < 0.3 else (int(rng.integers(3)), int(rng.integers(4))) for _ in range(5)), (0, 0))
        for _ in range(12)
    ]
    sums, outputs = plan(rows, [0] * len(rows))

    def terms(number: int) -> list[tuple[int, int, int]]:
        one = sums[number]
        before = [] if one.base is None else [(t, r, s + one.base_shift) for t, r, s in terms(one.base)]
        return sorted([*before, (one.tap, one.row, one.shift)])

    for row, number in zip(rows, outputs, strict=True):
        assert terms(number) == [(tap, *place) for tap, place in enumerate(row) if place]


def test_networks_of_random_shape_score_as_window_by_window(rng):
    for seed in range(8):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        channels = 2
        for _ in range(3):
            width = int(rng.integers(1, 6))
            layers += [nn.Conv1d(channels, 4, width, padding=int(rng.integers(0, width))), nn.BatchNorm1d(4), nn.ReLU()]
            layers += [nn.MaxPool1d(2)] if rng.random() < 0.5 else []
            channels = 4
        network = nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten()).eval()
        bins = torch.from_numpy(rng.normal(size=(2, 90)).astype(np.float32))
        expected = window_by_window(network, bins, 40, 1)
        with torch.inference_mode():
            found = Trunk(network, 40, 1).logits(bins, len(expected))
        torch.testing.assert_close(found, expected, atol=2e-6, rtol=2e-6)
