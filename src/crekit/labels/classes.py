"""The names of classes: which is background, which are enhancers, and in which order they stand."""

from collections.abc import Iterable, Sequence

BACKGROUND = "background"
ORDER = (
    BACKGROUND,
    "poised_enhancer",
    "active_enhancer",
    "enhancer",
    "poised_promoter",
    "active_promoter",
    "promoter",
)


def order_classes(names: Iterable[str]) -> list[str]:
    """Names in DeepRegFinder's order, background first; those that it does not know come last, by the alphabet."""
    return sorted(set(names), key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def background_index(classes: Sequence[str]) -> int | None:
    """Position of the class called background, or None."""
    return list(classes).index(BACKGROUND) if BACKGROUND in classes else None


def is_enhancer(name: str) -> bool:
    """Whether a class is one of enhancers: active, poised or both."""
    return "enhancer" in name
