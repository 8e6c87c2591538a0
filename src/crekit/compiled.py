"""Loops that numba compiles, and keeps compiled where it can."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable) -> Callable[..., Any]:
    """Compile a function at its first call, and keep the machine code for later runs.

    The code is kept beside the module, else in the user's cache folder; where neither can be written, each process
    compiles anew.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)
