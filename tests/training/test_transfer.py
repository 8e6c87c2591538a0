import pytest
import torch

from crekit.errors import InputError
from crekit.models.file import SequenceModel
from crekit.models.registry import find
from crekit.models.settings import SequenceSettings
from crekit.training import transfer

NAME = "deepenhancer-6conv3pool6norm"


def settings(**changes) -> SequenceSettings:
    split = {"kind": "folds", "by": "block", "folds": 5, "fold": 2, "seed": 1, "block": 10**6}
    made = {
        "arch": NAME, "classes": ["a", "b"], "split": {**split, "train": [4, 5, 1], "val": [3], "test": [2]},
        "training": {}, "counts": {}, "record": {}, "window": 60, "stride": 1, "short": "drop", "ambiguous": "drop",
    }  # fmt: skip
    return SequenceSettings(**(made | changes))


def network(classes: int = 2, window: int = 60, seed: int = 1):
    torch.manual_seed(seed)
    return find(NAME).build(classes, window)


def test_weights_of_the_same_name_and_shape_are_taken_over():
    source, other = SequenceModel(settings(), network(seed=1)), network(seed=2)
    assert transfer.begin_with(other, source) == []
    for name, tensor in source.network.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_other_classes_leave_the_last_layer_fresh():
    own = network(classes=3, seed=2)
    last = list(transfer.layers(own))[-1]
    before = own.state_dict()[f"{last}.weight"].clone()
    assert transfer.begin_with(own, SequenceModel(settings(), network())) == [f"{last}.weight", f"{last}.bias"]
    assert torch.equal(own.state_dict()[f"{last}.weight"], before)


def test_another_window_is_refused():
    with pytest.raises(InputError, match="has another shape; train with the same window, padding and marks"):
        transfer.begin_with(network(window=90), SequenceModel(settings(), network()))


def test_so_many_layers_from_the_input_are_frozen_with_their_batch_norms():
    own = network()
    frozen = transfer.freeze(own, "2")
    kinds = [type(transfer.layers(own)[name]).__name__ for name in frozen]
    assert kinds == ["Conv1d", "BatchNorm1d", "Conv1d", "BatchNorm1d"]


def test_frozen_layers_do_not_change_in_training():
    own = network()
    transfer.freeze(own, "3")
    before = {name: tensor.clone() for name, tensor in own.state_dict().items()}
    optimiser = torch.optim.Adam([p for p in own.parameters() if p.requires_grad], lr=0.01)
    transfer.train_mode(own)
    loss = own(torch.rand(8, 4, 60)).square().mean()
    loss.backward()
    optimiser.step()
    changed = {name.split(".")[0] for name, tensor in own.state_dict().items() if not torch.equal(tensor, before[name])}
    names = list(transfer.layers(own))
    frozen = set(names[: names.index(max(changed & set(names), key=names.index)) + 1]) - changed
    assert frozen == set(names[:6])  # three convolutions and their batch norms
    assert changed == set(names[6:])


@pytest.mark.parametrize(
    ("expression", "message"), [("99", "all layers would be frozen"), ("0,conv", "no layer of that name")]
)
def test_what_cannot_be_frozen_is_refused(expression, message):
    with pytest.raises(InputError, match=message):
        transfer.freeze(network(), expression)


@pytest.mark.parametrize(
    ("split", "same"),
    [
        ({"kind": "folds", "by": "block", "folds": 5, "fold": 2, "seed": 1, "block": 10**6}, True),
        ({"kind": "folds", "by": "block", "folds": 5, "fold": 3, "seed": 1, "block": 10**6}, False),
        ({"kind": "folds", "by": "random", "folds": 5, "fold": 2, "seed": 1}, False),
        ({"kind": "chromosomes", "train": ["chr1"], "val": ["chr2"], "test": ["chr3"]}, False),
    ],
)
def test_only_the_same_fold_keeps_the_test_new_to_the_source(split, same):
    assert transfer.is_same_split(settings(), split) is same


def test_chromosomes_that_did_not_train_the_source_are_new_to_it():
    of_chroms = {"kind": "chromosomes", "train": ["chr1"], "val": ["chr2"], "test": ["chr3"]}
    source = settings(split=of_chroms)
    assert transfer.is_same_split(source, {**of_chroms, "test": ["chr4"]})
    assert not transfer.is_same_split(source, {**of_chroms, "test": ["chr2"]})
