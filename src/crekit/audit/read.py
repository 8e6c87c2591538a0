"""The sequences to audit: from FASTA files, regions of a genome, or a sequence file.

Coordinates are 0-based and half-open. What stands in the data twice is read twice: to find it is the audit's work.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from crekit.audit.sample import TEST, TRAIN, Sample
from crekit.encoding.cut import cut_records
from crekit.encoding.store import FASTA, GENOME, Sequences
from crekit.encoding.windows import Rule
from crekit.errors import InputError
from crekit.files import STDIO
from crekit.genome.fasta import Genome, read_records
from crekit.genome.regions import Regions, concatenate, read_bed
from crekit.provenance import Input

Named = tuple[str | None, Path]

WHOLE = Rule(0, 2, "pad", "zero")
"""How records and regions are read, and written to a cleaned set: whole, whatever their length, N kept."""


@dataclass(frozen=True)
class Loaded:
    """Sequences to audit, and what is known of them.

    Parameters
    ----------
    sample : Sample
        Parts are 0, or 2 for sequences of test files; its ids are unlike each other.
    places : Regions
        Where each lies, with its class; a record that does not say has no chromosome and starts at 0.
    names : np.ndarray, shape (n,), object
        What each is called in its file, where two may share a name.
    held : np.ndarray, shape (n,), bool
        Which sequences come from test files.
    source : str
        ``genome`` or ``fasta``.
    inputs : list of Input
    sizes : dict of str to int
        Chromosomes of the genome; empty for records.
    store : Sequences, optional
        The sequence file that they come from, in the same order.
    """

    sample: Sample
    places: Regions
    names: np.ndarray
    held: np.ndarray
    source: str
    inputs: list[Input]
    sizes: dict[str, int] = field(default_factory=dict)
    store: Sequences | None = None

    @property
    def hides_length(self) -> int:
        """Bases of the windows that a model is shown, if those do not show how long a sequence is; else 0."""
        return 0 if self.store is None else hides_length(self.store)

    def with_parts(self, part: np.ndarray, fold: np.ndarray | None = None) -> "Loaded":
        """The same sequences with another split."""
        return replace(self, sample=replace(self.sample, part=part.astype(np.int8), fold=fold))


def read_fasta(files: Sequence[Named], test: Sequence[Named] = ()) -> Loaded:
    """Records of FASTA files, class by class, those of test files last.

    Parameters
    ----------
    files, test : sequence of (str or None, path)
        Class and FASTA (plain, gzip, or ``-`` once).

    Raises
    ------
    InputError
        If a file is wrong or has no class, or a class of the test is not in the training data.
    """
    _require_classes([*files], [*test], "--fasta")
    if sum(str(path) == STDIO for _, path in [*files, *test]) > 1:
        raise InputError(f"--fasta {STDIO}: standard input can be read only once; name files for the rest")
    parts: list[tuple[np.ndarray, list[np.ndarray], Regions]] = []
    held: list[np.ndarray] = []
    inputs: list[Input] = []
    for role, some in (("sequences", files), ("test", test)):
        for one in sorted({str(name) for name, _ in some}):
            # By their contents, so that the order in which the files of a class are named does not matter.
            loaded = sorted((_records(path) for name, path in some if name == one), key=lambda file: file[0])
            inputs += [Input(role, one, digest) for digest, _, _ in loaded]
            names = [name for _, part, _ in loaded for name in part]
            cut = cut_records(names, [codes for _, _, part in loaded for codes in part], one, WHOLE).part
            parts.append((cut.ids, list(cut.codes), cut.regions))
            held.append(np.full(len(names), role == "test"))
    ids, codes, places = (list(column) for column in zip(*parts, strict=True))
    dna = list(itertools.chain.from_iterable(codes))
    return _loaded(np.concatenate(ids), dna, concatenate(places), np.concatenate(held), FASTA, inputs)


def _records(path: Path) -> tuple[str, list[str], list[np.ndarray]]:
    """Checksum, names and codes of the records of a FASTA."""
    digest = hashlib.sha256()
    names, codes = [], []
    for name, one in read_records(path):
        digest.update(f">{name}\n".encode() + one.tobytes() + b"\n")
        names.append(name)
        codes.append(one)
    return digest.hexdigest(), names, codes


def read_regions(files: Sequence[Named], genome: str | Path, test: Sequence[Named] = ()) -> Loaded:
    """Regions of a genome by chromosome, start and end, those of test files last.

    Parameters
    ----------
    files, test : sequence of (str or None, path)
        Class (or None: it stands in column 4) and BED.
    genome : path
        FASTA, plain or bgzip.

    Raises
    ------
    InputError
        If a file is wrong, or a class of the test is not in the training data.
    """
    with Genome(genome) as opened:
        sets, inputs = [], []
        for role, some in (("regions", files), ("test", test)):
            read = [
                (name, *read_bed(path, name=name, sizes=opened.sizes, sizes_source=str(genome), unique=False))
                for name, path in some
            ]
            sets.append(concatenate(one for _, one, _ in read).sorted())
            inputs += [Input(role, *pair) for pair in sorted((name or "", checksum) for name, _, checksum in read)]
        _require_known(sets[1].name, sets[0].name, "--regions")
        places = concatenate(sets)
        codes: list[np.ndarray] = [np.zeros(0, dtype=np.uint8)] * len(places)
        for chrom in sorted(set(places.chrom)):
            dna = opened.codes(chrom)
            for i in np.flatnonzero(places.chrom == chrom):
                codes[i] = dna[places.start[i] : places.end[i]].copy()
        inputs.append(Input("genome", "", opened.sha256()))
        held = np.arange(len(places)) >= len(sets[0])
        return _loaded(places.ids, codes, places, held, GENOME, inputs, sizes=opened.sizes)


def read_store(path: str | Path) -> Loaded:
    """The spans of a sequence file, without the N that short regions were padded with; its split, if it has one.

    Raises
    ------
    InputError
        If the file is wrong.
    """
    store = Sequences(path)
    codes = spans(store)
    inputs = [Input("sequences", "", store.sha256())]
    held = np.zeros(len(store), dtype=bool)
    loaded = _loaded(store.ids, codes, store.regions, held, store.source, inputs, store.sizes, store)
    return loaded if store.split is None else loaded.with_parts(store.split)


def spans(store: Sequences) -> list[np.ndarray]:
    """The DNA that the windows of each region cover, without the N that short regions were padded with; uint8."""
    padded = _padded(store)
    first = np.where(padded, store.regions.start - store.span_start, 0)
    last = np.where(padded, store.regions.end - store.span_start, np.iinfo(np.int32).max)
    return [store.codes(i)[first[i] : last[i]] for i in range(len(store))]


def hides_length(store: Sequences) -> int:
    """Bases of the windows of a sequence file, if those do not show how long a region is; else 0."""
    return 0 if _padded(store).any() else store.window


def _padded(store: Sequences) -> np.ndarray:
    """Which regions stand in the middle of N, shape (n,), bool."""
    length = store.regions.end - store.regions.start
    return (length < store.window) & (store.rule.short == "pad")


def _loaded(
    names: np.ndarray,
    codes: list[np.ndarray],
    places: Regions,
    held: np.ndarray,
    source: str,
    inputs: list[Input],
    sizes: dict[str, int] | None = None,
    store: Sequences | None = None,
) -> Loaded:
    part = np.where(held, TEST, TRAIN).astype(np.int8)
    placed = places if all(places.chrom) else None
    sample = Sample(distinct(names, places.name, held), codes, places.name, part, None, placed)
    return Loaded(sample, places, names, held, source, inputs, sizes or {}, store)


def distinct(names: np.ndarray, classes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Names that no two sequences share: where several have one, the class, test and a number are added."""
    ids = names.copy()
    for prefixes in (classes, np.where(held, "test", "train").astype(object)):
        shared = _shared(ids)
        ids[shared] = [f"{one}:{name}" for one, name in zip(prefixes[shared], ids[shared], strict=True)]
    seen: dict[str, int] = {}
    for i in np.flatnonzero(_shared(ids)):
        seen[ids[i]] = seen.get(ids[i], 0) + 1
        ids[i] = f"{ids[i]}:{seen[ids[i]]}"
    return ids


def _shared(ids: np.ndarray) -> np.ndarray:
    _, position, number = np.unique(ids.astype(str), return_inverse=True, return_counts=True)
    return number[position] > 1


def _require_classes(files: Sequence[Named], test: Sequence[Named], option: str) -> None:
    for flag, some in ((option, files), ("--test", test)):
        for name, path in some:
            if not name:
                raise InputError(f"{path}: has no class; give {flag} CLASS=FILE")
    _require_known([str(name) for name, _ in test], [str(name) for name, _ in files], option)


def _require_known(test: Sequence[str] | np.ndarray, known: Sequence[str] | np.ndarray, option: str) -> None:
    """Check that the test has no class of its own."""
    for name in sorted(set(test) - set(known)):
        raise InputError(f"--test: class {name} is in no {option}, only {', '.join(sorted(set(known)))}; rename it")
