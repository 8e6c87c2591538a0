"""Scoring all windows of a chromosome at once: what neighbouring windows share is computed once.

Two windows that overlap hold the same bins, and a convolution gives the same activation for both wherever its taps see
the same bins. Only near a window's ends, where zero padding comes in, do activations belong to one window. So every
layer keeps *rows*: a row is an activation as a function of the window's number, and position p of window k reads
``row[k + shift]``, with a row and a shift for each p. Positions that see the same rows at the same distances share a
row. DeepRegFinder's convolutional network on 20 bins needs 7, 9, 7 and 9 rows for its four convolutions where windows
one by one have 20, 20, 10 and 10 positions. Rows of a convolution share sums, too (`crekit.scanning.sums`).

Batch norm is folded into the convolution before it. All this changes the order of sums, not their terms: the results
are those of the network within float32 rounding.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from crekit.scanning.sums import Place, Taps, plan


def fold(network: nn.Sequential) -> nn.Sequential:
    """The same network with each batch norm folded into the convolution before it (evaluation mode only)."""
    layers: list[nn.Module] = []
    for layer in network:
        if isinstance(layer, nn.BatchNorm1d) and layers and isinstance(layers[-1], nn.Conv1d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        elif not isinstance(layer, nn.Dropout | nn.Identity):
            layers.append(layer)
    return nn.Sequential(*layers).eval()


class Trunk:
    """A sequential network of convolutions and poolings, ready to run along a chromosome.

    Parameters
    ----------
    network : nn.Sequential
        One that `fits`, in evaluation mode.
    n_bins : int
        Bins in a window.
    stride : int
        Bins between the starts of two windows.
    """

    def __init__(self, network: nn.Sequential, n_bins: int, stride: int) -> None:
        self._stride = stride
        self._phases = min(stride, n_bins)
        places: list[Place] = [(position % stride, position // stride) for position in range(n_bins)]
        self._steps: list[_Rectifier | _Convolution | _Pooling] = []
        for layer in fold(network):
            if isinstance(layer, nn.ReLU):
                self._steps.append(_Rectifier())
            elif not isinstance(layer, nn.Flatten):
                rows, places = _share(_taps(layer, places))
                reach = [max(shift for row, shift in places if row == i) for i in range(len(rows))]
                if isinstance(layer, nn.Conv1d):
                    self._steps.append(_Convolution(layer, rows, reach))
                else:
                    self._steps.append(_Pooling(layer, rows, reach))
        ((self._row, self._shift),) = places

    def logits(self, bins: torch.Tensor, n_windows: int) -> torch.Tensor:
        """The network's output for windows one after the other.

        Parameters
        ----------
        bins : torch.Tensor, shape (n_marks, n)
            Standardised; the first window starts at bin 0.
        n_windows : int

        Returns
        -------
        logits : torch.Tensor, shape (n_windows, n_classes)
        """
        if self._stride == 1:
            rows = [bins]
        else:
            rows = [bins[:, phase :: self._stride].contiguous() for phase in range(self._phases)]
        for step in self._steps:
            rows = step(rows, n_windows)
        return rows[self._row].narrow(1, self._shift, n_windows).T


def fits(network: nn.Module, n_bins: int) -> bool:
    """Whether a network is one that `Trunk` can run: plain convolutions, batch norm, ReLU, max and average pooling."""
    if not isinstance(network, nn.Sequential):
        return False
    layers = list(fold(network))
    # ReLU works in place, so the first layer must make rows of its own.
    if not layers or isinstance(layers[0], nn.ReLU | nn.Flatten) or not all(map(_known, layers)):
        return False
    for layer in layers:
        if isinstance(layer, nn.Conv1d):
            n_bins += 2 * _number(layer.padding) - _number(layer.kernel_size) + 1
        elif isinstance(layer, nn.MaxPool1d):
            n_bins //= _number(layer.kernel_size)
        elif isinstance(layer, nn.AdaptiveAvgPool1d):
            n_bins = 1
    return n_bins == 1


def _known(layer: nn.Module) -> bool:
    """Whether a layer is of a kind, and with settings, that can be run here."""
    if isinstance(layer, nn.Conv1d):
        if isinstance(layer.padding, str) or layer.padding_mode != "zeros" or layer.groups != 1:
            return False
        steps = _number(layer.stride) == 1 and _number(layer.dilation) == 1
        return steps and _number(layer.padding) < _number(layer.kernel_size)
    if isinstance(layer, nn.MaxPool1d):
        width, stride = _number(layer.kernel_size), _number(layer.stride)
        return stride == width and _number(layer.padding) == 0 and _number(layer.dilation) == 1 and not layer.ceil_mode
    if isinstance(layer, nn.AdaptiveAvgPool1d):
        return _number(layer.output_size) == 1
    return isinstance(layer, nn.ReLU | nn.Flatten)


def _number(value: Any) -> int:
    """A setting that torch keeps as a number or as a tuple of one."""
    return int(value[0] if isinstance(value, tuple) else value)


def _taps(layer: nn.Module, places: Sequence[Place]) -> list[Taps]:
    """What each position of a layer's output is made from; None is zero padding."""
    n = len(places)
    if isinstance(layer, nn.Conv1d):
        width, padding = _number(layer.kernel_size), _number(layer.padding)
        starts = range(-padding, n + padding - width + 1)
        return [tuple(places[i] if 0 <= i < n else None for i in range(s, s + width)) for s in starts]
    if isinstance(layer, nn.MaxPool1d):
        width = _number(layer.kernel_size)
        return [tuple(places[s : s + width]) for s in range(0, n - width + 1, width)]
    return [tuple(places)]


