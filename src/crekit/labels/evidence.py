"""What elements are defined from: transcription start sites (TSS) and lists of peaks, read and checked.

Everything is held against the chromosome sizes. Where chromosomes are chosen, records on others are passed over
unread, so that a chromosome that the sizes lack does no harm there.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from crekit.errors import InputError
from crekit.files import called, read_text, sha256_text
from crekit.genome.chromosomes import natural_key, read_sizes, require_known, select
from crekit.genome.regions import Regions, make, parse_bed
from crekit.provenance import Input

log = logging.getLogger("crekit")

_SKIPPED = ("#", "track", "browser")


@dataclass(frozen=True)
class Evidence:
    """All that promoters, enhancers and background follow from.

    Parameters
    ----------
    sizes : dict of str to int
        Bases of each chromosome that is looked at.
    tiled : tuple of str
        Chromosomes that background may come from.
    tss : Regions
        Transcription start sites, all of them, not merged.
    open, h3k4me3, blacklist : Regions
        Peaks of open chromatin (DNase or ATAC), of H3K4me3, and spans to leave out (may be empty).
    cofactors, tfbs : tuple of Regions
        Lists of cofactor peaks (p300, CBP, ...) and of other transcription factors' binding sites.
    inputs : tuple of Input
        What the record of the run says of the files.
    """

    sizes: dict[str, int]
    tiled: tuple[str, ...]
    tss: Regions
    open: Regions
    cofactors: tuple[Regions, ...]
    h3k4me3: Regions
    tfbs: tuple[Regions, ...] = ()
    blacklist: Regions = field(default_factory=lambda: make([], [], [], []))
    inputs: tuple[Input, ...] = ()


def read(
    *,
    tss: str | Path,
    open_peaks: str | Path,
    cofactors: Sequence[str | Path],
    h3k4me3: str | Path,
    sizes: str | Path,
    tfbs: Sequence[str | Path] = (),
    blacklist: str | Path | None = None,
    chroms: str | None = None,
) -> Evidence:
    """Read and check all files of a run.

    Parameters
    ----------
    tss : path
        BED or GTF, told apart by content. BED records wider than a base stand for their 5' end, GTF for that of each
        transcript.
    open_peaks, cofactors, h3k4me3, tfbs, blacklist : path or paths
        BED, narrowPeak or broadPeak, plain or gzip.
    sizes : path
        Two columns or a FASTA index.
    chroms : str, optional
        The chromosomes to look at, as `crekit.genome.chromosomes.select` reads them.

    Raises
    ------
    InputError
        If a file cannot be read, a record is wrong, unknown to `sizes` or past the end of its chromosome.
    """
    paths = [tss, open_peaks, *cofactors, h3k4me3, *tfbs, sizes]
    if sum(str(path) == "-" for path in paths) > 1:
        raise InputError("standard input (-) is given for more than one file; give paths for the others")
    known = read_sizes(sizes)
    chosen = select(chroms, known) if chroms is not None else sorted(known, key=natural_key)
    reader = _Reader(known, str(sizes), set(chosen) if chroms is not None else None)
    openness = reader.peaks(open_peaks, "open")
    # Without a choice, a chromosome without open chromatin was not assayed: all of it would pass for background.
    tiled = chosen if chroms is not None else [chrom for chrom in chosen if chrom in set(openness.chrom)]
    found = Evidence(
        sizes={chrom: known[chrom] for chrom in chosen},
        tiled=tuple(tiled),
        tss=reader.tss(tss),
        open=openness,
        cofactors=tuple(reader.peaks(path, "cofactor") for path in cofactors),
        h3k4me3=reader.peaks(h3k4me3, "h3k4me3"),
        tfbs=tuple(reader.peaks(path, "tfbs") for path in tfbs),
        blacklist=reader.peaks(blacklist, "blacklist") if blacklist is not None else make([], [], [], []),
    )
    inputs = sorted(reader.inputs, key=lambda one: (one.role, one.sha256))
    return replace(found, inputs=(*inputs, Input("sizes", "", sha256_text(_lines(known)))))


def _lines(sizes: Mapping[str, int]) -> str:
    return "".join(f"{chrom}\t{size}\n" for chrom, size in sizes.items())


class _Reader:
    """Reads files of one run and notes their checksums."""

    def __init__(self, sizes: Mapping[str, int], sizes_source: str, chosen: Collection[str] | None) -> None:
        self.sizes, self.sizes_source, self.chosen = sizes, sizes_source, chosen
        self.inputs: list[Input] = []

    def peaks(self, path: str | Path, role: str) -> Regions:
        return self._parse(self._text(path, role), called(path), needed=role == "open")

    def tss(self, path: str | Path) -> Regions:
        text = self._text(path, "tss")
        if is_gtf(text):
            return self._parse(gtf_starts(text, called(path)), called(path), needed=True)
        return five_prime(self._parse(text, called(path), needed=True), _only(text, self.chosen), called(path))

    def _text(self, path: str | Path, role: str) -> str:
        text = read_text(path)
        self.inputs.append(Input(role, "", sha256_text(text)))
        return text

    def _parse(self, text: str, source: str, needed: bool) -> Regions:
        kept = _only(text, self.chosen)
        if self.chosen is not None and text.strip() and not kept.strip():
            found = {line.split("\t", 1)[0] for line in text.splitlines() if not line.startswith(_SKIPPED)} - {""}
            require_known(sorted(found, key=natural_key)[:1], source, self.sizes, self.sizes_source)
            if needed:
                raise InputError(f"{source}: holds no record on the chosen chromosomes; choose others")
            log.warning("warning: %s holds no record on the chosen chromosomes", source)
            return make([], [], [], [])
        return parse_bed(
            kept, source, sizes=self.sizes, sizes_source=self.sizes_source, unique=False, named=False, name=""
        )


def _only(text: str, chosen: Collection[str] | None) -> str:
    """The text with the records of other chromosomes blanked, so that lines keep their numbers."""
    if chosen is None:
        return text
    return "\n".join(line if _wanted(line, chosen) else "" for line in text.splitlines())


def _wanted(line: str, chosen: Collection[str]) -> bool:
    # A line that is no record is kept for the parser, which says what is wrong with it.
    chrom, tab, _ = line.partition("\t")
    return not line.startswith(_SKIPPED) and (not tab or chrom in chosen)


def is_gtf(text: str) -> bool:
    """Whether the first record looks like GTF (or GFF): nine columns, coordinates in the fourth and fifth."""
    for line in text.splitlines():
        if line.strip() and not line.startswith(_SKIPPED):
            fields = line.split("\t")
            return (
                len(fields) == 9 and fields[3].isdigit() and fields[4].isdigit() and fields[6] in {"+", "-", ".", "?"}
            )
    return False


def gtf_starts(text: str, source: str) -> str:
    """The 5' end of each `transcript` of a GTF, as BED lines that keep their line numbers.

    GTF is 1-based and closed: a transcript at 101-200 begins at the BED span 100-101 on the plus strand, and at
    199-200 on the minus strand.

    Raises
    ------
    InputError
        If a transcript has no strand or no coordinates, or there is no transcript.
    """
    lines: list[str] = []
    found = False
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split("\t", 7) if "\ttranscript\t" in line and not line.startswith("#") else []
        if len(fields) < 8 or fields[2] != "transcript":
            lines.append("")
            continue
        chrom, first, last, strand = fields[0], fields[3], fields[4], fields[6]
        if strand not in {"+", "-"} or not first.isdigit() or not last.isdigit():
            raise InputError(
                f"{source}, line {number}: a transcript needs coordinates and a strand, not {first!r}, {last!r} and "
                f"{strand!r}; mend or remove it"
            )
        start = int(first) - 1 if strand == "+" else int(last) - 1
        lines.append(f"{chrom}\t{start}\t{start + 1}")
        found = True
    if not found:
        raise InputError(f"{source}: holds no 'transcript' features; give a GTF with transcripts, or a BED of TSS")
    return "\n".join(lines)


def five_prime(regions: Regions, text: str, source: str) -> Regions:
    """The 5' end, one base, of each BED record wider than a base that has a strand; all others as they are.

    Parameters
    ----------
    regions : Regions
        The records of `text`, in its order.
    text : str
        BED; the strand is in the sixth column.
    source : str
        What to call the text in messages.
    """
    wide = regions.end - regions.start > 1
    if not wide.any():
        return regions
    records = (line.split("\t") for line in text.splitlines() if line.strip() and not line.startswith(_SKIPPED))
    strand = np.array([fields[5].strip() if len(fields) > 5 else "." for fields in records])
    if (vague := int((wide & ~np.isin(strand, ["+", "-"])).sum())) > 0:
        log.warning(
            "warning: %s: %d records are wider than 1 base and have no strand; their middle stands for the TSS",
            source,
            vague,
        )
    start = np.where(wide & (strand == "-"), regions.end - 1, regions.start)
    end = np.where(wide & (strand == "+"), regions.start + 1, regions.end)
    return Regions(regions.chrom, start, end, regions.name)
