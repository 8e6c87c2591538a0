"""What a check found: a verdict, the number that it rests on, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["fine", "look", "leak", "skipped"]
_RANK: dict[str, int] = {"skipped": 0, "fine": 1, "look": 2, "leak": 3}


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Parameters
    ----------
    check : str
        Its name, such as ``length-modulo``.
    title : str
        The question that it answers, in a few words.
    verdict : {"fine", "look", "leak", "skipped"}
        ``leak``: a model can score well here without what it should learn. ``look``: it may. ``skipped``: the check
        does not apply.
    value : float or None
        The number that the verdict rests on.
    what : str
        What that number is: ``AUROC``, ``pairs``, ``sequences``.
    interval : (float, float) or None
        95 % interval of the value.
    p : float or None
        p of the permutation null, after correction for all classes and features that the check looked at.
    threshold : str
        What makes look and leak.
    says : str
        The finding in one sentence, with its number.
    remedy : str
        What to do, in one sentence; empty where there is nothing to do.
    detail : dict
        More numbers, as JSON can hold them: per modulus, the worst pairs.
    """

    check: str
    title: str
    verdict: Verdict
    says: str
    value: float | None = None
    what: str = ""
    interval: tuple[float, float] | None = None
    p: float | None = None
    threshold: str = ""
    remedy: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The finding as JSON holds it."""
        return {
            "check": self.check,
            "title": self.title,
            "verdict": self.verdict,
            "value": self.value,
            "what": self.what,
            "interval": None if self.interval is None else list(self.interval),
            "p": self.p,
            "threshold": self.threshold,
            "says": self.says,
            "remedy": self.remedy,
            "detail": self.detail,
        }


def worst(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict: leak before look before fine; ``skipped`` where nothing was checked."""
    return max((finding.verdict for finding in findings), key=_RANK.__getitem__, default="skipped")


def worse(one: Verdict, other: Verdict) -> bool:
    """Whether one verdict is worse than another."""
    return _RANK[one] > _RANK[other]
