"""A network for regions of any length: convolutions, a bidirectional LSTM and a masked mean (DeepEnhancer's outlook).

The paper names recurrent layers on whole sequences as the next step; layers and sizes are ours.
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

_POOL = 4


class SequenceLstm(nn.Module):
    """Two convolutions, a bidirectional LSTM over pooled positions, their mean, a dense layer: ``lstm``.

    Takes one-hot sequences, shape (n, 4, width); shorter ones are padded with zeros on the right, and the result does
    not depend on how many. Returns logits, shape (n, n_classes).

    Parameters
    ----------
    n_classes : int
    window : int
        Any; kept so that all networks are made alike.
    filters, hidden : int
        Of the convolutions, and of the LSTM in each direction.
    """

    def __init__(self, n_classes: int, window: int = 0, filters: int = 64, hidden: int = 32) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(4, filters, 11, padding=5), nn.ReLU(), nn.MaxPool1d(_POOL, ceil_mode=True))
        self.second = nn.Sequential(nn.Conv1d(filters, filters, 5, padding=2), nn.ReLU())
        self.lstm = nn.LSTM(filters, hidden, batch_first=True, bidirectional=True)
        self.dense = nn.Sequential(nn.Dropout(0.5), nn.Linear(2 * hidden, n_classes))

    def forward(self, sequences: torch.Tensor) -> torch.Tensor:
        length = _lengths(sequences)
        pooled = -(-length // _POOL)
        width = int(pooled.max())
        inside = torch.arange(width, device=sequences.device) < pooled[:, None]
        # The bias would make something out of padding, which its neighbours would see.
        values = self.first[1](self.first[0](sequences))
        values = values * (torch.arange(sequences.shape[2], device=sequences.device) < length[:, None])[:, None]
        values = self.second(self.first[2](values)[:, :, :width] * inside[:, None]).transpose(1, 2)
        packed = pack_padded_sequence(values, pooled.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=width)
        mean = (states * inside[:, :, None]).sum(dim=1) / pooled[:, None]
        return self.dense(mean)


def _lengths(sequences: torch.Tensor) -> torch.Tensor:
    """Bases up to the last that is known, at least 1, shape (n,), int64."""
    known = sequences.detach().ne(0).any(dim=1)
    place = torch.arange(1, known.shape[1] + 1, device=sequences.device)
    return (known * place).amax(dim=1).clamp_min(1)
