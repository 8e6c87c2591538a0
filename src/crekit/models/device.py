"""Where a network computes."""

import torch

from crekit.errors import InputError


def device_of(name: str) -> torch.device:
    """The device that ``auto``, ``cpu`` or ``cuda`` means here.

    Raises
    ------
    InputError
        If CUDA is asked for and there is none, or the name is none of the three.
    """
    if name not in {"auto", "cpu", "cuda"}:
        raise InputError(f"--device {name}: choose auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: no CUDA device is usable here; use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
