"""Known transcription start sites and positive markers, as a scan reads them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crekit.errors import InputError
from crekit.files import called, read_text, sha256_text
from crekit.genome.chromosomes import natural_key, require_known
from crekit.genome.regions import Regions, parse_bed
from crekit.labels.evidence import five_prime, gtf_starts, is_gtf

log = logging.getLogger("crekit")


@dataclass(frozen=True)
class Annotation:
    """Regions of a file, and the checksum of its contents.

    Parameters
    ----------
    regions : Regions
    sha256 : str
    """

    regions: Regions
    sha256: str


def read_tss(path: str | Path, sizes: Mapping[str, int], source: str = "the tracks") -> Annotation:
    """Transcription start sites of a BED or GTF file, one base each, as define-regions takes them.

    A BED record wider than a base stands for its 5' end, or for its middle where it has no strand. `source` is what to
    call the holder of the sizes in messages.

    Raises
    ------
    InputError
        See `read_markers`.
    """
    text = read_text(path)
    if is_gtf(text):
        regions = _parse(gtf_starts(text, called(path)), called(path), sizes, source)
    else:
        regions = five_prime(_parse(text, called(path), sizes, source), text, called(path))
    middle = regions.midpoint
    return Annotation(Regions(regions.chrom, middle, middle + 1, regions.name), sha256_text(text))


def read_markers(path: str | Path, sizes: Mapping[str, int], source: str = "the tracks") -> Annotation:
    """Positive markers of a BED file.

    `source` is as in `read_tss`. Records on chromosomes that `sizes` lacks are kept and do no harm: tracks often
    hold a part of the genome.

    Raises
    ------
    InputError
        If the file cannot be read, a record is wrong or past the end of its chromosome, or no chromosome is in `sizes`.
    """
    text = read_text(path)
    return Annotation(_parse(text, called(path), sizes, source), sha256_text(text))


def _parse(text: str, path: str, sizes: Mapping[str, int], source: str) -> Regions:
    regions = parse_bed(text, path, unique=False, named=False, name="")
    chroms = sorted(set(regions.chrom), key=natural_key)
    if not any(chrom in sizes for chrom in chroms):
        require_known(chroms, path, sizes, source)
    for chrom in chroms:
        if chrom in sizes and (end := int(regions.end[regions.chrom == chrom].max())) > sizes[chrom]:
            raise InputError(
                f"{path}: a record ends at {chrom}:{end}, past the chromosome ({sizes[chrom]} bases in {source}); "
                "use the same genome build for all files"
            )
    return regions
