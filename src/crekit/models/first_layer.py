"""What the filters of a network's first convolution look for, and where they find it.

DeepRegFinder (2024), section 3.3 and Figure 5. A filter's activation is the dot product of its weights and a segment
of the standardised tracks, zeros beyond the ends of the window: before batch normalisation and ReLU, and without the
filter's bias, which batch normalisation takes away again.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from crekit.errors import InputError
from crekit.models import registry
from crekit.models.file import SignalModel

_ALIVE = 1e-6  # relative to the largest value: float32 keeps about seven digits


@dataclass(frozen=True)
class FirstLayer:
    """The filters, and their activation on chosen regions.

    Parameters
    ----------
    classes, marks : list of str
    weights : np.ndarray, shape (n_filters, n_marks, width), float64
    labels : np.ndarray, shape (n_regions,), int64
        Position of each region's class in `classes`, ascending.
    means : np.ndarray, shape (n_filters, n_classes), float64
        Mean activation over bins and the regions of a class; NaN for a class without regions.
    reduced : np.ndarray, shape (n_filters, n_regions), float64
        See `reduce`.
    share : np.ndarray, shape (n_filters,), float64
        See `reduce`.
    order : np.ndarray, shape (n_filters,), int64
        Filters as the clustering puts them, those without variance last.
    tree : np.ndarray, shape (n_alive - 1, 4), float64
        SciPy's linkage matrix of the first `n_alive` filters of `order`, whose leaves count them by ascending number.
    """

    classes: list[str]
    marks: list[str]
    weights: np.ndarray
    labels: np.ndarray
    means: np.ndarray
    reduced: np.ndarray
    share: np.ndarray
    order: np.ndarray
    tree: np.ndarray

    @property
    def alive(self) -> np.ndarray:
        """Filters whose reduced activation differs between regions, by number, shape (n_alive,), int64."""
        return np.flatnonzero(varies(self.reduced))

    @property
    def specificity(self) -> np.ndarray:
        """See `specificity`, shape (n_filters, n_classes), float64."""
        return specificity(self.reduced, self.labels, len(self.classes))


def describe(model: SignalModel, values: np.ndarray, labels: np.ndarray, *, device: str = "cpu") -> FirstLayer:
    """The filters of a model, and what they do on some regions.

    Parameters
    ----------
    model : SignalModel
    values : np.ndarray, shape (n_regions, n_marks, n_bins), float32
        Normalised tracks, not standardised.
    labels : np.ndarray, shape (n_regions,), int
        Position of each region's class in the model's classes, ascending.
    device : str

    Raises
    ------
    InputError
        If the model's network has no first convolution over marks.
    """
    layer = first_convolution(model)
    found = activations(layer, model.standardise(values), device=device)
    reduced, share = reduce(found)
    order, tree = cluster(reduced)
    classes = model.settings.classes
    per_region = found.mean(axis=2)
    means = np.full((found.shape[1], len(classes)), np.nan)
    for label in np.unique(labels):
        means[:, label] = per_region[labels == label].mean(axis=0)
    weights = layer.weight.detach().cpu().numpy().astype(np.float64)
    return FirstLayer(classes, model.settings.marks, weights, labels, means, reduced, share, order, tree)


def first_convolution(model: SignalModel) -> nn.Conv1d:
    """The convolution over marks that a network begins with.

    Raises
    ------
    InputError
        If it has none; the message names the architectures that have one.
    """
    layer = _convolution_over(model.network, len(model.settings.marks))
    if layer is None:
        having = ", ".join(name for name in registry.ARCHITECTURES if _has_one(name))
        raise InputError(
            f"{model.settings.arch} has no first convolution, so it has no filters to explain; "
            f"architectures that have one are {having}"
        )
    return layer


def _convolution_over(network: nn.Module, n_marks: int) -> nn.Conv1d | None:
    """The first convolution of a network, if it takes the marks."""
    first = next((layer for layer in network.modules() if isinstance(layer, nn.Conv1d)), None)
    return first if first is not None and first.in_channels == n_marks else None


def _has_one(name: str) -> bool:
    architecture = registry.find(name)
    if architecture.input != registry.SIGNAL or not architecture.gradient:
        return False
    return _convolution_over(architecture.build(3, 2, 20), 3) is not None


def activations(layer: nn.Conv1d, values: np.ndarray, *, device: str = "cpu", batch_size: int = 4096) -> np.ndarray:
    """Dot products of filters and tracks.

    Parameters
    ----------
    layer : nn.Conv1d
    values : np.ndarray, shape (n_regions, n_marks, n_bins), float32
        Standardised tracks.

    Returns
    -------
    activations : np.ndarray, shape (n_regions, n_filters, n_bins), float64
    """
    layer.to(device)
    parts = []
    with torch.inference_mode():
        for first in range(0, len(values), batch_size):
            batch = torch.from_numpy(np.ascontiguousarray(values[first : first + batch_size])).to(device)
            found = nn.functional.conv1d(
                batch, layer.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
            )
            parts.append(found.cpu().numpy().astype(np.float64))
    return np.concatenate(parts)


def reduce(activations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The activations of each filter without their bins: one number a region.

    Of each filter's matrix, n_bins x n_regions, the first right singular vector is taken, of length 1 as it comes. The
    sign of a singular vector is arbitrary: it is chosen such that the vector correlates positively with the mean
    activation over bins, so that more is more.

    Parameters
    ----------
    activations : np.ndarray, shape (n_regions, n_filters, n_bins), float

    Returns
    -------
    reduced : np.ndarray, shape (n_filters, n_regions), float64
        Zeros for a filter that is nowhere activated.
    share : np.ndarray, shape (n_filters,), float64
        Share of the sum of squares that the vector stands for; 0 for a filter that is nowhere activated.
    """
    matrices = activations.transpose(1, 2, 0).astype(np.float64)
    _, singular, right = np.linalg.svd(matrices, full_matrices=False)
    reduced = right[:, 0]
    mean = matrices.mean(axis=1)
    agreement = np.sum((reduced - reduced.mean(axis=1, keepdims=True)) * mean, axis=1)
    # Without any variance the correlation says nothing: the sum decides then.
    agreement = np.where(varies(reduced), agreement, np.sum(reduced * mean, axis=1))
    reduced = np.where(agreement < 0, -1, 1)[:, None] * reduced
    squares = np.sum(singular**2, axis=1)
    silent = squares == 0
    reduced[silent] = 0
    return reduced, np.where(silent, 0, singular[:, 0] ** 2 / np.where(silent, 1, squares))


