"""Whether the motifs that are drawn from a network are those that were planted into the sequences it learned from.

Usage: python benchmarks/planted_motifs.py [--sequences 5000] [--width 100] [--epochs 16] [--threads 2]

Half of the sequences hold one to three sites of eight JASPAR motifs, on either strand; the others are shuffles of such
sequences that keep their dinucleotides, so that composition tells nothing. DeepEnhancer's network learns to tell them
apart. A planted motif is found if a motif of the network matches it by the rule of extract-motifs: Tomtom against all
of JASPAR CORE vertebrates, 5 informative columns or more, E < 0.1. The number at E < 0.01 is printed too: short ones as
FOS::JUN hardly get there, and a match to another motif of the family may be better (the rank). Kernels, all words or
activating sites, stand beside those of the same network untrained.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from crekit.encoding import encode
from crekit.encoding.onehot import BASES, one_hot
from crekit.encoding.store import Sequences
from crekit.encoding.windows import Rule
from crekit.explanation import attribution_motifs, motif_run
from crekit.genome.fasta import complement_codes
from crekit.models.file import SequenceModel
from crekit.models.settings import SequenceSettings
from crekit.motifs import compare, database, kernels
from crekit.motifs.pwm import Motif

PLANTED = {
    "MA0139": "CTCF", "MA0138": "REST", "MA0035": "GATA1", "MA0099": "FOS::JUN",
    "MA0102": "CEBPA", "MA0506": "NRF1", "MA0080": "SPI1", "MA0114": "HNF4A",
}  # fmt: skip
STRICT = 0.01


def plant(motifs: Sequence[Motif], n: int, width: int, seed: int) -> np.ndarray:
    """Sequences with one to three sites each, drawn from the motifs' probabilities, without overlap.

    Returns
    -------
    codes : np.ndarray, shape (n, width), uint8
    """
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, width), dtype=np.uint8)
    for row in codes:
        first = 0
        for number in rng.permutation(len(motifs))[: rng.integers(1, 4)]:
            cumulated = motifs[number].matrix.cumsum(axis=1)
            site = (rng.random((len(cumulated), 1)) > cumulated).sum(axis=1).clip(max=3).astype(np.uint8)
            room = width - first - len(site)
            if room < 0:
                break
            start = first + int(rng.integers(0, room // 2 + 1))
            row[start : start + len(site)] = complement_codes(site) if rng.random() < 0.5 else site
            first = start + len(site)
    return codes


def shuffled(codes: np.ndarray, seed: int) -> np.ndarray:
    """A shuffle of each sequence that keeps its dinucleotides."""
    from tangermeme.ersatz import dinucleotide_shuffle

    values = dinucleotide_shuffle(torch.from_numpy(one_hot(codes)), n=1, random_state=seed)[:, 0]
    return values.argmax(dim=1).numpy().astype(np.uint8)


def settings(arch: str, width: int) -> SequenceSettings:
    """A model of these sequences, in memory only."""
    return SequenceSettings(
        arch=arch, classes=["background", "enhancer"], split={"kind": "random", "train": [], "val": [], "test": []},
        training={}, counts={}, record={"options": {}}, window=width, stride=1, short="drop", ambiguous="drop",
    )  # fmt: skip


def train(
    of: SequenceSettings, codes: np.ndarray, labels: np.ndarray, epochs: int, *, lr: float = 1e-3
) -> SequenceModel:
    """A network trained on nine tenths of the sequences, either strand; prints its accuracy on the others."""
    torch.manual_seed(1)
    network = of.build()
    optimiser = torch.optim.Adam(network.parameters(), lr=lr)
    held = np.arange(len(codes)) % 10 == 0
    values, targets = codes[~held], torch.from_numpy(labels[~held])
    started = time.perf_counter()
    for _ in range(epochs):
        network.train()
        for batch in torch.randperm(len(values)).split(64):
            mine = values[batch.numpy()]
            turned = torch.rand(len(mine)).numpy() < 0.5
            mine[turned] = complement_codes(mine[turned])
            optimiser.zero_grad(set_to_none=True)
            cross_entropy(network(torch.from_numpy(one_hot(mine))), targets[batch]).backward()
            optimiser.step()
    model = SequenceModel(of, network.eval())
    right = (model.probabilities(codes[held]).argmax(axis=1) == labels[held]).mean()
    seconds = time.perf_counter() - started
    print(f"{of.arch}: {epochs} epochs in {seconds:.0f} s, accuracy on held-out sequences {right:.3f}")
    return model


def encoded(folder: Path, codes: np.ndarray, labels: np.ndarray, width: int) -> Path:
    """The sequences as encode-seq stores them."""
    files = []
    for label, name in enumerate(("background", "enhancer")):
        path = folder / f"{name}.fa"
        letters = np.frombuffer(BASES.encode(), dtype=np.uint8)[codes[labels == label]]
        path.write_text("".join(f">{name}_{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(letters)))
        files.append((name, path))
    encode.encode_records(files, folder / "sequences.h5", Rule(width, 1, "drop", "drop"))
    return folder / "sequences.h5"


def report(title: str, motifs: Sequence[Motif], targets: Sequence[Motif], threads: int) -> None:
    """Print which planted motifs are among some motifs."""
    if not motifs:
        print(f"{title}: no motif")
        return
    rule = compare.Rule()
    found = compare.compare(motifs, targets, rule, threads=threads)
    counted = np.where(found.informative >= rule.min_columns, found.p, 1.0) * len(targets)
    any_match = (counted.min(axis=1) < rule.max_evalue).sum()
    rows = []
    for name, title_of in PLANTED.items():
        column = next(i for i, one in enumerate(targets) if one.name.split(".")[0] == name)
        best = int(counted[:, column].argmin())
        evalue, rank = counted[best, column], int((counted[best] < counted[best, column]).sum()) + 1
        rows.append((title_of, motifs[best].name, motifs[best].consensus, motifs[best].nsites, evalue, rank))
    hits, strict = (sum(row[4] < most for row in rows) for most in (rule.max_evalue, STRICT))
    print(f"{title}: {len(motifs)} motifs, {any_match} match something at E < {rule.max_evalue:g}; "
          f"planted motifs found: {hits} of {len(rows)} ({strict} at E < {STRICT:g})")  # fmt: skip
    if not hits:
        return
    print(f"  {'planted':<10}{'motif':<14}{'consensus':<24}{'sites':>8}{'E':>10}{'rank of the planted one':>26}")
    for planted, motif, consensus, sites, evalue, rank in rows:
        shown = rank if evalue < rule.max_evalue else "-"
        print(f"  {planted:<10}{motif:<14}{consensus:<24}{sites:>8}{evalue:>10.2g}{shown:>26}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sequences", type=int, default=5000)
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--arch", default="deepenhancer-4conv2pool4norm")
    parser.add_argument("--per-class", type=int, default=2500)
    parser.add_argument("--shuffles", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    name, _, targets = database.load()
    planted = [next(one for one in targets if one.name.split(".")[0] == base) for base in PLANTED]
    positive = plant(planted, given.sequences // 2, given.width, seed=1)
    codes = np.concatenate([shuffled(positive, seed=2), positive])
    labels = np.repeat([0, 1], len(positive))
    print(f"{len(codes)} sequences of {given.width} bases, {len(planted)} motifs of {name} in half of them")
    model = train(settings(given.arch, given.width), codes, labels, given.epochs)
    torch.manual_seed(1)
    untrained = SequenceModel(model.settings, model.settings.build().eval())
    with (
        tempfile.TemporaryDirectory() as folder,
        Sequences(encoded(Path(folder), codes, labels, given.width)) as opened,
    ):
        words = kernels.words((opened.codes(i) for i in range(len(opened))), 8)
        plan = motif_run.Plan("attribution", threads=given.threads)
        search = attribution_motifs.Search(per_class=given.per_class, shuffles=given.shuffles)
        started = time.perf_counter()
        motifs = attribution_motifs.attribution_motifs(model, opened, plan, search)
        seconds = time.perf_counter() - started
    report(f"attribution, trained ({seconds:.0f} s)", motifs, targets, given.threads)
    for state, one in (("trained", model), ("untrained", untrained)):
        layer = motif_run.first_kernels(one)
        report(f"kernels, all words, {state}", kernels.from_words(layer), targets, given.threads)
        report(f"kernels, activating sites, {state}", kernels.from_sites(layer, words), targets, given.threads)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")


if __name__ == "__main__":
    main()
