"""Scoring overlapping windows of DNA at once, with convolutions that have no padding.

Without padding, an activation depends on the bases that it sees and not on the window that it is in, so the layers run
once along a whole stretch. A pooling that halves the positions of each window must then not halve those of the stretch:
windows that start at odd bases need the others. So it runs at every position, and the layers after it take every second
one (dilation 2, then 4 ...). Positions that no window needs are left out: with windows every 50 bases, the first
pooling may halve after all, and the second may not. The first dense layer is a convolution as wide as a window.

Batch norm is folded into the convolution before it. All this changes the order of sums, not their terms: the results
are those of the network within float32 rounding, for windows at any step.
"""

from collections.abc import Callable
from math import gcd

import torch
from torch import nn

from crekit.scanning.trunk import fold

_Step = Callable[[torch.Tensor], torch.Tensor]


class SequenceTrunk:
    """A sequential network of unpadded convolutions, poolings and dense layers, ready to run along DNA.

    Parameters
    ----------
    network : nn.Sequential
        One that `fits`, in evaluation mode.
    window : int
        Bases in a window.
    step : int
        Bases between the starts of two windows.
    """

    def __init__(self, network: nn.Sequential, window: int, step: int) -> None:
        body, head = _parts(network)
        self._steps: list[_Step] = []
        length = window
        # Neighbours within a window lie `apart` bases apart; every `kept` bases there is an activation.
        apart, kept = 1, 1
        for layer in body:
            if isinstance(layer, nn.Conv1d):
                self._steps.append(_convolution(layer, apart // kept))
                length -= layer.kernel_size[0] - 1
            elif isinstance(layer, nn.MaxPool1d):
                width, spacing, before = int(layer.kernel_size), apart // kept, kept  # type: ignore[arg-type]
                apart, length = apart * width, length // width
                kept = gcd(step, apart)
                self._steps.append(_pooling(width, spacing, kept // before))
            else:
                self._steps.append(torch.relu_)
        self._steps.append(_dense(head[0], length, step // kept, apart // kept))  # type: ignore[arg-type]
        self._rest = nn.Sequential(*head[1:])

    def logits(self, values: torch.Tensor, n_windows: int) -> torch.Tensor:
        """The network's output for windows one after the other.

        Parameters
        ----------
        values : torch.Tensor, shape (4, n), float32
            One-hot; the first window starts at base 0, the last one ends with the last base.
        n_windows : int

        Returns
        -------
        logits : torch.Tensor, shape (n_windows, n_classes)
        """
        values = values[None]
        for step in self._steps:
            values = step(values)
        # Where poolings leave out a window's last bases, the stretch has room for windows that run over its end.
        return self._rest(values[0, :, :n_windows].T)


def fits(network: nn.Module, window: int) -> bool:
    """Whether a network is one that `SequenceTrunk` can run: plain convolutions without padding, batch norm, ReLU and
    max pooling, then dense layers."""
    if not isinstance(network, nn.Sequential):
        return False
    body, head = _parts(network)
    if not body or not isinstance(body[0], nn.Conv1d) or body[0].in_channels != 4 or not head:
        return False
    if not all(map(_known, body)) or not isinstance(head[0], nn.Linear):
        return False
    for layer in body:
        if isinstance(layer, nn.Conv1d):
            window -= layer.kernel_size[0] - 1
        elif isinstance(layer, nn.MaxPool1d):
            window //= int(layer.kernel_size)  # type: ignore[arg-type]
    return window > 0 and all(isinstance(layer, nn.Linear | nn.ReLU) for layer in head)


def _parts(network: nn.Sequential) -> tuple[list[nn.Module], list[nn.Module]]:
    """The layers before and after the flattening; no dense layers where there is none."""
    layers = list(fold(network))
    flat = next((i for i, layer in enumerate(layers) if isinstance(layer, nn.Flatten)), len(layers))
    return layers[:flat], layers[flat + 1 :]


def _known(layer: nn.Module) -> bool:
    """Whether a layer before the flattening is of a kind, and with settings, that can be run here."""
    if isinstance(layer, nn.Conv1d):
        plain = layer.stride == (1,) and layer.dilation == (1,) and layer.groups == 1
        return plain and layer.padding in {"valid", (0,)}
    if isinstance(layer, nn.MaxPool1d):
        plain = layer.padding == 0 and layer.dilation == 1 and not layer.ceil_mode
        return plain and isinstance(layer.kernel_size, int) and layer.stride == layer.kernel_size
    return isinstance(layer, nn.ReLU)


def _convolution(layer: nn.Conv1d, spacing: int) -> _Step:
    weight, bias = layer.weight.detach(), None if layer.bias is None else layer.bias.detach()
    return lambda values: nn.functional.conv1d(values, weight, bias, dilation=spacing)


def _pooling(width: int, spacing: int, thin: int) -> _Step:
    """The maximum of `width` values that lie `spacing` apart, at every `thin`-th place."""
    return lambda values: nn.functional.max_pool1d(values, width, stride=thin, dilation=spacing)


def _dense(layer: nn.Linear, length: int, stride: int, spacing: int) -> _Step:
    """A dense layer on `length` flattened places that lie `spacing` apart, for windows that lie `stride` apart."""
    bias = None if layer.bias is None else layer.bias.detach()
    weight = layer.weight.detach().view(layer.out_features, -1, length)
    return lambda values: nn.functional.conv1d(values, weight, bias, stride=stride, dilation=spacing)
