"""From regions of a genome, or records of FASTA files, to a sequence store."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crekit import progress
from crekit.encoding import store
from crekit.encoding.cut import AMBIGUOUS_BASES, REASONS, TOO_SHORT, Cut, cut_records, cut_regions
from crekit.encoding.encoders import Encoders
from crekit.encoding.windows import AMBIGUOUS, SHORT, Rule, match_numbers
from crekit.errors import InputError
from crekit.files import STDIO, require_writable
from crekit.genome.chromosomes import natural_key
from crekit.genome.fasta import Genome, N, read_records
from crekit.genome.regions import read_beds
from crekit.provenance import Input, record

log = logging.getLogger("crekit")

Named = tuple[str | None, Path]
_BATCH = 256


@dataclass(frozen=True)
class Encodings:
    """What models shall read of the windows besides their bases.

    Parameters
    ----------
    encoders : Encoders
    inputs : tuple of Input
        The files that they came from.
    store : bool
        Whether the encodings of every window are written, instead of being computed where they are needed.
    """

    encoders: Encoders = field(default_factory=Encoders)
    inputs: tuple[Input, ...] = ()
    store: bool = False


NO_ENCODINGS = Encodings()


def check(rule: Rule) -> None:
    """Check a rule before the work.

    Raises
    ------
    InputError
    """
    if rule.short not in SHORT:
        raise InputError(f"--short {rule.short}: choose one of {', '.join(SHORT)}")
    if rule.ambiguous not in AMBIGUOUS:
        raise InputError(f"--ambiguous {rule.ambiguous}: choose {' or '.join(AMBIGUOUS)}")
    if rule.width < 0 or rule.stride < 1:
        raise InputError(
            f"--window {rule.width} --stride {rule.stride}: give a width, or 0, and a stride of at least 1"
        )


def encode_regions(
    files: Sequence[Named], genome: str | Path, output: str | Path, rule: Rule, encodings: Encodings = NO_ENCODINGS
) -> dict[str, Any]:
    """Encode regions of a genome, chromosome by chromosome.

    Parameters
    ----------
    files : sequence of (str or None, path)
        Class (or None: it stands in column 4) and BED.
    genome : path
    output : path
    rule : Rule
    encodings : Encodings

    Returns
    -------
    summary : dict
        Class -> regions, windows, scored windows and dropped regions.

    Raises
    ------
    InputError
        If an input is wrong, or no region is left.
    """
    require_writable(output)
    check(rule)
    with Genome(genome) as opened:
        regions, checksums = read_beds(files, sizes=opened.sizes, sizes_source=str(genome))
        regions = regions.sorted()
        classes = sorted(set(regions.name))
        tally = _Tally(rule, classes, encodings)
        with store.create(output, rule, store.GENOME, classes) as writer:
            for chrom in progress.steps(sorted(set(regions.chrom), key=natural_key), "encoding"):
                here = regions[regions.chrom == chrom]
                tally.add(writer, cut_regions(here, opened.codes(chrom), rule))
            named = sorted((name or "", one) for (name, _), one in zip(files, checksums, strict=True))
            inputs = [Input("regions", name, one) for name, one in named] + [Input("genome", "", opened.sha256())]
            return tally.finish(writer, opened.sizes, inputs)


def encode_records(
    files: Sequence[Named], output: str | Path, rule: Rule, encodings: Encodings = NO_ENCODINGS
) -> dict[str, Any]:
    """Encode records of FASTA files, class by class; see `encode_regions`.

    Raises
    ------
    InputError
        If a file is wrong or has no class, if a record's name stands there twice, or if a record is shorter than the
        window and the rule needs what is around it.
    """
    require_writable(output)
    check(rule)
    for name, path in files:
        if not name:
            raise InputError(f"{path}: has no class; give --fasta CLASS=FILE")
    if sum(str(path) == STDIO for _, path in files) > 1:
        raise InputError(f"--fasta {STDIO}: standard input can be read only once; name files for the rest")
    classes = sorted({str(name) for name, _ in files})
    tally = _Tally(rule, classes, encodings)
    inputs: list[Input] = []
    seen: dict[str, Path] = {}
    with store.create(output, rule, store.FASTA, classes) as writer:
        for one in progress.steps(classes, "encoding"):
            # By their contents, so that the order in which the files of a class are named does not matter.
            loaded = sorted((_load(path, rule, seen) for name, path in files if name == one), key=lambda file: file[0])
            inputs += [Input("sequences", one, digest) for digest, _ in loaded]
            records = {name: codes for _, part in loaded for name, codes in part.items()}
            tally.add(writer, cut_records(list(records), list(records.values()), one, rule))
        return tally.finish(writer, {}, inputs)


def _load(path: Path, rule: Rule, seen: dict[str, Path]) -> tuple[str, dict[str, np.ndarray]]:
    """Checksum and records of a FASTA; `seen` are the names so far, in all files."""
    digest, records = hashlib.sha256(), {}
    for name, codes in read_records(path):
        digest.update(f">{name}\n".encode() + codes.tobytes() + b"\n")
        if name in seen:
            raise InputError(f"{path}, record {name}: stands in {seen[name]} too; rename or remove one")
        if len(codes) < rule.width and rule.short in {"contain", "overlap"}:
            raise InputError(
                f"{path}, record {name}: {len(codes)} bases are shorter than the window of {rule.width}, "
                "and a record has nothing around it; give --short pad or drop"
            )
        records[name] = codes
    seen.update(dict.fromkeys(records, path))
    return digest.hexdigest(), records


def _windows(part: store.Part, width: int) -> Iterator[np.ndarray]:
    """Windows of a part, some at a time, shape (n, width), uint8; whole regions are filled up with N on the right."""
    codes = np.concatenate([*part.codes, np.zeros(0, dtype=np.uint8)])
    span = np.cumsum([0, *(len(one) for one in part.codes)])
    starts = np.repeat(span[:-1], part.windows) + part.window_start
    lengths = np.full(len(starts), width) if width else np.diff(span)
    for first in range(0, len(starts), _BATCH):
        start, length = starts[first : first + _BATCH], lengths[first : first + _BATCH]
        place = np.arange(length.max())
        inside = place < length[:, None]
        cut = np.full(inside.shape, N, dtype=np.uint8)
        cut[inside] = codes[(start[:, None] + place)[inside]]
        yield cut


def _described(encoders: Encoders) -> dict[str, Any]:
    """The encoders' settings for the record; names of motifs follow from their file."""
    return {
        name: {key: value for key, value in facts.items() if key != "names"} for name, facts in encoders.facts().items()
    }


