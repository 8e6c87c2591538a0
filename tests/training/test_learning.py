"""Sampling, losses, calibration and settings: the small pieces that a training step is made of."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from crekit.errors import InputError
from crekit.models.registry import find
from crekit.training import calibration, losses, sampling
from crekit.training.settings import Training, describe, of_paper

LABELS = np.array([0] * 60 + [1] * 10 + [2] * 30)


def test_background_is_drawn_as_often_as_all_others_whose_proportions_stay():
    weights = sampling.weights(LABELS, "background", background=0)
    assert [weights[i == LABELS].sum() for i in range(3)] == pytest.approx([0.5, 0.125, 0.375])


def test_all_classes_are_drawn_alike():
    weights = sampling.weights(LABELS, "all", background=0)
    assert [weights[i == LABELS].sum() for i in range(3)] == pytest.approx([1 / 3] * 3)


def test_an_epoch_draws_whole_batches_in_the_balance_that_was_asked_for():
    chances = torch.from_numpy(sampling.weights(np.repeat(LABELS, 100), "all", 0))
    drawn = sampling.order(chances, "all", 256, sampling.generator(1, 1))
    assert len(drawn) == 10_000 // 256 * 256
    shares = np.bincount(np.repeat(LABELS, 100)[drawn.numpy()]) / len(drawn)
    assert shares == pytest.approx([1 / 3] * 3, abs=0.02)


def test_without_balance_every_site_is_shown_once():
    chances = torch.from_numpy(sampling.weights(LABELS, "none", 0))
    assert sorted(sampling.order(chances, "none", 8, sampling.generator(1, 1)).tolist()) == list(range(100))


def test_epochs_differ_and_the_same_epoch_is_the_same():
    draw = lambda seed, epoch: torch.randperm(50, generator=sampling.generator(seed, epoch)).tolist()  # noqa: E731
    assert draw(1, 2) == draw(1, 2)
    assert draw(1, 2) != draw(1, 3)
    assert draw(1, 2) != draw(2, 2)


def test_focal_loss_is_half_the_cross_entropy_for_gamma_0_and_alpha_a_half():
    torch.manual_seed(0)
    logits, labels = torch.randn(20, 3), torch.randint(3, (20,))
    half = torch.nn.functional.cross_entropy(logits, labels) / 2
    torch.testing.assert_close(losses.focal(logits, labels, gamma=0, alpha=0.5, epsilon=0), half)


def test_focal_loss_of_two_sites_by_hand():
    logits = torch.log(torch.tensor([[0.8, 0.2], [0.6, 0.4]]))
    expected = -0.25 * (0.2**2 * np.log(0.8) + 0.6**2 * np.log(0.4)) / 2
    found = losses.focal(logits, torch.tensor([0, 1]), gamma=2, alpha=0.25, epsilon=0)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_temperature_is_found_again(rng):
    logits = rng.normal(size=(20_000, 3)) * 2
    labels = np.array([rng.choice(3, p=p) for p in softmax(logits, axis=1)])
    assert calibration.temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.05)
    assert calibration.temperature(logits, labels) == pytest.approx(1, rel=0.05)


def test_settings_are_the_papers_but_for_what_the_user_gives():
    settings = of_paper(find("ep-dnn"), lr=0.1, epochs=None)
    assert (settings.optimiser, settings.lr, settings.epochs, settings.batch_size) == ("sgd", 0.1, 10, 256)
    assert describe(find("deepregfinder-cnn"))["weight-decay"] == 1e-4
    with pytest.raises(InputError, match="--balance some: choose one of none, background, all"):
        of_paper(find("ep-dnn"), balance="some")
    assert Training().record()["seed"] == 1


def test_settings_that_an_architecture_cannot_use_are_refused():
    with pytest.raises(InputError, match="--lr: nothing for this architecture"):
        of_paper(find("random-forest"), lr=0.1)
    assert of_paper(find("random-forest"), trees=9, balance="all").trees == 9
