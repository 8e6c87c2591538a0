import numpy as np
import pytest
import torch
from toy_scan import centre_model, draw, random_model

from crekit.scanning import score

ARCHITECTURES = ["deepregfinder-cnn", "deepregfinder-rnn", "deepregfinder-lstm", "ep-dnn", "random-forest"]


def tracks(rng: np.random.Generator, n: int, n_marks: int = 4) -> np.ndarray:
    return rng.poisson(2.0, (n_marks, n)).astype(np.float32)


def window_by_window(model, bins: np.ndarray, stride: int) -> np.ndarray:
    """The plain way: cut out, standardise, network, softmax; one window after the other."""
    rows = []
    mean, std = (np.array(column, dtype=np.float32)[:, None] for column in (model.settings.mean, model.settings.std))
    for start in range(0, bins.shape[1] - 19, stride):
        window = (bins[:, start : start + 20] - mean) / std
        with torch.inference_mode():
            logits = model.network(torch.from_numpy(window)[None]) / model.settings.temperature
        rows.append(torch.softmax(logits, dim=1)[0].numpy())
    return np.array(rows)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_network_scores_as_window_by_window(arch, rng):
    model = random_model(arch)
    bins = tracks(rng, 150)
    bins[:, 50:90] = 0
    for stride in (1, 3):
        expected = window_by_window(model, bins, stride)
        found = score.along(model, bins.copy(), stride)
        assert found.shape == expected.shape
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("arch", ["deepregfinder-cnn", "deepregfinder-rnn"])
def test_chunks_do_not_show(arch, rng):
    model = random_model(arch)
    bins = tracks(rng, 5000)
    bins[:, 1500:4000] = 0  # whole chunks of empty windows, and chunks that hold some
    windows = np.lib.stride_tricks.sliding_window_view(bins, 20, axis=1).transpose(1, 0, 2)
    expected = model.probabilities(windows)
    np.testing.assert_allclose(score.along(model, bins.copy()), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("arch", ["deepregfinder-cnn", "ep-dnn"])
def test_the_number_of_threads_does_not_change_a_bit(arch, rng):
    model = random_model(arch)
    bins = tracks(rng, 4000)
    one, three = (score.along(model, bins.copy(), threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("arch", ["deepregfinder-cnn", "ep-dnn"])
def test_twice_the_step_gives_every_second_window(arch, rng):
    model = random_model(arch)
    bins = tracks(rng, 3001)
    every, second = (score.along(model, bins.copy(), stride) for stride in (1, 2))
    np.testing.assert_allclose(second, every[::2], atol=1e-6, rtol=0)


def test_probabilities_are_those_that_the_tree_was_given():
    label, share = draw(60, (3, 5, 1, 6), (6, 6, 1, 5), (7, 9, 2, 8))
    found = score.along(centre_model({}), np.stack([label, share]).astype(np.float32))
    assert len(found) == 41
    np.testing.assert_allclose(found[2:8, 1], [0.05, 0.6, 0.6, 0.6, 0.5, 0.1], atol=1e-6)
    np.testing.assert_allclose(found[6:11, 2], [0.25, 0.8, 0.8, 0.8, 0.05], atol=1e-6)


@pytest.mark.parametrize(("n_all", "stride", "windows"), [(19, 1, 0), (20, 1, 1), (21, 1, 2), (21, 2, 1), (22, 2, 2)])
def test_windows_stop_where_the_last_one_ends_with_the_chromosome(n_all, stride, windows, rng):
    assert score.count(n_all, 20, stride) == windows
    assert score.along(random_model("ep-dnn"), tracks(rng, n_all), stride).shape == (windows, 3)


def test_listed_windows_score_as_the_model_scores_them(rng):
    model = random_model("deepregfinder-rnn")
    values = rng.poisson(2.0, (2500, 4, 20)).astype(np.float32)
    expected = model.probabilities(values)
    np.testing.assert_allclose(score.listed(model, values, threads=2), expected, atol=1e-6, rtol=0)
    assert score.listed(model, values[:0]).shape == (0, 3)


def test_scoring_leaves_the_number_of_torch_threads_as_it_was(rng):
    before = torch.get_num_threads()
    score.along(random_model("ep-dnn"), tracks(rng, 100), threads=3)
    assert torch.get_num_threads() == before
