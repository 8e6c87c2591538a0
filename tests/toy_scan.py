"""Small models and tracks whose scans can be followed by hand."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from crekit.models import registry
from crekit.models.file import SignalModel, SignalSettings, save
from crekit.models.random_forest import RandomForest, grow
from crekit.signal.tracks import COUNTS, SIGNAL, Track, create

THREE = ["background", "enhancer", "promoter"]
SPLIT = {"kind": "chromosomes", "train": [], "val": [], "test": []}


def settings(
    arch: str, classes: Sequence[str], marks: Sequence[str], sizes: Mapping[str, int], **others
) -> SignalSettings:
    known = {
        "bin_size": 100, "n_bins": 20, "kinds": dict.fromkeys(marks, COUNTS), "normalise": "none", "min_nonzero": 5,
        "mean": [0.0] * len(marks), "std": [1.0] * len(marks), "split": SPLIT, "training": {}, "counts": {},
        "record": {},
    }  # fmt: skip
    return SignalSettings(arch=arch, classes=list(classes), marks=list(marks), sizes=dict(sizes), **{**known, **others})


def random_model(arch: str, n_marks: int = 4, classes: Sequence[str] = THREE, seed: int = 0) -> SignalModel:
    """A network with random weights, whose batch norms and scaling do something."""
    torch.manual_seed(seed)
    if arch == "random-forest":
        network, parameters = random_forest(n_marks, len(classes), seed)
    else:
        network, parameters = registry.find(arch).build(n_marks, len(classes), 20), {}
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            layer.weight.data.normal_(1, 0.2)
            layer.bias.data.normal_()
    rng = np.random.default_rng(seed)
    scaling = {"mean": list(rng.uniform(1, 2, n_marks)), "std": list(rng.uniform(1, 2, n_marks))}
    marks = [f"mark{i}" for i in range(n_marks)]
    made = settings(arch, classes, marks, {}, parameters=parameters, temperature=1.25, **scaling)
    return SignalModel(made, network.eval())


def random_forest(n_marks: int, n_classes: int, seed: int) -> tuple[RandomForest, dict[str, int]]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(200, n_marks, 20)).astype(np.float32)
    return grow(values, np.arange(200) % n_classes, np.ones(200), trees=5, seed=1, threads=1)


def centre_model(
    sizes: Mapping[str, int], classes: Sequence[str] = THREE, marks: Sequence[str] = ("A", "B")
) -> SignalModel:
    """One tree that looks at bin 10 of each window: the value of mark A there is the class, 10 x B its probability.

    A = 0 is the first class, 1 the second, and so on. B = 5 gives that class 0.5, B = 6 gives it 0.6 ... up to 9; the
    others share the rest.
    """
    n = len(classes)
    nodes: list[dict] = []

    def leaf(label: int, share: float) -> int:
        shares = np.full(n, (1 - share) / (n - 1))
        shares[label] = share
        nodes.append({"child": [len(nodes)] * 2, "feature": 0, "threshold": 0.0, "share": shares})
        return len(nodes) - 1

    def split(feature: int, threshold: float) -> int:
        nodes.append({"child": [0, 0], "feature": feature, "threshold": threshold, "share": np.zeros(n)})
        return len(nodes) - 1

    def by_share(label: int, tenths: int) -> int:
        if tenths == 9:
            return leaf(label, 0.9)
        node = split(20 + 10, tenths + 0.5)
        nodes[node]["child"] = [leaf(label, tenths / 10), by_share(label, tenths + 1)]
        return node

    def by_label(label: int) -> int:
        if label == n - 1:
            return by_share(label, 4)
        node = split(10, label + 0.5)
        nodes[node]["child"] = [by_share(label, 4), by_label(label + 1)]
        return node

    by_label(0)
    forest = RandomForest(2, n, 20, n_nodes=len(nodes), n_trees=1)
    state = {name: torch.tensor(np.array([node[name] for node in nodes])) for name in nodes[0]}
    forest.load_state_dict({**state, "root": torch.tensor([0])})
    parameters = {"n_nodes": len(nodes), "n_trees": 1}
    return SignalModel(settings("random-forest", classes, marks, sizes, parameters=parameters), forest.eval())


def save_model(path: Path, model: SignalModel, **changes) -> Path:
    save(path, replace(model.settings, **changes), model.network)
    return path


def save_tracks(
    path: Path, sizes: Mapping[str, int], bins: Mapping[str, Mapping[str, np.ndarray]], kind: str = COUNTS
) -> Path:
    """A track file from mark -> chromosome -> bins of 100 bases."""
    with create(path, sizes, 100, "none") as writer:
        for mark in sorted(bins):
            checksum = hashlib.sha256(mark.encode()).hexdigest()
            track = writer.add(
                Track(mark, SIGNAL, kind, {"inputs": [{"role": "reads", "name": mark, "sha256": checksum}]})
            )
            for chrom in sizes:
                track.put(chrom, np.asarray(bins[mark][chrom]))
            track.finish(10**6)
    return path


def draw(n_bins: int, *runs: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Bins of A and B for `centre_model`, from runs of windows: first, last, class, tenths of its probability.

    All other windows are of class 0 with 0.9.
    """
    label, share = np.zeros(n_bins, dtype=np.uint16), np.full(n_bins, 9, dtype=np.uint16)
    for first, last, of_class, tenths in runs:
        label[first + 10 : last + 11] = of_class
        share[first + 10 : last + 11] = tenths
    return label, share
