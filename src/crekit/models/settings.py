"""What the model file says besides the weights: for models of tracks, and for models of sequences."""

import math
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from crekit.models import registry
from crekit.models.registry import SEQUENCE, SIGNAL


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every model needs besides its weights.

    Parameters
    ----------
    arch : str
        Name of the architecture, with what it was built with in `parameters`.
    classes : list of str
        In the order of the outputs.
    split : dict
        See `crekit.training.splits`: ``kind``, and what belongs to ``train``, ``val`` and ``test``.
    training : dict
        Settings of the training, and its number of compute threads.
    counts : dict
        Of each part of the split, how many sites of each class were used, and how many were dropped and why.
    record : dict
        See `crekit.provenance.record`.
    parameters : dict
        What the architecture is built with besides its shape.
    temperature : float
        Logits are divided by it; 1 for a model that is not calibrated.
    sizes : dict of str to int
        Chromosome sizes of what it was trained on; empty for records of a FASTA.
    group : str
        Shared by the models of all folds of one run; empty for a single model.
    """

    arch: str
    classes: list[str]
    split: dict[str, Any]
    training: dict[str, Any]
    counts: dict[str, Any]
    record: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    temperature: float = 1.0
    sizes: dict[str, int] = field(default_factory=dict)
    group: str = ""
    input: str

    def facts(self) -> dict[str, bool]:
        """Name of a setting -> whether it can be right."""
        return {
            "classes": len(self.classes) > 1 and len(set(self.classes)) == len(self.classes),
            "temperature": math.isfinite(self.temperature) and self.temperature > 0,
            "split": {"kind", "train", "val", "test"} <= set(self.split),
            "sizes": all(size > 0 for size in self.sizes.values()),
        }

    def check(self) -> None:
        """Check that what a file says holds together.

        Raises
        ------
        ValueError
            Naming the setting that does not.
        """
        for name, holds in self.facts().items():
            if not holds:
                raise ValueError(f"{name} cannot be right")

    def build(self) -> nn.Module:
        """The network of these settings, with weights that are not yet trained."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class SignalSettings(Settings):
    """What a model of tracks needs besides its weights.

    Parameters
    ----------
    marks : list of str
        In the order of the inputs.
    bin_size, n_bins : int
        Width of a bin in bases, and bins in a window.
    kinds : dict of str to str
        Of each mark, ``counts`` or ``values``.
    normalise : str
        ``rpm`` or ``none``.
    min_nonzero : int
        The non-zero rule: windows with fewer non-zero bins, over all marks, were left out.
    mean, std : list of float
        Of each mark, over training sites and bins.
    """

    marks: list[str]
    bin_size: int
    n_bins: int
    kinds: dict[str, str]
    normalise: str
    min_nonzero: int
    mean: list[float]
    std: list[float]
    input: str = SIGNAL

    @property
    def width(self) -> int:
        """Width of a window, in bases."""
        return self.bin_size * self.n_bins

    def facts(self) -> dict[str, bool]:
        return {
            "marks": len(self.marks) > 0 and len(set(self.marks)) == len(self.marks),
            **super().facts(),
            "mean and std": len(self.mean) == len(self.std) == len(self.marks)
            and all(math.isfinite(number) for number in [*self.mean, *self.std])
            and min(self.std) > 0,
            "bin_size and n_bins": self.bin_size > 0 and self.n_bins > 0,
            "sizes": len(self.sizes) > 0 and all(size > 0 for size in self.sizes.values()),
        }

    def build(self) -> nn.Module:
        architecture = registry.find(self.arch)
        return architecture.build(len(self.marks), len(self.classes), self.n_bins, **self.parameters)


@dataclass(frozen=True, kw_only=True)
class SequenceSettings(Settings):
    """What a model of sequences needs besides its weights.

    Parameters
    ----------
    window : int
        Bases of a window; 0 for whole regions of any length.
    stride : int
        Bases between two windows of a region, as it was trained.
    short, ambiguous : str
        What was done with short regions and with N: see `crekit.encoding.windows`.
    encoders : dict
        Settings of the encoders that the model has within it: see `crekit.encoding.encoders.Encoders.facts`.
    signal : dict
        What it reads of tracks too: see `crekit.training.sequence_signal.SignalInput`; empty for nothing.
    """

    window: int
    stride: int
    short: str
    ambiguous: str
    encoders: dict[str, dict[str, Any]] = field(default_factory=dict)
    signal: dict[str, Any] = field(default_factory=dict)
    input: str = SEQUENCE

    def facts(self) -> dict[str, bool]:
        return {
            **super().facts(),
            "window and stride": self.window >= 0 and self.stride > 0,
            "signal": not self.signal
            or len(self.signal["mean"]) == len(self.signal["std"]) == len(self.signal["marks"]),
        }

    def build(self) -> nn.Module:
        architecture = registry.find(self.arch)
        marks = {"n_marks": len(self.signal["marks"])} if self.signal else {}
        return architecture.of_sequences(len(self.classes), self.window, {**self.parameters, **marks}, self.encoders)
