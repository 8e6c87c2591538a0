"""DeepEnhancer's five networks (Min et al. 2017, Table 1).

They take one-hot windows, shape (n, 4, width), and return logits, shape (n, n_classes). The paper leaves open how
convolutions end and where batch norm stands; the defaults of its library (Lasagne) are taken: no padding, and
convolution, batch norm, ReLU, with no bias under batch norm. Everything is a module of its own, so that attribution
methods see each ReLU.
"""

from collections.abc import Sequence

from torch import nn

PADDINGS = ("valid", "same")

# Filters and width of each convolution; None is max pooling by 2.
_LAYERS: dict[str, Sequence[tuple[int, int] | None]] = {
    "4conv": [(128, 8), (128, 8), (64, 3), (64, 3)],
    "4conv2pool": [(128, 8), (128, 8), None, (64, 3), (64, 3), None],
    "6conv3pool": [(128, 8), (128, 8), None, (64, 3), (64, 3), None, (16, 2), (16, 2), None],
}
NAMES = ("4conv", "4conv2pool", "4conv2pool4norm", "6conv3pool", "6conv3pool6norm")


def deepenhancer(name: str, n_classes: int, window: int = 300, padding: str = "valid") -> nn.Sequential:
    """One of the five networks.

    Parameters
    ----------
    name : str
        One of `NAMES`; those that end in ``norm`` have batch norm after every convolution.
    n_classes : int
    window : int
        Bases.
    padding : str
        ``valid`` or ``same``.

    Raises
    ------
    ValueError
        If the window is too narrow for the network's convolutions and poolings.
    """
    base, norm = (name[: name.rindex("pool") + 4], True) if name.endswith("norm") else (name, False)
    layers: list[nn.Module] = []
    channels, width = 4, window
    for step in _LAYERS[base]:
        if step is None:
            layers.append(nn.MaxPool1d(2))
            width //= 2
            continue
        filters, kernel = step
        if padding == "same":  # an even kernel has one more zero behind
            layers.append(nn.ZeroPad1d(((kernel - 1) // 2, kernel // 2)))
        layers.append(nn.Conv1d(channels, filters, kernel, bias=not norm))
        if norm:
            layers.append(nn.BatchNorm1d(filters))
        layers.append(nn.ReLU())
        channels, width = filters, width if padding == "same" else width - kernel + 1
    if width < 1:
        raise ValueError(f"windows of {window} bases are too narrow for {name}")
    layers += [nn.Flatten(), nn.Linear(channels * width, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 128)]
    layers += [nn.ReLU(), nn.Linear(128, n_classes)]
    network = nn.Sequential(*layers)
    _initialise(network)
    return network


def _initialise(network: nn.Module) -> None:
    """Glorot-uniform weights and zero biases: Lasagne's defaults."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
