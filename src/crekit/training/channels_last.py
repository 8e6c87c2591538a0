"""A stack of 1-D convolutions computed as 2-D ones of height 1 with channels last.

CPUs with units for bfloat16 are several times faster so; for float32 it hardly matters. The weights are those of the
network itself, so that training this trains that.
"""

from typing import TypeGuard

import torch
from torch import nn
from torch.nn import functional

_KINDS = (nn.ZeroPad1d, nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d, nn.ReLU)


class ChannelsLast(nn.Module):
    """A network's forward pass with its leading convolutions in channels-last order.

    Parameters
    ----------
    network : nn.Sequential
        Convolutions, batch norms, ReLUs and max poolings, then flatten and the rest.
    """

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        self.network = network
        layers = list(network)
        n_leading = next(i for i, layer in enumerate(layers) if not isinstance(layer, _KINDS))
        self._leading, self._rest = layers[:n_leading], layers[n_leading:]

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        x = windows.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        for layer in self._leading:
            x = _step(layer, x)
        x = x.squeeze(2)
        for layer in self._rest:
            x = layer(x)
        return x


def fits(network: nn.Module) -> TypeGuard[nn.Sequential]:
    """Whether a network is such a stack, as DeepEnhancer's are: plain convolutions, and a flatten after them."""
    if not isinstance(network, nn.Sequential) or not isinstance(network[0], _KINDS):
        return False
    plain = all(
        layer.padding == (0,) and layer.stride == (1,) and layer.dilation == (1,)
        for layer in network
        if isinstance(layer, nn.Conv1d)
    )
    return plain and any(isinstance(layer, nn.Flatten) for layer in network)


def _step(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """One layer on (n, channels, 1, width)."""
    if isinstance(layer, nn.Conv1d):
        return functional.conv2d(x, layer.weight.unsqueeze(2), layer.bias)
    if isinstance(layer, nn.ZeroPad1d):
        return functional.pad(x, layer.padding)
    if isinstance(layer, nn.BatchNorm1d):
        if layer.training and layer.num_batches_tracked is not None:
            layer.num_batches_tracked.add_(1)
        statistics = layer.running_mean, layer.running_var
        return functional.batch_norm(
            x, *statistics, layer.weight, layer.bias, layer.training, layer.momentum or 0.0, layer.eps
        )
    if isinstance(layer, nn.MaxPool1d):
        return functional.max_pool2d(x, (1, layer.kernel_size), (1, layer.stride))  # type: ignore[arg-type]
    return layer(x)
