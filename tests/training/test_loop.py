import numpy as np
import pytest
import torch

from crekit.errors import InputError, WorkError
from crekit.models.registry import find
from crekit.training import loop
from crekit.training.settings import Training


@pytest.fixture
def data(rng):
    """Two marks; class 1 has a peak of the first mark in the middle, class 2 of the second."""
    labels = rng.integers(0, 3, 300)
    values = rng.normal(size=(300, 2, 20)).astype(np.float32)
    values[labels == 1, 0, 8:12] += 2
    values[labels == 2, 1, 8:12] += 2
    whole = loop.Labelled(values, labels)
    return loop.Labelled(values[:200], labels[:200]), loop.Labelled(whole.values[200:], whole.labels[200:])


def train(data, network=None, arch="deepregfinder-rnn", **kwargs):
    settings = Training(**{"epochs": 4, "batch_size": 32, "threads": 1, **kwargs.pop("settings", {})})
    torch.manual_seed(settings.seed)
    torch.set_num_threads(1)
    network = network or find(arch).build(2, 3, 20)
    history = loop.fit(network, [data], settings, background=0, device=torch.device("cpu"), **kwargs)
    return network, history


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize("arch", ["deepregfinder-cnn", "deepregfinder-rnn", "ep-dnn"])
def test_networks_learn_what_was_planted(data, arch):
    settings = {"epochs": 12, "lr": 0.1} if arch == "ep-dnn" else {"epochs": 8}
    _, history = train(data, arch=arch, settings={**settings, "optimiser": "sgd" if arch == "ep-dnn" else "adam"})
    assert max(row["val_map"] for row in history) > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(data):
    assert same(train(data)[0], train(data)[0])
    assert not same(train(data)[0], train(data, settings={"seed": 2})[0])


@pytest.mark.parametrize("arch", ["deepregfinder-cnn", "deepregfinder-rnn", "ep-dnn"])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(data, tmp_path, arch):
    unbroken, history = train(data, arch=arch, settings={"epochs": 6})
    checkpoint = tmp_path / "m.checkpoint"
    train(data, arch=arch, settings={"epochs": 3}, checkpoint_path=checkpoint)
    resumed, went_on = train(data, arch=arch, settings={"epochs": 6}, checkpoint_path=checkpoint, resume=True)
    assert same(unbroken, resumed)
    assert went_on == history


def test_the_best_epoch_by_validation_map_is_kept(data):
    network, history = train(data, settings={"epochs": 6, "lr": 0.05})
    probabilities = torch.softmax(loop.predict(network, data[1].values, torch.device("cpu")), dim=1).numpy()
    score = loop.mean_average_precision(data[1].labels, probabilities, 0)
    assert score == pytest.approx(max(row["val_map"] for row in history))


def test_patience_ends_the_training(data):
    still = {"epochs": 50, "lr": 0.0, "patience": 2, "lr_decay": "none"}
    _, history = train(data, settings=still, arch="deepregfinder-lstm")
    assert len(history) == 3


def test_six_epochs_without_a_rise_of_the_score_cut_the_rate_to_a_tenth(data):
    still = {"epochs": 8, "lr": 1e-6, "optimiser": "sgd"}
    _, history = train(data, settings=still, arch="deepregfinder-lstm")
    assert [row["lr"] for row in history] == pytest.approx([1e-6] * 7 + [1e-7])


def test_exponential_decay_halves_the_rate_in_20_epochs(data):
    _, history = train(data, settings={"epochs": 21, "lr_decay": "exponential"}, arch="deepregfinder-lstm")
    assert history[20]["lr"] == pytest.approx(0.005)


def test_a_loss_that_is_no_number_is_an_error_not_a_model(data):
    broken = loop.Labelled(np.full_like(data[0].values, np.nan), data[0].labels)
    with pytest.raises(WorkError, match="no longer a number in epoch 1"):
        train((broken, data[1]))


def test_a_checkpoint_of_another_run_is_refused(data, tmp_path):
    checkpoint = tmp_path / "m.checkpoint"
    train(data, checkpoint_path=checkpoint, fingerprint={"seed": 1})
    with pytest.raises(InputError, match=r"a checkpoint of another run \(other seed\)"):
        train(data, checkpoint_path=checkpoint, resume=True, fingerprint={"seed": 2})


def test_a_damaged_checkpoint_is_refused(data, tmp_path):
    checkpoint = tmp_path / "m.checkpoint"
    train(data, checkpoint_path=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(InputError, match="the checkpoint is damaged"):
        train(data, checkpoint_path=checkpoint, resume=True)


def test_training_leaves_the_choice_of_algorithms_as_it_was(data):
    train(data)
    assert not torch.are_deterministic_algorithms_enabled()
