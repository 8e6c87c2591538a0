"""A random forest on the bins of all marks, in the manner of RFECS (Rajagopal et al. 2013), kept as plain arrays.

scikit-learn grows the trees. They are kept as tensors, so that a model file holds no code, and walked inside a torch
module, so that a forest is used like any network (on the CPU, whatever the device).
"""

from typing import Any

import numpy as np
import torch
from torch import nn

TREES = 65


class RandomForest(nn.Module):
    """All trees in one set of arrays: ``random-forest``.

    Takes standardised tracks, shape (n, n_marks, n_bins); returns logits, shape (n, n_classes): the logarithm of the
    mean of the trees' class shares, so that their softmax is what scikit-learn calls predict_proba.

    Parameters
    ----------
    n_marks, n_classes, n_bins : int
    n_nodes : int
        Nodes of all trees together.
    n_trees : int
    """

    root: torch.Tensor
    child: torch.Tensor
    feature: torch.Tensor
    threshold: torch.Tensor
    share: torch.Tensor

    def __init__(self, n_marks: int, n_classes: int, n_bins: int = 20, n_nodes: int = 0, n_trees: int = 0) -> None:
        super().__init__()
        self.register_buffer("root", torch.zeros(n_trees, dtype=torch.int64))
        self.register_buffer("child", torch.zeros(n_nodes, 2, dtype=torch.int32))
        self.register_buffer("feature", torch.zeros(n_nodes, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(n_nodes))
        self.register_buffer("share", torch.zeros(n_nodes, n_classes))
        self.n_features = n_marks * n_bins
        self.register_load_state_dict_post_hook(lambda *_: self._require_trees())

    def _require_trees(self) -> None:
        """Check what a file brought: compiled code must not be led outside the arrays, nor in circles.

        Raises
        ------
        RuntimeError
            As torch does for tensors that do not fit.
        """
        n_nodes = len(self.child)
        own = torch.arange(n_nodes)
        leaf = self.child[:, 0] == own
        onwards = ((self.child > own[:, None]) & (self.child < n_nodes)).all(dim=1)
        rooted = (self.root >= 0) & (self.root < n_nodes)
        known = (self.feature >= 0) & (self.feature < self.n_features)
        if not (bool((leaf | onwards).all()) and bool(rooted.all()) and bool(known.all())):
            raise RuntimeError("the nodes of its trees are not in order")

    def forward(self, tracks: torch.Tensor) -> torch.Tensor:
        from crekit.models.trees import walk  # numba loads here, so that networks do without it

        flat = np.ascontiguousarray(tracks.detach().flatten(1).cpu().numpy())
        trees = [tensor.cpu().numpy() for tensor in (self.root, self.child, self.feature, self.threshold, self.share)]
        total = torch.from_numpy(walk(flat, *trees)).to(tracks.device)
        return (total / max(len(self.root), 1)).clamp_min(1e-12).log()


def grow(
    values: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, trees: int, seed: int, threads: int
) -> tuple[RandomForest, dict[str, Any]]:
    """Grow a forest.

    Parameters
    ----------
    values : np.ndarray, shape (n_sites, n_marks, n_bins), float32
        Standardised tracks.
    labels : np.ndarray, shape (n_sites,), int
        0 to n_classes - 1, each of them present.
    weights : np.ndarray, shape (n_sites,), float
        Weight of each site.
    trees, seed, threads : int

    Returns
    -------
    forest : RandomForest
    parameters : dict
        What `RandomForest` must be made with to load the same tensors.
    """
    from sklearn.ensemble import RandomForestClassifier

    grown = RandomForestClassifier(n_estimators=trees, random_state=seed, n_jobs=threads)
    grown.fit(values.reshape(len(values), -1), labels, sample_weight=weights)
    columns: dict[str, list[np.ndarray]] = {"child": [], "feature": [], "threshold": [], "share": []}
    roots, n_nodes = [], 0
    for tree in (estimator.tree_ for estimator in grown.estimators_):
        own = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        children = np.stack([tree.children_left, tree.children_right], axis=1)
        children[leaf] = own[leaf, None]
        columns["child"].append(children + n_nodes)
        columns["feature"].append(np.where(leaf, 0, tree.feature))
        columns["threshold"].append(np.where(leaf, 0, _float32_below(tree.threshold)))
        columns["share"].append(tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True))
        roots.append(n_nodes)
        n_nodes += tree.node_count
    parameters = {"n_nodes": n_nodes, "n_trees": trees}
    forest = RandomForest(values.shape[1], grown.n_classes_, values.shape[2], **parameters)
    state = {name: torch.from_numpy(np.concatenate(parts)) for name, parts in columns.items()}
    state["root"] = torch.tensor(roots)
    forest.load_state_dict(state)
    return forest, parameters


def _float32_below(thresholds: np.ndarray) -> np.ndarray:
    """The largest float32 not above each threshold: splits float32 values exactly as the float64 threshold does."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
