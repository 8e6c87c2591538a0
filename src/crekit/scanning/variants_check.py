"""Checking a VCF against the genome before anything is scored: order, chromosomes, positions, REF."""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from crekit.errors import InputError
from crekit.genome.chromosomes import require_known
from crekit.genome.fasta import Genome, N, encode
from crekit.scanning.variants_alleles import unscorable
from crekit.scanning.variants_annotate import Fields
from crekit.scanning.variants_vcf import Variants, place

if TYPE_CHECKING:
    from pysam import VariantRecord


@dataclass
class Checked:
    """What is known of a file that was read once.

    Parameters
    ----------
    n_records : int
    chroms : list of str
        Those with alleles to score, in the order of the file.
    mismatches : set of int
        Which records have a REF that the genome does not, counted from 0.
    sha256 : str
        Checksum of header and records as text: the same for VCF and BCF.
    """

    n_records: int = 0
    chroms: list[str] = field(default_factory=list)
    mismatches: set[int] = field(default_factory=set)
    sha256: str = ""


def check(variants: Variants, genome: Genome, fields: Fields, *, skip_mismatches: bool = False) -> Checked:
    """Read a whole file and check it. One chromosome of the genome is in memory.

    Records without an allele that can be scored need only stand in order: those of structural variants may name
    chromosomes that the genome lacks.

    Raises
    ------
    InputError
        If the file is not sorted, has the fields already, names chromosomes or positions that the genome lacks, or a
        REF that differs (unless `skip_mismatches`).
    """
    checked, digest = Checked(), hashlib.sha256()
    order, first = _Order(variants.name), ""
    codes = np.empty(0, dtype=np.uint8)
    with variants.records() as (header, records):
        fields.require_new(header, variants.name)
        lengths = {name: header.contigs[name].length for name in header.contigs}
        digest.update(str(header).encode())
        for record in records:
            digest.update(str(record).encode())
            order.follow(record)
            chrom = str(record.contig)
            if not all(map(unscorable, record.alts or ())):
                if checked.chroms[-1:] != [chrom]:
                    _require_same(variants.name, chrom, lengths.get(chrom), genome)
                    checked.chroms.append(chrom)
                    codes = genome.codes(chrom)
                there = _there(variants.name, record, codes)
                if there:
                    checked.mismatches.add(checked.n_records)
                    first = (
                        first
                        or f"{place(record)}: REF is {_shown(record.ref or '')}, but {genome.path} has {_shown(there)}"
                    )
            checked.n_records += 1
    if checked.mismatches and not skip_mismatches:
        raise InputError(
            f"{variants.name}, record {first} there ({len(checked.mismatches)} of {checked.n_records} records differ); "
            "use the genome build of the file, or keep such records without scores by --skip-mismatches"
        )
    checked.sha256 = digest.hexdigest()
    return checked


class _Order:
    """Sees to it that records come sorted: chromosome by chromosome, positions ascending."""

    def __init__(self, name: str) -> None:
        self._name, self._seen = name, set[str]()
        self._chrom, self._start = "", -1

    def follow(self, record: "VariantRecord") -> None:
        if record.contig != self._chrom:
            again = record.contig in self._seen
            self._chrom = str(record.contig)
            self._seen.add(self._chrom)
        else:
            again = record.start < self._start
        self._start = record.start
        if again:
            raise InputError(f"{self._name}, record {place(record)}: not in order; sort the file: bcftools sort")


def _require_same(name: str, chrom: str, length: int | None, genome: Genome) -> None:
    """That the genome has a chromosome, as long as the header says."""
    require_known([chrom], name, genome.sizes, str(genome.path), strangers=True)
    if chrom not in genome.sizes:
        raise InputError(
            f"{name}: chromosome {chrom} is not in {genome.path}; remove its records: bcftools view -t ^{chrom}"
        )
    if length and length != genome.sizes[chrom]:
        raise InputError(
            f"{name}: its header gives {chrom} {length} bases, {genome.path} has {genome.sizes[chrom]}; "
            "use the genome build of the file"
        )


def _there(name: str, record: "VariantRecord", codes: np.ndarray) -> str:
    """What the genome has where it differs from REF; empty where they agree, as unknown bases do with any."""
    start, ref = record.start, str(record.ref)
    if start < 0 or start + len(ref) > len(codes):
        raise InputError(
            f"{name}, record {place(record)}: REF lies outside {record.contig}, which has {len(codes)} bases; "
            "use the genome build of the file"
        )
    there = codes[start : start + len(ref)]
    same = (there == encode(ref, f"{name}, record {place(record)}, REF")) | (there == N)
    return "" if same.all() else np.frombuffer(b"ACGTN", dtype=np.uint8)[there].tobytes().decode()


def _shown(bases: str) -> str:
    """An allele for a message."""
    return bases if len(bases) <= 20 else f"{bases[:20]}..."