def varies(rows: np.ndarray) -> np.ndarray:
    """Which rows are not constant, but for rounding, shape (n_rows,), bool."""
    return np.ptp(rows, axis=1) > _ALIVE * np.abs(rows).max(axis=1, initial=0)


def cluster(reduced: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hierarchical clustering of filters: average linkage of correlation distances, leaves in optimal order.

    Parameters
    ----------
    reduced : np.ndarray, shape (n_filters, n_regions), float

    Returns
    -------
    order : np.ndarray, shape (n_filters,), int64
        Filters without variance have no correlation: they stand at the end, outside of the tree.
    tree : np.ndarray, shape (n_alive - 1, 4), float64
        SciPy's linkage matrix of the others; empty where there are fewer than two.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    alive = varies(reduced)
    numbers = np.flatnonzero(alive)
    if len(numbers) < 2:
        return np.concatenate([numbers, np.flatnonzero(~alive)]), np.zeros((0, 4))
    tree = linkage(reduced[alive], method="average", metric="correlation", optimal_ordering=True)
    tree[:, 2] = np.maximum(tree[:, 2], 0)  # equal rows are at a distance of 0, but for rounding
    return np.concatenate([numbers[leaves_list(tree)], np.flatnonzero(~alive)]), tree


def specificity(reduced: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """By how much a filter is activated more in a class than in any other.

    A filter's reduced activation is brought to mean 0 and standard deviation 1 over all regions. Its specificity for
    a class is its mean there less its highest mean in another class, so that it is positive for one class at most.

    Parameters
    ----------
    reduced : np.ndarray, shape (n_filters, n_regions), float
    labels : np.ndarray, shape (n_regions,), int
    n_classes : int

    Returns
    -------
    specificity : np.ndarray, shape (n_filters, n_classes), float64
        NaN for classes without regions, and everywhere when there is one class only; 0 for filters without variance.
    """
    found = np.full((len(reduced), n_classes), np.nan)
    present = np.unique(labels)
    if len(present) < 2:
        return found
    spread = reduced.std(axis=1, keepdims=True)
    alive = varies(reduced)[:, None]
    scaled = np.where(alive, (reduced - reduced.mean(axis=1, keepdims=True)) / np.where(alive, spread, 1), 0)
    means = np.stack([scaled[:, labels == label].mean(axis=1) for label in present], axis=1)
    for position, label in enumerate(present):
        found[:, label] = means[:, position] - np.delete(means, position, axis=1).max(axis=1)
    return found


def most_specific(specificity: np.ndarray) -> dict[int, int]:
    """Class -> the filter that is most specific to it; without classes that no filter prefers."""
    best = {}
    for label in np.flatnonzero(~np.isnan(specificity).all(axis=0)):
        winner = int(specificity[:, label].argmax())
        if specificity[winner, label] > 0:
            best[int(label)] = winner
    return best
