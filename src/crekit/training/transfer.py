"""Transfer: a network that begins with another model's weights, some of them kept as they are."""

import logging
from pathlib import Path
from typing import Any

from torch import nn

from crekit.errors import InputError
from crekit.models import file as model_file
from crekit.models.encoded import EncodedNetwork
from crekit.models.file import Model
from crekit.models.settings import Settings
from crekit.provenance import Input

log = logging.getLogger("crekit")

_FROZEN = "crekit_frozen"


def load_source(path: str | Path, arch: str) -> Model:
    """The model whose weights a network is to begin with.

    Raises
    ------
    InputError
        If it is of another architecture.
    """
    source = model_file.load(path)
    if source.settings.arch != arch:
        raise InputError(
            f"{path}: a model of {source.settings.arch}, but --arch is {arch}; --init-from needs the same architecture"
        )
    return source


def inputs(source: Model | None) -> list[Input]:
    """The source as a record's input."""
    return [] if source is None else [Input("init-from", "", source.sha256)]


def facts(source: Model | None) -> dict[str, str]:
    """What tells runs from different sources apart; models of all folds of one run count as one source."""
    return {} if source is None else {"source": source.settings.group or source.sha256}


def described(frozen: str | None) -> dict[str, str]:
    """What a record's options say of frozen layers."""
    return {} if frozen is None else {"freeze": frozen}


def begin(network: nn.Module, source: Model, frozen: str | None, split: dict[str, Any]) -> None:
    """Begin with a source's weights, freeze what is to be frozen, and say so; warn where the test may not be new."""
    fresh = begin_with(network, source)
    log.info("begins with the weights of %s%s", source.name, f", but for {', '.join(fresh)}" if fresh else "")
    if frozen is not None:
        log.info("frozen: %s", ", ".join(freeze(network, frozen)))
    if not is_same_split(source.settings, split):
        log.warning(
            "warning: %s was trained by another split, so it may have seen regions of this test set; train both by the "
            "same --folds, --fold, --block and --seed, or the same chromosomes",
            source.name,
        )


def begin_with(network: nn.Module, source: Model) -> list[str]:
    """Copy into a network, in place, all weights of a model that have the same name and shape.

    Returns
    -------
    fresh : list of str
        Weights that were not copied: those of the last layer where the classes differ.

    Raises
    ------
    InputError
        If more than the last layer differs: another window, padding or number of marks.
    """
    if isinstance(network, EncodedNetwork):
        _require_same_encoders(network, source)
    own, theirs = network.state_dict(), source.network.state_dict()
    fitting = {name: tensor for name, tensor in theirs.items() if name in own and own[name].shape == tensor.shape}
    fresh = [name for name in own if name not in fitting]
    last = list(layers(network))[-1]
    if any(not name.startswith(f"{last}.") for name in fresh):
        strange = next(name for name in fresh if not name.startswith(f"{last}."))
        raise InputError(
            f"--init-from: weight {strange} of {source.name} has another shape; train with the same window, "
            "padding and marks as that model"
        )
    network.load_state_dict({**own, **fitting})
    return fresh


def _require_same_encoders(network: nn.Module, source: Model) -> None:
    """Check that what the weights stand behind is the same: the k-mer vectors and motifs, and their order."""
    own, theirs = (one.encoders.made for one in (network, source.network) if isinstance(one, EncodedNetwork))
    if not own.same_as(theirs):
        raise InputError(
            f"--init-from: {source.name} reads other k-mer vectors or motifs than the sequences are encoded with; "
            "run encode-seq with the same ones"
        )


def layers(network: nn.Module) -> dict[str, nn.Module]:
    """Layers that hold weights, by name, from the input on."""
    return {name: layer for name, layer in network.named_modules() if name and list(layer.parameters(recurse=False))}


def freeze(network: nn.Module, expression: str) -> list[str]:
    """Keep some layers as they are, in place: neither their weights nor their batch statistics change.

    Parameters
    ----------
    network : nn.Module
    expression : str
        A number: so many convolutions, recurrent and dense layers from the input on, with their batch norms. Or names
        of layers with commas between them.

    Returns
    -------
    frozen : list of str

    Raises
    ------
    InputError
        If a layer is not known, or none is left to learn.
    """
    known = layers(network)
    wanted = [part.strip() for part in expression.split(",")]
    chosen = _first(known, int(expression)) if expression.isdecimal() else wanted
    for name in chosen:
        if name not in known:
            raise InputError(f"--freeze {name}: no layer of that name; there are {', '.join(known)}")
    if len(chosen) == len(known):
        raise InputError(f"--freeze {expression}: all layers would be frozen, and nothing learned; freeze fewer")
    for name in chosen:
        known[name].requires_grad_(False)
        setattr(known[name], _FROZEN, True)
    return chosen


def _first(known: dict[str, nn.Module], number: int) -> list[str]:
    """The first `number` layers, each with the batch norms that follow it."""
    chosen, seen = [], 0
    for name, layer in known.items():
        seen += not isinstance(layer, nn.BatchNorm1d)
        if seen > number:
            break
        chosen.append(name)
    return chosen


def train_mode(network: nn.Module) -> None:
    """Training mode for all layers but the frozen ones, whose batch statistics stay."""
    network.train()
    for layer in network.modules():
        if getattr(layer, _FROZEN, False):
            layer.eval()


def is_same_split(source: Settings, split: dict[str, Any]) -> bool:
    """Whether no region of this split's test can have trained the source: the same chromosomes, or the same fold."""
    theirs = source.split
    if theirs["kind"] == "chromosomes" and split["kind"] == "chromosomes":
        return not set(theirs["train"] + theirs["val"]) & set(split["test"])
    keys = ("kind", "by", "folds", "fold", "seed", "block")
    return split["kind"] == "folds" and split.get("by") == "block" and all(theirs.get(k) == split.get(k) for k in keys)
