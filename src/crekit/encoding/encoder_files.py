"""From the files and options that name encoders to the encoders."""

from dataclasses import dataclass
from pathlib import Path

from crekit.encoding import kmer_embedding
from crekit.encoding.encode import Encodings
from crekit.encoding.encoders import Encoders, KmerEncoding
from crekit.encoding.kmer_embedding import POOLINGS, SIZE
from crekit.encoding.kmer_vectors import read
from crekit.errors import InputError
from crekit.files import STDIO
from crekit.motifs import scoring
from crekit.provenance import Input


@dataclass(frozen=True)
class EncoderOptions:
    """encode-seq's options for encoders, as they were given.

    Parameters
    ----------
    kmer_vectors : Path, optional
    k : int
    pooling : str
        ``axis`` or ``flat``.
    motifs : Path, optional
    motif_p : float
    motif_thresholds : Path, optional
        Thresholds of a HOMER file instead of `motif_p`: the published features.
    strands : str
        ``both`` or ``forward``.
    frequency : str
        Hits over scanned positions (``position``) or over bases (``length``).
    store : bool
    """

    kmer_vectors: Path | None = None
    k: int = 3
    pooling: str = "axis"
    motifs: Path | None = None
    motif_p: float = 1e-4
    motif_thresholds: Path | None = None
    strands: str = "both"
    frequency: str = "position"
    store: bool = False

    def check(self) -> None:
        """Check what can be checked before files are read.

        Raises
        ------
        InputError
        """
        for name, value, choices in (
            ("pooling", self.pooling, POOLINGS),
            ("strands", self.strands, scoring.STRANDS),
            ("frequency", self.frequency, scoring.FREQUENCIES),
        ):
            if value not in choices:
                raise InputError(f"--{name} {value}: choose {' or '.join(choices)}")
        if not 0 < self.motif_p < 1:
            raise InputError(f"--motif-p {self.motif_p}: give a probability such as 1e-4")
        self._require_partners()
        if self.store and not (self.kmer_vectors or self.motifs):
            raise InputError("--store writes k-mer embeddings and motif frequencies; give --kmer-vectors or --motifs")

    def _require_partners(self) -> None:
        """Check that no option is given without the file that it belongs to, or beside one that overrides it."""
        plain = EncoderOptions()
        for owner, given, names in (
            ("kmer-vectors", self.kmer_vectors, ("k", "pooling")),
            ("motifs", self.motifs, ("motif_p", "motif_thresholds", "strands", "frequency")),
        ):
            for name in names:
                if given is None and getattr(self, name) != getattr(plain, name):
                    raise InputError(f"--{name.replace('_', '-')} belongs to --{owner}; give both")
        if self.motif_thresholds is not None and self.motif_p != plain.motif_p:
            raise InputError("--motif-p and --motif-thresholds are two kinds of threshold; choose one")
        files = (self.kmer_vectors, self.motifs, self.motif_thresholds)
        if sum(str(path) == STDIO for path in files) > 1 or str(self.kmer_vectors) == STDIO:
            raise InputError("- (standard input) can be read once, and k-mer vectors only from a file; name the files")


def read_encoders(options: EncoderOptions) -> Encodings:
    """The encoders that were asked for, and their files as inputs.

    Raises
    ------
    InputError
        If an option or a file is wrong.
    """
    options.check()
    kmer = motif = None
    inputs = []
    if options.kmer_vectors is not None:
        kmer = KmerEncoding(read(options.kmer_vectors, options.k), options.pooling, SIZE)
        kmer_embedding.check(kmer.vectors, kmer.pooling, kmer.size)
        inputs.append(Input("kmer-vectors", "", kmer.vectors.sha256()))
    if options.motifs is not None:
        if options.motif_thresholds is not None:
            motif = scoring.published(options.motifs, options.motif_thresholds, options.strands, options.frequency)
        else:
            motif = scoring.calibrated(options.motifs, options.motif_p, options.strands, options.frequency)
        inputs.append(Input("motifs", "", motif.motifs_sha256))
        if motif.thresholds_sha256:
            inputs.append(Input("motif-thresholds", "", motif.thresholds_sha256))
    return Encodings(Encoders(kmer, motif), tuple(inputs), options.store)
