"""Databases of known motifs: files in the formats of the field, and JASPAR CORE vertebrates by default."""

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crekit.errors import InputError
from crekit.files import called, read_text, sha256_text
from crekit.motifs import meme, pssm, row_files
from crekit.motifs.pwm import Motif

_MEME, _ROWS = "MEME", "a line for each position"


def load(path: str | Path | None = None) -> tuple[str, str, list[Motif]]:
    """A database of motifs.

    Parameters
    ----------
    path : path, optional
        A file of motifs, see `parse`; None is JASPAR CORE vertebrates.

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
    return "own file", sha256_text(text), parse(text, called(path))


def load_log_odds(path: str | Path | None = None) -> tuple[str, list[str], list[NDArray[np.float64]]]:
    """Natural log odds against a uniform background: to the bit those of the file, where it holds log odds.

    Parameters
    ----------
    path : path, optional
        As for `load`.

    Returns
    -------
    sha256 : str
    names : list of str
    log_odds : list of ndarray of shape (w, 4), float64

    Raises
    ------
    InputError
    """
    if path is None:
        _, digest, motifs = load()
        return digest, [motif.name for motif in motifs], [pssm.log_odds(motif) for motif in motifs]
    text, source = read_text(path), called(path)
    motifs = parse(text, source)
    tables = [pssm.log_odds(motif) for motif in motifs]
    if _layout(text, source) == _ROWS:
        blocks = row_files.split(text)
        if row_files.kind_of(blocks, source) == row_files.LOG_ODDS:
            tables = [row_files.numbers(block, row_files.LOG_ODDS, source) for block in blocks]
    return sha256_text(text), [motif.name for motif in motifs], tables


def parse(text: str, source: str) -> list[Motif]:
    """Motifs of a text, its format told by its first lines.

    MEME; JASPAR (``>ID NAME``, and a line of counts for each base, with or without its letter); HOMER, and HOCOMOCO's
    counts (PCM) and log odds (PWM), see `crekit.motifs.row_files`.

    Parameters
    ----------
    text : str
    source : str
        What to call it in messages: the file.

    Raises
    ------
    InputError
    """
    layout = _layout(text, source)
    if layout == _MEME:
        return meme.parse(text, source)
    if layout == _ROWS:
        return row_files.parse(text, source)
    return _of_jaspar(text, source, layout)


def _layout(text: str, source: str) -> str:
    """How a text holds its motifs, in the names of Biopython for JASPAR's two ways."""
    lines = text.strip().splitlines()
    if not lines:
        raise InputError(f"{source}: the file is empty; give motifs in MEME format")
    if any(line.startswith("MEME version") for line in lines):
        return _MEME
    if not lines[0].startswith(">"):
        raise InputError(f"{source}, line 1: {lines[0][:40]!r} begins no MEME, JASPAR or HOMER file of motifs")
    if lines[1:] and lines[1].split()[:1] == ["A"]:
        return "jaspar"
    return "pfm-four-rows" if _a_line_a_base(text) else _ROWS


def _a_line_a_base(text: str) -> bool:
    """Whether each motif has four lines of numbers, and not all of these four: a line for each base, not position."""
    blocks = row_files.split(text)
    counts = [[len(line.split()) for _, line in block.rows] for block in blocks]
    plain = all(len(count) == 4 and len(set(count)) == 1 and count[0] > 1 for count in counts)
    return plain and any(count[0] != 4 for count in counts)


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


def _of_jaspar(text: str, source: str, layout: str) -> list[Motif]:
    """Motifs of JASPAR's own formats: ``>ID NAME`` and a line of counts for each base."""
    from Bio import motifs as bio

    try:
        motifs = [_of_bio(motif) for motif in bio.parse(io.StringIO(text), layout)]
    except Exception as error:  # which Biopython raises itself, for lines of different lengths
        raise InputError(f"{source}: a damaged JASPAR file ({error}); copy it again or give MEME format") from error
    meme.require_unique(motifs, source)
    return motifs


def _of_bio(motif) -> Motif:  # type: ignore[no-untyped-def]  # Biopython has no types
    name, alternative = getattr(motif, "matrix_id", None), motif.name or ""
    if name is None:  # without letters, the header is kept whole
        name, _, alternative = " ".join(alternative.split()).partition(" ")
    counts = np.array([motif.counts[base] for base in "ACGT"], dtype=np.float64).T
    sums = counts.sum(axis=1, keepdims=True)
    if not name:
        raise ValueError("a motif without a name")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError(f"motif {name} has a count below 0, or that is no number")
    if not len(counts) or (sums <= 0).any():
        raise ValueError(f"motif {name} has a position without counts")
    return Motif(name, alternative, counts / sums, round(float(sums.max())))
