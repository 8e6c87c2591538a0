"""Databases of known motifs: files in MEME, JASPAR or HOMER format, and JASPAR CORE vertebrates by default."""

import hashlib
import io
from pathlib import Path

import numpy as np

from crekit.errors import InputError
from crekit.files import read_text, sha256_text
from crekit.motifs import meme
from crekit.motifs.pwm import Motif

_SITES = 20  # of formats that give probabilities only


def load(path: str | Path | None = None) -> tuple[str, str, list[Motif]]:
    """A database of motifs.

    Parameters
    ----------
    path : path, optional
        A file in MEME, JASPAR (counts) or HOMER (probabilities) format; None is JASPAR CORE vertebrates.

    Returns
    -------
    name : str
        What to call it: ``JASPAR2026 CORE vertebrates``, or ``own file``.
    sha256 : str
        Checksum of its contents.
    motifs : list of Motif

    Raises
    ------
    InputError
        If the file is of none of the formats or has a mistake, with its line.
    """
    if path is None:
        name, motifs = _jaspar()
        digest = hashlib.sha256()
        for motif in motifs:
            digest.update(f"{motif.name}\t{motif.alternative}\n".encode() + motif.matrix.tobytes())
        return name, digest.hexdigest(), motifs
    text = read_text(path)
    return "own file", sha256_text(text), parse(text, str(path))


def parse(text: str, source: str) -> list[Motif]:
    """Motifs of a text, its format told by its first line.

    Raises
    ------
    InputError
    """
    lines = text.strip().splitlines()
    if not lines:
        raise InputError(f"{source}: the file is empty; give motifs in MEME format")
    if any(line.startswith("MEME version") for line in lines):
        return meme.parse(text, source)
    second = lines[1].split() if len(lines) > 1 else []
    if lines[0].startswith(">") and second[:1] == ["A"]:
        return _of_jaspar(text, source)
    if lines[0].startswith(">"):
        return _of_homer(text, source)
    raise InputError(f"{source}, line 1: {lines[0][:40]!r} begins no MEME, JASPAR or HOMER file of motifs")


def _jaspar() -> tuple[str, list[Motif]]:
    """The newest JASPAR CORE of vertebrates that pyjaspar carries, the latest version of each motif.

    Its tables are read whole: `fetch_motifs` gives the same by ten thousand queries, in twenty times the time.
    """
    from pyjaspar import jaspardb

    base = jaspardb()
    query = base.conn.execute
    versions: dict[str, int] = dict(query("SELECT BASE_ID, max(VERSION) FROM MATRIX GROUP BY BASE_ID"))
    wanted = {
        number for (number,) in query("SELECT ID FROM MATRIX_ANNOTATION WHERE TAG='tax_group' AND VAL='vertebrates'")
    }
    names = {
        number: (f"{base_id}.{version}", name)
        for number, base_id, version, name in query(
            "SELECT ID, BASE_ID, VERSION, NAME FROM MATRIX WHERE COLLECTION='CORE' ORDER BY ID"
        )
        if number in wanted and version == versions[base_id]
    }
    counts: dict[int, list[float]] = {number: [] for number in names}
    for number, count in query("SELECT ID, val FROM MATRIX_DATA ORDER BY ID, col, row"):
        if number in counts:
            counts[number].append(count)
    motifs = []
    for number, (name, alternative) in names.items():
        table = np.array(counts[number]).reshape(-1, 4)
        sums = table.sum(axis=1, keepdims=True)
        motifs.append(Motif(name, alternative, table / sums, round(float(sums.max()))))
    return f"{base.release} CORE vertebrates", motifs


def _of_jaspar(text: str, source: str) -> list[Motif]:
    """Motifs of JASPAR's own format: ``>ID NAME`` and a line of counts for each base."""
    from Bio.motifs import jaspar

    try:
        motifs = [_of_bio(motif) for motif in jaspar.read(io.StringIO(text), "jaspar")]
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise InputError(f"{source}: a damaged JASPAR file ({error}); copy it again or give MEME format") from error
    meme.require_unique(motifs, source)
    return motifs


def _of_bio(motif) -> Motif:  # type: ignore[no-untyped-def]  # Biopython has no types
    counts = np.array([motif.counts[base] for base in "ACGT"], dtype=np.float64).T
    sums = counts.sum(axis=1, keepdims=True)
    if not len(counts) or (sums <= 0).any():
        raise ValueError(f"motif {motif.matrix_id} has a position without counts")
    return Motif(motif.matrix_id, motif.name or "", counts / sums, round(float(sums.max())))


def _of_homer(text: str, source: str) -> list[Motif]:
    """Motifs of HOMER's format: ``>CONSENSUS NAME THRESHOLD`` and a line of probabilities for each position."""
    motifs: list[Motif] = []
    name, rows, named_at = "", [], 0
    for number, line in enumerate([*text.splitlines(), ">"], start=1):
        if not line.startswith(">"):
            if line.strip():
                rows.append(meme.row_of(line, f"{source}, line {number}"))
            continue
        if name and not rows:
            raise InputError(f"{source}, line {named_at}: motif {name} has no positions; mend the file")
        if name:
            motifs.append(Motif(name, "", np.array(rows), _SITES))
        words = line[1:].split()
        name, rows, named_at = words[min(1, len(words) - 1)] if words else "", [], number
    meme.require_unique(motifs, source)
    return motifs
