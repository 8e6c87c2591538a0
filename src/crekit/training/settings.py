"""How a model is trained: the settings that train-model takes, and those that each architecture's paper gives."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from crekit.errors import InputError
from crekit.models.registry import SIGNAL, Architecture

CHOICES = {
    "optimiser": ("adam", "sgd"),
    "balance": ("none", "background", "all"),
    "lr_decay": ("none", "exponential", "plateau"),
    "monitor": ("map", "loss"),
    "windows_per_region": ("all", "one"),
    "precision": ("fp32", "bf16"),
    "loss": ("cross-entropy", "focal"),
    "augment": ("none", "flip-bins", "reverse-complement"),
    "calibrate": ("none", "temperature"),
}


_GRADIENT = {
    "epochs", "batch_size", "lr", "weight_decay", "patience", "lr_decay", "loss", "focal_gamma", "focal_alpha",
    "focal_epsilon", "optimiser", "augment", "precision", "windows_per_region", "iterative_folds",
}  # fmt: skip


@dataclass(frozen=True)
class Training:
    """Settings of one training run.

    Parameters
    ----------
    epochs : int
        At most so many.
    batch_size : int
        Sites.
    lr, weight_decay : float
    patience : int
        Stop after so many epochs without a better validation score; 0 = never.
    balance : str
        How sites are drawn. ``none``: each once an epoch. ``background``: background and all other classes together
        with equal chance, their own proportions kept. ``all``: every class with equal chance.
    lr_decay : str
        ``plateau``: a tenth when the epoch's validation mAP has not risen for 5 epochs. ``exponential``: halved every
        20 epochs.
    loss : str
        ``cross-entropy`` or ``focal``.
    focal_gamma, focal_alpha, focal_epsilon : float
        Of the focal loss.
    augment : str
        ``flip-bins`` (tracks) shows each window in either direction with equal chance, ``reverse-complement``
        (sequences) either strand.
    calibrate : str
        ``temperature`` fits one number to the validation data.
    optimiser : str
    monitor : str
        What the best epoch is chosen by, on validation regions: the highest ``map`` or the lowest ``loss``.
    windows_per_region : str
        Of sequences: an epoch shows ``all`` windows, or of each region ``one`` by lot.
    precision : str
        ``bf16`` computes forward and backward passes in bfloat16, which pays on processors and GPUs made for it.
    iterative_folds : int
        Enhancer-MDLF's rounds: training and validation regions in so many folds, each the validation of a round; 0 for
        one round on the split's own.
    share : float
        Share of the training regions that is used.
    trees : int
        Of a forest.
    seed, threads : int
        Both change the bytes of the model.
    """

    epochs: int = 10
    batch_size: int = 256
    lr: float = 0.01
    weight_decay: float = 1e-4
    patience: int = 0
    balance: str = "background"
    lr_decay: str = "plateau"
    loss: str = "cross-entropy"
    focal_gamma: float = 3.0
    focal_alpha: float = 0.5
    focal_epsilon: float = 1e-7
    augment: str = "none"
    calibrate: str = "none"
    optimiser: str = "adam"
    monitor: str = "map"
    windows_per_region: str = "one"
    precision: str = "fp32"
    iterative_folds: int = 0
    share: float = 1.0
    trees: int = 65
    seed: int = 1
    threads: int = 2

    def record(self) -> dict[str, Any]:
        """What the model file keeps."""
        return asdict(self)


def of_paper(architecture: Architecture, **given: Any) -> Training:
    """The paper's settings of an architecture, changed where the user gave another value.

    Parameters
    ----------
    architecture : Architecture
    **given
        Settings by name; None leaves the paper's.

    Raises
    ------
    InputError
        If a choice is not one of those that there are.
    """
    idle = (
        []
        if architecture.gradient
        else sorted(_GRADIENT & {name for name, value in given.items() if value is not None})
    )
    if idle:
        raise InputError(
            f"--{idle[0].replace('_', '-')}: nothing for this architecture, which has no epochs; leave it out"
        )
    settings = replace(Training(**architecture.defaults), **{k: v for k, v in given.items() if v is not None})
    _require_of_its_kind(architecture, given)
    if settings.iterative_folds == 1:
        raise InputError("--iterative-folds 1: one round has no other folds to train on; give at least 2")
    if settings.iterative_folds and settings.calibrate != "none":
        raise InputError("--iterative-folds leaves no data unseen to calibrate on; leave out --calibrate")
    for name, choices in CHOICES.items():
        if (value := getattr(settings, name)) not in choices:
            raise InputError(f"--{name.replace('_', '-')} {value}: choose one of {', '.join(choices)}")
    return settings


def _require_of_its_kind(architecture: Architecture, given: dict[str, Any]) -> None:
    """Check that nothing is asked of tracks that only sequences have, or the reverse."""
    if architecture.input == SIGNAL:
        wrong = {"windows_per_region": ("all", "one"), "augment": ("reverse-complement",)}
        if given.get("iterative_folds"):
            raise InputError("--iterative-folds: only for models of sequences; leave it out")
    else:
        wrong = {"augment": ("flip-bins",)}
    for name, values in wrong.items():
        if given.get(name) in values:
            other = "sequences" if architecture.input == SIGNAL else "tracks"
            raise InputError(f"--{name.replace('_', '-')} {given[name]}: only for models of {other}; leave it out")


def describe(architecture: Architecture) -> dict[str, Any]:
    """The settings that an architecture's paper gives, by option, for ``train-model --list``."""
    names = {field.name for field in fields(Training)}
    return {name.replace("_", "-"): value for name, value in architecture.defaults.items() if name in names}