def _share(taps: Sequence[Taps]) -> tuple[list[Taps], list[Place]]:
    """One row for all positions whose taps differ by a common shift alone, and the place of each position."""
    rows: dict[Taps, int] = {}
    places: list[Place] = []
    for one in taps:
        first = min(place[1] for place in one if place)
        key = tuple((place[0], place[1] - first) if place else None for place in one)
        places.append((rows.setdefault(key, len(rows)), first))
    return list(rows), places


class _Rectifier:
    """ReLU of all rows, in place."""

    def __call__(self, rows: Sequence[torch.Tensor], _n_windows: int) -> list[torch.Tensor]:
        return [row.relu_() for row in rows]


class _Convolution:
    """A convolution: each row is a sum of weights @ row over its taps, and the bias.

    Parameters
    ----------
    layer : nn.Conv1d
    rows : sequence of Taps
        The taps of each row, with shifts that start at 0.
    reach : sequence of int
        Of each row, the largest shift at which it is read: how much longer than the number of windows it must be.
    """

    def __init__(self, layer: nn.Conv1d, rows: Sequence[Taps], reach: Sequence[int]) -> None:
        self._sums, self._outputs = plan(rows, reach)
        self._weights = [weight.contiguous() for weight in layer.weight.detach().unbind(2)]
        self._bias = None if layer.bias is None else layer.bias.detach()[:, None]

    def __call__(self, rows: Sequence[torch.Tensor], n_windows: int) -> list[torch.Tensor]:
        totals: list[torch.Tensor] = []
        for one in self._sums:
            n = n_windows + one.reach
            weight, values = self._weights[one.tap], rows[one.row].narrow(1, one.shift, n)
            if one.base is not None:
                base = totals[one.base].narrow(1, one.base_shift, n)
                totals.append(base.addmm_(weight, values) if one.in_place else torch.addmm(base, weight, values))
            else:
                totals.append(weight @ values if self._bias is None else torch.addmm(self._bias, weight, values))
        return [totals[i] for i in self._outputs]


class _Pooling:
    """Max pooling, or the average of all positions. Parameters as of `_Convolution`."""

    def __init__(self, layer: nn.Module, rows: Sequence[Taps], reach: Sequence[int]) -> None:
        self._largest = isinstance(layer, nn.MaxPool1d)
        self._rows, self._reach = rows, reach

    def __call__(self, rows: Sequence[torch.Tensor], n_windows: int) -> list[torch.Tensor]:
        return [self._pool(rows, taps, n_windows + reach) for taps, reach in zip(self._rows, self._reach, strict=True)]

    def _pool(self, rows: Sequence[torch.Tensor], taps: Taps, n: int) -> torch.Tensor:
        first, *others = (rows[place[0]].narrow(1, place[1], n) for place in taps if place)
        total = first.clone()
        for values in others:
            if self._largest:
                torch.maximum(total, values, out=total)
            else:
                total += values
        return total if self._largest else total.div_(len(taps))
