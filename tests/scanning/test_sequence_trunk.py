import numpy as np
import pytest
import torch
from torch import nn
from toy_dna import random_dna, random_dna_model

from crekit.models.deepenhancer import NAMES
from crekit.scanning.sequence_trunk import SequenceTrunk, fits


def one_hot(codes: np.ndarray) -> torch.Tensor:
    return torch.from_numpy((codes == np.arange(4)[:, None]).astype(np.float32))


def window_by_window(network: nn.Module, values: torch.Tensor, window: int, step: int) -> torch.Tensor:
    with torch.inference_mode():
        return network(values.unfold(1, window, step).transpose(0, 1).contiguous())


@pytest.mark.parametrize("step", [1, 2, 3, 4, 7, 8, 50, 75, 299])
@pytest.mark.parametrize("name", NAMES)
def test_the_five_networks_score_as_window_by_window(name, step, rng):
    model = random_dna_model(f"deepenhancer-{name}")
    assert fits(model.network, 300)
    values = one_hot(random_dna(rng, 300 + 7 * step, share_n=0.05))
    expected = window_by_window(model.network, values, 300, step)
    with torch.inference_mode():
        found = SequenceTrunk(model.network, 300, step).logits(values, 8)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("window", [38, 100, 101, 102, 103])
def test_windows_of_other_widths_score_as_window_by_window(window, rng):
    model = random_dna_model("deepenhancer-6conv3pool6norm", window=window)
    values = one_hot(random_dna(rng, 400))
    for step in (1, 2, 5, 12):
        expected = window_by_window(model.network, values, window, step)
        with torch.inference_mode():
            found = SequenceTrunk(model.network, window, step).logits(values, len(expected))
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_networks_of_random_shape_score_as_window_by_window(rng):
    for seed in range(8):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        channels, length = 4, 90
        for _ in range(3):
            width = int(rng.integers(1, 6))
            layers += [nn.Conv1d(channels, 5, width, bias=rng.random() < 0.5), nn.ReLU()]
            channels, length = 5, length - width + 1
            if rng.random() < 0.7:
                pool = int(rng.integers(2, 4))
                layers, length = [*layers, nn.MaxPool1d(pool)], length // pool
        network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(5 * length, 6), nn.ReLU(), nn.Linear(6, 2)).eval()
        values = one_hot(random_dna(rng, 150))
        for step in (1, 4, 6, 9):
            expected = window_by_window(network, values, 90, step)
            with torch.inference_mode():
                found = SequenceTrunk(network, 90, step).logits(values, len(expected))
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_only_unpadded_stacks_of_convolutions_fit():
    assert not fits(random_dna_model("deepenhancer-4conv", parameters={"padding": "same"}).network, 300)
    assert not fits(random_dna_model("lstm", window=0).network, 300)
    end = [nn.Flatten(), nn.Linear(4 * 8, 2)]
    assert fits(nn.Sequential(nn.Conv1d(4, 4, 3), *end), 10)
    assert not fits(nn.Sequential(nn.Conv1d(4, 4, 3), *end), 2)
    assert not fits(nn.Sequential(nn.Conv1d(4, 4, 3)), 10)
    assert not fits(nn.Sequential(nn.Conv1d(4, 4, 3), nn.Flatten(), nn.Linear(32, 2), nn.Tanh()), 10)
    for layer in (
        nn.Conv1d(3, 4, 3),
        nn.Conv1d(4, 4, 3, stride=2),
        nn.Conv1d(4, 4, 3, dilation=2),
        nn.Conv1d(4, 4, 3, groups=4),
        nn.Conv1d(4, 4, 3, padding=1),
        nn.ReLU(),
    ):
        assert not fits(nn.Sequential(layer, *end), 10)
    for layer in (nn.MaxPool1d(3, stride=2), nn.MaxPool1d(2, ceil_mode=True), nn.Tanh(), nn.AdaptiveAvgPool1d(1)):
        assert not fits(nn.Sequential(nn.Conv1d(4, 4, 3), layer, *end), 10)