class _Tally:
    """What was kept and dropped so far, class by class."""

    def __init__(self, rule: Rule, classes: list[str], encodings: Encodings) -> None:
        self._rule, self._classes, self._encodings = rule, classes, encodings
        self._dropped: Counter[tuple[str, str]] = Counter()
        self._n_ambiguous = 0
        self._windows: list[np.ndarray] = []
        self._names: list[np.ndarray] = []

    def add(self, writer: store.Writer, cut: Cut) -> None:
        writer.add(cut.part)
        if self._encodings.store:
            for codes in _windows(cut.part, self._rule.width):
                writer.store_encodings(self._encodings.encoders.encode(codes))
        self._dropped += cut.dropped
        self._n_ambiguous += cut.n_ambiguous
        self._windows.append(cut.part.windows)
        self._names.append(cut.part.regions.name)

    def finish(self, writer: store.Writer, sizes: Mapping[str, int], inputs: list[Input]) -> dict[str, Any]:
        """Match the numbers of windows between classes, say what was done, and write what is known of it."""
        windows, names = np.concatenate(self._windows), np.concatenate(self._names)
        if not len(windows):
            raise InputError(self._nothing())
        position = {name: i for i, name in enumerate(self._classes)}
        scored = match_numbers(windows, np.array([position[name] for name in names]))
        summary = {name: self._summary(name, windows, scored, names == name) for name in self._classes}
        dropped = {
            reason: {name: self._dropped[reason, name] for name in self._classes if self._dropped[reason, name]}
            for reason in REASONS
        }
        dropped = {reason: found for reason, found in dropped.items() if found}
        self._say(summary, dropped)
        encoders = self._encodings.encoders
        if encoders:
            writer.keep(encoders)
        made = record("encode-seq", {**asdict(self._rule), **_described(encoders)}, [*inputs, *self._encodings.inputs])
        writer.finish(scored, {"sizes": dict(sizes), "dropped": dropped, "record": made})
        return summary

    def _summary(self, name: str, windows: np.ndarray, scored: np.ndarray, mine: np.ndarray) -> dict[str, int]:
        dropped = sum(number for (_, of_class), number in self._dropped.items() if of_class == name)
        return {
            "regions": int(mine.sum()),
            "windows": int(windows[mine].sum()),
            "scored": int(scored[mine].sum()),
            "dropped": dropped,
        }

    def _nothing(self) -> str:
        """Why no region gives a window, and what helps."""
        reasons = Counter[str]()
        for (reason, _), number in self._dropped.items():
            reasons[reason] += number
        if set(reasons) == {TOO_SHORT}:
            return (
                f"--window {self._rule.width}: longer than every region; give a narrower one, or --short contain or pad"
            )
        found = ", ".join(f"{reasons[reason]} {reason}" for reason in REASONS if reasons[reason])
        remedy = "give --ambiguous zero" if reasons[AMBIGUOUS_BASES] else "give a narrower --window, or --short pad"
        return f"no region gives a window ({found}); {remedy}"

    def _say(self, summary: dict[str, dict[str, int]], dropped: dict[str, dict[str, int]]) -> None:
        for name, one in summary.items():
            log.info(
                "%s: %d regions, %d windows, of which %d are scored; %d dropped",
                name, one["regions"], one["windows"], one["scored"], one["dropped"],
            )  # fmt: skip
        for reason, found in dropped.items():
            log.info("dropped (%s): %s", reason, ", ".join(f"{number} {name}" for name, number in found.items()))
        if self._n_ambiguous:
            log.info("left out: %d windows with ambiguous bases", self._n_ambiguous)
        for name, one in summary.items():
            if not one["regions"]:
                log.warning("warning: %s: none of its regions gives a window", name)
