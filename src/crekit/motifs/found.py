"""What an extraction of motifs found, as the run hands it to the files and the page."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from crekit.motifs.compare import Match, Rule
from crekit.motifs.pwm import Motif


@dataclass(frozen=True)
class Untrained:
    """What the kernels of untrained networks match.

    Parameters
    ----------
    n_networks, n_kernels : int
    matching : int
        Kernels with any match below the E-value of the rule.
    counted : int
        Those with one that counts.
    best : np.ndarray, shape (n_kernels,)
        See `crekit.motifs.compare.best_counted`; 1 for a kernel that nothing activates.
    """

    n_networks: int
    n_kernels: int
    matching: int
    counted: int
    best: np.ndarray


@dataclass(frozen=True)
class Found:
    """What came out.

    Parameters
    ----------
    arch, method : str
    rule : Rule
    motifs : list of Motif
    silent : int
        Kernels that nothing activates.
    record : dict
        See `crekit.provenance.record`.
    database : str
        Its name; empty without a comparison.
    n_targets : int
        Its motifs.
    matches : list of Match
        Motif by motif, best first.
    untrained : Untrained, optional
    """

    arch: str
    method: str
    rule: Rule
    motifs: list[Motif]
    silent: int
    record: dict[str, Any]
    database: str = ""
    n_targets: int = 0
    matches: tuple[Match, ...] = ()
    untrained: Untrained | None = None
