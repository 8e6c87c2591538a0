"""How far long work has come: the library reports, whoever called it decides what is shown.

``for chrom in progress.steps(chroms, "scanning"):`` costs nothing by default. A tool installs a bar with `use`.
"""

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
Reporter = Callable[[Iterable, str, int | None], Iterable]

_reporter: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


@contextmanager
def use(reporter: Reporter) -> Iterator[None]:
    """Show the progress of all work inside the block with `reporter` (items, what is done, how many) -> items."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


def steps(items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
    """The items, reported as they are taken.

    Parameters
    ----------
    items : iterable
    what : str
        What is being done, in a word or two: "counting".
    total : int, optional
        How many there are, where `items` has no length.
    """
    reporter = _reporter.get()
    if reporter is None:
        return items
    if total is None and isinstance(items, Sized):
        total = len(items)
    return reporter(items, what, total)
