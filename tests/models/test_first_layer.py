import numpy as np
import pytest
import torch
import toy_signal as toy
from torch import nn

from crekit.errors import InputError
from crekit.models import first_layer, registry


def random_model(arch="deepregfinder-cnn"):
    torch.manual_seed(3)
    return toy.model(registry.find(arch).build(2, 3, 20), arch=arch, mean=[1.0, 2.0], std=[2.0, 4.0])


@pytest.mark.parametrize("arch", ["deepregfinder-cnn", "deepregfinder-rnn"])
def test_networks_that_begin_with_a_convolution_show_its_filters(arch):
    layer = first_layer.first_convolution(random_model(arch))
    assert tuple(layer.weight.shape) == (32, 2, 7)


@pytest.mark.parametrize("arch", ["ep-dnn", "deepregfinder-lstm", "random-forest"])
def test_networks_without_one_are_refused(arch):
    message = rf"^{arch} has no first convolution.*have one are deepregfinder-cnn, deepregfinder-rnn"
    with pytest.raises(InputError, match=message):
        first_layer.first_convolution(random_model(arch))


def test_an_activation_is_the_dot_product_with_zeros_beyond_the_window_and_without_the_bias(rng):
    layer = nn.Conv1d(2, 3, 7, padding=3)
    values = rng.normal(size=(5, 2, 20)).astype(np.float32)
    found = first_layer.activations(layer, values, batch_size=2)
    padded = np.pad(values, ((0, 0), (0, 0), (3, 3)))
    weights = layer.weight.detach().numpy()
    plain = [
        [[np.sum(weights[f] * padded[r, :, b : b + 7]) for b in range(20)] for f in range(3)] for r in range(5)
    ]  # fmt: skip
    assert found.shape == (5, 3, 20)
    np.testing.assert_allclose(found, plain, atol=1e-5)


def test_a_filter_that_scales_one_profile_is_reduced_to_its_scale():
    profile = np.r_[np.zeros(8), 1.0, 2.0, 2.0, 1.0, np.zeros(8)]
    scale = np.array([3.0, 0.0, -1.0, 4.0])
    activations = (scale[:, None] * profile)[:, None, :]
    reduced, share = first_layer.reduce(activations)
    np.testing.assert_allclose(reduced, [scale / np.sqrt(26)], atol=1e-12)
    np.testing.assert_allclose(share, [1.0])


def test_the_sign_follows_the_mean_activation(rng):
    activations = rng.normal(size=(40, 6, 20)) + rng.normal(size=(40, 6, 1))
    reduced, _ = first_layer.reduce(activations)
    mirrored, _ = first_layer.reduce(-activations)
    for row, mean in zip(reduced, activations.mean(axis=2).T, strict=True):
        assert np.corrcoef(row, mean)[0, 1] > 0
    np.testing.assert_allclose(mirrored, -reduced, atol=1e-10)


def test_the_reduced_activation_is_the_first_eigenvector_of_the_regions(rng):
    activations = rng.normal(size=(15, 4, 20)) + 2 * rng.normal(size=(15, 4, 1))
    reduced, share = first_layer.reduce(activations)
    for number in range(4):
        matrix = activations[:, number].T
        values, vectors = np.linalg.eigh(matrix.T @ matrix)
        np.testing.assert_allclose(abs(reduced[number] @ vectors[:, -1]), 1, atol=1e-10)
        np.testing.assert_allclose(share[number], values[-1] / values.sum())


def test_a_filter_that_is_nowhere_activated_is_all_zero(rng):
    activations = rng.normal(size=(9, 3, 20))
    activations[:, 1] = 0
    reduced, share = first_layer.reduce(activations)
    assert not reduced[1].any()
    assert share[1] == 0
    assert first_layer.varies(reduced).tolist() == [True, False, True]


def test_like_filters_stand_together_and_dead_ones_last(rng):
    one, other = rng.normal(size=(2, 60))
    rows = np.stack([one, np.zeros(60), other, one + 0.1 * other, np.full(60, 0.3), other - 0.1 * one, -one])
    order, tree = first_layer.cluster(rows)
    assert sorted(order.tolist()) == list(range(7))
    assert order[-2:].tolist() == [1, 4]
    place = {number: i for i, number in enumerate(order)}
    assert abs(place[0] - place[3]) == 1
    assert abs(place[2] - place[5]) == 1
    assert tree.shape == (4, 4)
    # The first to join are the two nearest, at one minus their correlation; -one is the furthest from one.
    nearest = min(1 - np.corrcoef(rows[0], rows[3])[0, 1], 1 - np.corrcoef(rows[2], rows[5])[0, 1])
    np.testing.assert_allclose(tree[0, 2], nearest)


@pytest.mark.parametrize("n_alive", [0, 1])
def test_fewer_than_two_live_filters_have_no_tree(rng, n_alive):
    rows = np.zeros((3, 8))
    rows[2 - n_alive + 1 :] = rng.normal(size=(n_alive, 8))
    order, tree = first_layer.cluster(rows)
    assert sorted(order.tolist()) == [0, 1, 2]
    assert order[0] == (2 if n_alive else 0)
    assert tree.shape == (0, 4)


def test_specificity_is_the_mean_in_a_class_less_the_highest_in_another():
    labels = np.array([0, 0, 1, 1, 3, 3])
    rows = np.array([[0.0, 0, 6, 6, 3, 3], [1, 1, 1, 1, 1, 1]])
    found = first_layer.specificity(rows, labels, 4)
    one = np.sqrt(1.5)  # the row's values lie one standard deviation times this from their mean, or on it
    np.testing.assert_allclose(found, [[-2 * one, one, np.nan, -one], [0, 0, np.nan, 0]])
    assert first_layer.most_specific(found) == {1: 0}


def test_one_class_alone_has_no_specific_filters(rng):
    found = first_layer.specificity(rng.normal(size=(3, 5)), np.full(5, 1), 2)
    assert np.isnan(found).all()
    assert first_layer.most_specific(found) == {}


def test_the_description_standardises_and_averages_class_by_class(rng):
    model = random_model()
    values = rng.normal(size=(9, 2, 20)).astype(np.float32)
    labels = np.array([0, 0, 0, 0, 2, 2, 2, 2, 2])
    layer = first_layer.describe(model, values, labels)
    scaled = (values - np.array([[1.0], [2.0]], np.float32)) / np.array([[2.0], [4.0]], np.float32)
    convolution = model.network[0]
    with torch.inference_mode():
        plain = (convolution(torch.from_numpy(scaled)) - convolution.bias[:, None]).numpy()
    np.testing.assert_allclose(layer.means[:, 0], plain[:4].mean(axis=(0, 2)), atol=1e-5)
    np.testing.assert_allclose(layer.means[:, 2], plain[4:].mean(axis=(0, 2)), atol=1e-5)
    assert np.isnan(layer.means[:, 1]).all()
    assert layer.weights.shape == (32, 2, 7)
    assert layer.reduced.shape == (32, 9)
    np.testing.assert_allclose(np.linalg.norm(layer.reduced, axis=1), 1)
