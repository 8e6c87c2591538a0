"""Rounds of training (Enhancer-MDLF's iterative folds): one network and optimiser go through all of them."""

import numpy as np
import pytest
import torch
from torch import nn

from crekit.training import loop
from crekit.training.settings import Training


@pytest.fixture
def rounds():
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 120)
    values = (random.normal(size=(120, 1, 4)) + labels[:, None, None]).astype(np.float32)
    parts = [loop.Labelled(values[i::3], labels[i::3]) for i in range(3)]
    return [(parts[0], parts[1]), (parts[1], parts[2]), (parts[2], parts[0])]


def train(rounds, network=None, **settings):
    torch.manual_seed(0)
    network = network or nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    more = {name: settings.pop(name) for name in ("checkpoint_path", "resume") if name in settings}
    chosen = Training(**{"epochs": 3, "batch_size": 20, "lr": 0.05, "lr_decay": "none", "monitor": "loss", **settings})
    return network, loop.fit(network, rounds, chosen, background=0, device=torch.device("cpu"), **more)


def test_every_round_has_its_epochs_and_goes_on_counting(rounds):
    _, history = train(rounds)
    assert [(row["epoch"], row["round"]) for row in history] == [(i + 1, i // 3 + 1) for i in range(9)]


def test_one_round_has_no_column_of_rounds(rounds):
    _, history = train(rounds[:1])
    assert [list(row) for row in history] == [["epoch", "lr", "train_loss", "val_loss", "val_map"]] * 3


def test_the_weights_kept_are_those_of_the_best_epoch_of_all(rounds):
    network, history = train(rounds)
    best = min(history, key=lambda row: row["val_loss"])
    validation = rounds[best["round"] - 1][1]
    logits = validation.logits(network, torch.device("cpu"))
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(validation.region_labels)).item()
    assert loss == pytest.approx(best["val_loss"], abs=1e-6)


def test_patience_begins_anew_in_every_round(rounds):
    _, history = train(rounds, lr=0.0, patience=1, epochs=5)
    # Nothing changes, so that the second epoch of a round is the first without a gain.
    assert [row["round"] for row in history] == [1, 1, 2, 2, 3, 3]


class Killed(Exception):
    """What stands for a kill."""


@pytest.mark.parametrize("after", [2, 3, 5])
def test_a_run_killed_in_any_round_goes_on_to_the_same_weights(rounds, tmp_path, monkeypatch, after):
    whole, _ = train(rounds)
    real, done = loop.checkpoint.save, []

    def dies(*args):
        real(*args)
        done.append(1)
        if len(done) == after:
            raise Killed

    monkeypatch.setattr(loop.checkpoint, "save", dies)
    with pytest.raises(Killed):
        train(rounds, checkpoint_path=tmp_path / "c")
    monkeypatch.setattr(loop.checkpoint, "save", real)
    again, history = train(rounds, checkpoint_path=tmp_path / "c", resume=True)
    assert len(history) == 9
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
