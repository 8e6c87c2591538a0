"""k-mer vectors by dna2vec's recipe: a skip-gram model (word2vec, in gensim) over the k-mers of a genome."""

import logging
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crekit import progress
from crekit.encoding.fragments import Recipe, count, sentences
from crekit.errors import InputError

log = logging.getLogger("crekit")

LARGEST_K = 8  # dna2vec's; to find the neighbours of longer ones would take hours


@dataclass(frozen=True)
class Settings:
    """What decides the vectors, beside the genome.

    Parameters
    ----------
    recipe : Recipe
        How the genome is cut into k-mers.
    dimension : int
        Numbers of a vector.
    window : int
        k-mers before and after one that are its context; the number is drawn from 1 to this each time.
    min_count : int
        Of each k-mer, in all epochs; fewer are an error.
    workers : int
        Threads of gensim. With more than one, the bytes differ from run to run.
    """

    recipe: Recipe = field(default_factory=Recipe)
    dimension: int = 100
    window: int = 10
    min_count: int = 5
    workers: int = 1

    def check(self) -> None:
        """Raise `InputError` for values that cannot be."""
        low, high = self.recipe.low, self.recipe.high
        if not 1 <= low <= high <= LARGEST_K:
            raise InputError(f"--k {low}-{high}: give lengths from 1 to {LARGEST_K}, the shorter one first")
        for name in ("dimension", "window", "min_count", "workers"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')} {getattr(self, name)}: give 1 or more")
        if self.recipe.epochs < 1:
            raise InputError(f"--epochs {self.recipe.epochs}: give 1 or more")


def parse_lengths(text: str) -> tuple[int, int]:
    """Shortest and longest k of ``3-8`` or ``3``.

    Raises
    ------
    InputError
    """
    found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", text)
    if found is None:
        raise InputError(f"--k {text}: give a length or a range, such as 3-8")
    return int(found[1]), int(found[2] or found[1])


def train(genome: Path, settings: Settings, chroms: Sequence[str] | None = None) -> tuple[dict[int, np.ndarray], int]:
    """Train vectors of all k-mers.

    Parameters
    ----------
    genome : path
        FASTA: plain, gzip or bgzip.
    settings : Settings
    chroms : sequence of str, optional
        The records to take; all, if not given.

    Returns
    -------
    vectors : dict of int to np.ndarray, shape (4^k, dimension), float32
        k -> vectors, by the k-mer's number.
    n_words : int
        k-mers in all epochs together.

    Raises
    ------
    InputError
        If the genome cannot be read, or lacks a k-mer.

    References
    ----------
    dna2vec: Ng (2017), arXiv:1701.06279. word2vec's other settings are gensim's, as there: 5 negative samples, learning
    rate falling from 0.025, frequent k-mers thinned out at 0.001.
    """
    settings.check()
    recipe = settings.recipe
    texts = np.array(recipe.texts(), dtype=object)
    counts, n = count(genome, recipe, chroms)
    require_all(counts, texts, settings.min_count, genome)
    log.info("training on %d k-mers of %d to %d bases, in %d stretches", counts.sum(), recipe.low, recipe.high, n)
    if settings.workers > 1:
        log.warning(
            "warning: with %d workers, the order of learning depends on chance, so that another run gives other bytes; "
            "--workers 1 gives the same",
            settings.workers,
        )
    with _quiet("gensim"):
        corpus = _Corpus(progress.steps(sentences(genome, recipe, chroms), "training", n), texts)
        model = _model(settings, dict(zip(texts, counts.tolist(), strict=True)), n)
        model.train(corpus, total_examples=n, epochs=1)
    if corpus.error is not None:
        raise corpus.error
    vectors = {}
    for k in recipe.lengths:
        of = texts[recipe.first(k) : recipe.first(k + 1)]
        vectors[k] = model.wv.vectors[[model.wv.key_to_index[text] for text in of]]
    return vectors, int(counts.sum())


def _model(settings: Settings, counts: dict[str, int], n_sentences: int) -> Any:
    from gensim.models import Word2Vec

    # An own hash, since Python's differs from run to run.
    model = Word2Vec(
        vector_size=settings.dimension, window=settings.window, min_count=settings.min_count, sg=1, epochs=1,
        seed=settings.recipe.seed, workers=settings.workers, hashfxn=lambda text: zlib.crc32(text.encode()),
    )  # fmt: skip
    model.build_vocab_from_freq(counts, corpus_count=n_sentences)
    return model


def require_all(counts: np.ndarray, texts: np.ndarray, least: int, genome: Path) -> None:
    """Check that every k-mer comes often enough.

    Raises
    ------
    InputError
        Naming one that does not.
    """
    rare = np.flatnonzero(counts < least)
    if len(rare):
        first = rare[0]
        raise InputError(
            f"{genome}: too small for {len(texts[rare[-1]])}-mers: {len(rare)} k-mers, {texts[first]} among them, come "
            f"less than {least} times; give a larger FASTA, a smaller --k or --min-count, or more --epochs"
        )


class _Corpus:
    """Sentences of k-mers as text, for gensim, whose reading thread must not fail: it would wait for ever."""

    def __init__(self, ids: Iterable[np.ndarray], texts: np.ndarray) -> None:
        self._ids, self._texts = ids, texts
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[list[str]]:
        try:
            for one in self._ids:
                yield self._texts[one].tolist()
        except Exception as error:
            self.error = error


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Without what another library logs: it speaks of its own options."""
    other = logging.getLogger(name)
    level = other.level
    other.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        other.setLevel(level)
