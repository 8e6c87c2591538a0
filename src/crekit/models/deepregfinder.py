"""DeepRegFinder's two networks (Ramakrishnan et al. 2024, section 2.2.1 and Figure 1).

Both take the standardised tracks of a window, shape (n, n_marks, n_bins), and return logits, shape (n, n_classes).
The published networks end in a softmax; here it is left to the loss and to `crekit.models.file.Model`.
"""

import torch
from torch import nn


def _initialise(network: nn.Module) -> None:
    """He-normal weights and zero biases of convolutions and dense layers, as published."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _convolution(inputs: int, outputs: int, width: int) -> list[nn.Module]:
    """A convolution that keeps the number of bins, batch norm, ReLU."""
    return [nn.Conv1d(inputs, outputs, width, padding=width // 2), nn.BatchNorm1d(outputs), nn.ReLU()]


class ConvolutionalNetwork(nn.Sequential):
    """Five convolutions with two poolings and a global average: ``deepregfinder-cnn``.

    Parameters
    ----------
    n_marks, n_classes : int
    n_bins : int
        At least 4, because two poolings halve it.
    """

    def __init__(self, n_marks: int, n_classes: int, n_bins: int = 20) -> None:
        if n_bins < 4:
            raise ValueError(f"the network halves a window twice, so it needs 4 bins, not {n_bins}")
        super().__init__(
            *_convolution(n_marks, 32, 7),
            *_convolution(32, 32, 3),
            nn.MaxPool1d(2),
            *_convolution(32, 64, 3),
            *_convolution(64, 64, 3),
            nn.MaxPool1d(2),
            nn.AdaptiveAvgPool1d(1),
            nn.Conv1d(64, n_classes, 1, bias=False),
            nn.Flatten(),
        )
        _initialise(self)


class RecurrentNetwork(nn.Module):
    """One convolution, two LSTM layers, and a dense layer on the last bin: ``deepregfinder-rnn``.

    Parameters
    ----------
    n_marks, n_classes : int
    n_bins : int
        Any number; kept so that all networks are made alike.
    convolution : bool
        Whether the LSTM reads the convolution's 32 channels (published default) or the marks themselves.
    """

    def __init__(self, n_marks: int, n_classes: int, n_bins: int = 20, convolution: bool = True) -> None:
        super().__init__()
        self.convolution = nn.Sequential(*_convolution(n_marks, 32, 7)) if convolution else nn.Identity()
        self.lstm = nn.LSTM(32 if convolution else n_marks, 32, num_layers=2, dropout=0.2, batch_first=True)
        self.dense = nn.Linear(32, n_classes)
        _initialise(self)

    def forward(self, tracks: torch.Tensor) -> torch.Tensor:
        bins, _ = self.lstm(self.convolution(tracks).transpose(1, 2))
        return self.dense(bins[:, -1])
