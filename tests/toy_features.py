"""Models that read motif frequencies, with networks whose SHAP values are known: for the tests of explanations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import toy_explain as toy
from torch import nn

from crekit.encoding.encoders import Encoders, KmerEncoding
from crekit.encoding.kmer_vectors import KmerVectors
from crekit.models import mdlf
from crekit.models.encoded import EncodedNetwork
from crekit.models.file import SequenceModel
from crekit.motifs import scoring

WORDS = {"M1": toy.WORD, "M2": "CAGGTGAG", "M3": "GATAAGCC", "M4": "TTCCGGAA"}


def write_motifs(path: Path, words: dict[str, str]) -> Path:
    """Motifs that match their word only, in MEME format."""
    lines = ["MEME version 4", "", "ALPHABET= ACGT", ""]
    for name, word in words.items():
        lines += [f"MOTIF {name}", f"letter-probability matrix: alength= 4 w= {len(word)} nsites= 20 E= 0"]
        lines += [" ".join("0.97" if base == letter else "0.01" for base in "ACGT") for letter in word]
    path.write_text("\n".join(lines) + "\n")
    return path


def encoders(folder: Path, words: dict[str, str] | None = None, *, kmers: bool = False) -> Encoders:
    """Frequencies of these words, and embeddings of 3-mers as 300 numbers."""
    motif = scoring.calibrated(write_motifs(folder / "motifs.meme", words or WORDS), p=1e-4)
    vectors = KmerVectors(3, np.random.default_rng(5).normal(size=(64, 5)).astype(np.float32))
    return Encoders(KmerEncoding(vectors, "axis", 300) if kmers else None, motif)


class Linear(nn.Module):
    """Two logits that are linear in motif frequencies, and in k-mers where `kmer` is given."""

    def __init__(self, motif: Sequence[float], kmer: np.ndarray | None = None) -> None:
        super().__init__()
        given = {"motif": np.array(motif)} | ({} if kmer is None else {"kmer": kmer})
        self.layers = nn.ModuleDict({name: nn.Linear(len(weights), 2) for name, weights in given.items()})
        with torch.no_grad():
            for name, weights in given.items():
                self.layers[name].weight.copy_(torch.stack([torch.zeros(len(weights)), torch.from_numpy(weights)]))
                self.layers[name].bias.copy_(torch.tensor([0.0, 0.25]))

    def forward(self, encodings: dict[str, torch.Tensor]) -> torch.Tensor:
        return sum(layer(encodings[name]) for name, layer in self.layers.items())


def network(of: Encoders, head: nn.Module) -> EncodedNetwork:
    made = EncodedNetwork(of.facts(), head)
    made.encoders.fill(of)
    return made.eval()


def model(of: Encoders, head: nn.Module | None = None, arch: str = "mdlf-motif", **others) -> SequenceModel:
    """A model of 60-base windows; untrained where no head is given."""
    torch.manual_seed(1)
    settings = toy.settings(arch, encoders=of.facts(), **others)
    if head is not None:
        return SequenceModel(settings, network(of, head), "0" * 64)
    built = settings.build()
    read = built.encoders.facts
    built.encoders.fill(Encoders(of.kmer if "kmer" in read else None, of.motif if "motif" in read else None))
    return SequenceModel(settings, built.eval(), "0" * 64)


def mdlf_head(of: Encoders) -> mdlf.Mdlf:
    torch.manual_seed(1)
    return mdlf.Mdlf({"kmer": 300, "motif": of.motif.n_motifs}, 2).eval()
