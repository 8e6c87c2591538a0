"""Known transcription start sites and positive markers, as a scan reads them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crekit.errors import InputError
from crekit.files import read_text, sha256_text
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


def read_tss(path: str | Path, sizes: Mapping[str, int]) -> Annotation:
    """Transcription start sites of a BED or GTF file, one base each, as define-regions takes them.

    A BED record wider than a base stands for its 5' end, or for its middle where it has no strand.

    Raises
    ------
    InputError
        See `read_markers`.
    """
    text = read_text(path)
    if is_gtf(text):
        regions = _parse(gtf_starts(text, str(path)), str(path), sizes)
    else:
        regions = five_prime(_parse(text, str(path), sizes), text, str(path))
    middle = regions.midpoint
    return Annotation(Regions(regions.chrom, middle, middle + 1, regions.name), sha256_text(text))


def read_markers(path: str | Path, sizes: Mapping[str, int]) -> Annotation:
    """Positive markers of a BED file.

    Records on chromosomes that `sizes` lacks are kept and do no harm: tracks often hold a part of the genome.

    Raises
    ------
    InputError
        If the file cannot be read, a record is wrong or past the end of its chromosome, or no chromosome is in `sizes`.
    """
    text = read_text(path)
    return Annotation(_parse(text, str(path), sizes), sha256_text(text))


def _parse(text: str, source: str, sizes: Mapping[str, int]) -> Regions:
    regions = parse_bed(text, source, unique=False, named=False, name="")
    chroms = sorted(set(regions.chrom), key=natural_key)
    if not any(chrom in sizes for chrom in chroms):
        require_known(chroms, source, sizes, "the tracks")
    for chrom in chroms:
        if chrom in sizes and (end := int(regions.end[regions.chrom == chrom].max())) > sizes[chrom]:
            raise InputError(
                f"{source}: a record ends at {chrom}:{end}, past the chromosome ({sizes[chrom]} bases in the tracks); "
                "use the same genome build for all files"
            )
    return regions
