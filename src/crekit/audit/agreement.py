"""Whether what a held-out sequence has beside it in the training data tells its class.

That a test sequence has a neighbour or a relative in the training data helps a model only where that one has its class
more often than chance gives. The excess is the measure: the share of the held-out sequences that have one of their own
class, less what it would be if their labels were shuffled.
"""

from dataclasses import dataclass

import numpy as np

from crekit.audit.finding import Verdict

LOOK = 0.005
LEAK = 0.02
P = 0.002
PERMUTATIONS = 1_000
RULE = f"look: excess >= {LOOK:.1%} of the held-out sequences and p <= {P}; leak: excess >= {LEAK:.0%}"


@dataclass(frozen=True)
class Agreement:
    """How often held-out sequences have the class of what is beside them.

    Parameters
    ----------
    held : int
        Held-out sequences.
    beside : int
        Those that have something beside them in training.
    agree : float
        Those that have their own class beside them; one that has several classes counts as a part.
    expected : float
        The same of shuffled labels.
    p : float
        Share of the shuffles that agree as often, the true labels counted as one.
    """

    held: int
    beside: int
    agree: float
    expected: float
    p: float

    @property
    def excess(self) -> float:
        """What agrees beyond chance, as a share of the held-out sequences."""
        return (self.agree - self.expected) / max(self.held, 1)

    @property
    def verdict(self) -> Verdict:
        if self.p > P or self.excess < LOOK:
            return "fine"
        return "leak" if self.excess >= LEAK else "look"

    def record(self) -> dict[str, float]:
        """As JSON holds it."""
        return {
            "held_out": self.held,
            "beside": self.beside,
            "agree": self.agree,
            "expected": self.expected,
            "excess": self.excess,
        }


def agreement(
    label: np.ndarray, beside: np.ndarray, number: np.ndarray, seed: int, permutations: int = PERMUTATIONS
) -> Agreement:
    """Compare the classes of held-out sequences with what is beside them.

    Parameters
    ----------
    label : np.ndarray, shape (n,), int
        The class of each held-out sequence.
    beside : np.ndarray, shape (n, n_classes), bool
        Which classes it has beside it in the training data.
    number : np.ndarray, shape (n,), int
        The round that holds it out: labels are shuffled within a round.
    seed : int
    permutations : int

    Returns
    -------
    found : Agreement
    """
    rng = np.random.default_rng(seed)
    votes = beside / np.maximum(beside.sum(axis=1, keepdims=True), 1)
    shuffled = np.zeros(permutations)
    expected = 0.0
    for one in np.unique(number):
        here = np.flatnonzero(number == one)
        met = here[beside[here].any(axis=1)]
        share = np.bincount(label[here], minlength=beside.shape[1]) / len(here)
        expected += float((votes[met] @ share).sum())
        for turn in range(permutations):
            drawn = rng.choice(label[here], len(met), replace=False)
            shuffled[turn] += votes[met, drawn].sum()
    agree = float(votes[np.arange(len(label)), label].sum())
    p = (1 + (shuffled >= agree - 1e-9).sum()) / (permutations + 1)
    return Agreement(len(label), int(beside.any(axis=1).sum()), agree, expected, float(p))
