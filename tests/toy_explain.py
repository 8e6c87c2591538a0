"""Sequences with planted words, and networks that read them: for the tests of attributions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from crekit.encoding import encode
from crekit.encoding.onehot import BASES, one_hot
from crekit.encoding.windows import Rule
from crekit.genome.fasta import complement_codes
from crekit.genome.fasta import encode as codes_of
from crekit.models.file import SequenceModel
from crekit.models.settings import SequenceSettings

CLASSES = ["background", "enhancer"]
WORD = "TGACTCATC"


def settings(arch: str = "deepenhancer-4conv", window: int = 60, **others) -> SequenceSettings:
    given = {
        "arch": arch,
        "classes": CLASSES,
        "split": {"kind": "chromosomes", "train": ["chr1"], "val": ["chr2"], "test": ["chr3"]},
        "training": {},
        "counts": {},
        "record": {"options": {}, "inputs": []},
        "window": window,
        "stride": 20,
        "short": "contain",
        "ambiguous": "drop",
    }
    return SequenceSettings(**{**given, **others})


def model(arch: str = "deepenhancer-4conv", *, seed: int = 1, **others) -> SequenceModel:
    """An untrained model."""
    torch.manual_seed(seed)
    of = settings(arch, **others)
    return SequenceModel(of, of.build().eval())


def matcher(word: str = WORD, width: int = 60) -> nn.Sequential:
    """A network that says enhancer where the word stands, and nothing else: its contributions are known."""
    codes = codes_of(word)
    convolution = nn.Conv1d(4, 1, len(word))
    last = nn.Linear(1, 2)
    with torch.no_grad():
        convolution.weight.copy_(torch.from_numpy(one_hot(codes[None])))
        convolution.bias.fill_(0.5 - len(word))  # every base must fit
        last.weight.copy_(torch.tensor([[-2.0], [2.0]]))
        last.bias.zero_()
    return nn.Sequential(convolution, nn.ReLU(), nn.MaxPool1d(width - len(word) + 1), nn.Flatten(), last).eval()


def planted(words: Sequence[str], n: int, width: int, seed: int = 1) -> np.ndarray:
    """Random sequences, each with one of the words, in turn, on either strand."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, width), dtype=np.uint8)
    for i, row in enumerate(codes):
        site = codes_of(words[i % len(words)])
        start = rng.integers(0, width - len(site) + 1)
        row[start : start + len(site)] = complement_codes(site) if rng.random() < 0.5 else site
    return codes


def train(words: Sequence[str], n: int = 1000, width: int = 60, epochs: int = 12) -> tuple[SequenceModel, np.ndarray]:
    """A small network that tells sequences with a word from random ones, and the former."""
    positive = planted(words, n // 2, width)
    codes = np.concatenate([np.random.default_rng(2).integers(0, 4, positive.shape, dtype=np.uint8), positive])
    labels = torch.from_numpy(np.repeat([0, 1], len(positive)))
    torch.manual_seed(1)
    convolution = nn.Conv1d(4, 32, 11)
    network = nn.Sequential(
        convolution, nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(width - 10), nn.Flatten(), nn.Linear(32, 32),
        nn.ReLU(), nn.Linear(32, 2),
    )  # fmt: skip
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(epochs):
        for batch in torch.randperm(len(codes)).split(50):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(torch.from_numpy(one_hot(codes[batch]))), labels[batch]).backward()
            optimiser.step()
    return SequenceModel(settings(window=width), network.eval()), positive


def write_fasta(path: Path, codes: Sequence[np.ndarray], name: str = "r", first: int = 0) -> Path:
    letters = np.frombuffer((BASES + "N").encode(), dtype=np.uint8)
    records = (f">{name}{i}\n{letters[row].tobytes().decode()}\n" for i, row in enumerate(codes, start=first))
    path.write_text("".join(records))
    return path


def encode_fasta(folder: Path, positive: Sequence[np.ndarray], rule: Rule | None = None) -> Path:
    """A sequence file of enhancers (`positive`) and as many random backgrounds."""
    rng = np.random.default_rng(3)
    random = [rng.integers(0, 4, len(row), dtype=np.uint8) for row in positive]
    files = [
        ("enhancer", write_fasta(folder / "e.fa", positive, "e")),
        ("background", write_fasta(folder / "b.fa", random, "b")),
    ]
    encode.encode_records(files, folder / "sequences.h5", rule or Rule(60, 20, "drop", "zero"))
    return folder / "sequences.h5"


def encode_genome(folder: Path) -> Path:
    """A genome of three chromosomes, 2,000 bases each, with the word in the middle of every enhancer.

    Enhancers of 100 bases start at 200, 600, 1,000 ..., backgrounds at 400, 800 ...
    """
    rng = np.random.default_rng(4)
    chromosomes, beds = [], {name: [] for name in CLASSES}
    for number in (1, 2, 3):
        codes = rng.integers(0, 4, 2000, dtype=np.uint8)
        for start in range(200, 1900, 200):
            name = "enhancer" if start % 400 == 200 else "background"
            if name == "enhancer":
                codes[start + 40 : start + 40 + len(WORD)] = codes_of(WORD)
            beds[name].append(f"chr{number}\t{start}\t{start + 100}\n")
        chromosomes.append(codes)
    write_fasta(folder / "g.fa", chromosomes, "chr", first=1)
    for name, lines in beds.items():
        (folder / f"{name}.bed").write_text("".join(lines))
    files = [(name, folder / f"{name}.bed") for name in CLASSES]
    encode.encode_regions(files, folder / "g.fa", folder / "sequences.h5", Rule(60, 20))
    return folder / "sequences.h5"
