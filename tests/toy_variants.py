"""A small sequence model, a small genome and random variants of it, and their scores by the plain definition."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from crekit.models import registry
from crekit.models.file import SequenceModel, save
from crekit.models.settings import SequenceSettings

ARCH, WINDOW = "deepenhancer-6conv3pool6norm", 60
CLASSES = ["background", "enhancer", "promoter"]
SPLIT = {"kind": "chromosomes", "train": [], "val": [], "test": []}


def sequence_settings(
    arch: str = ARCH, window: int = WINDOW, classes: list[str] = CLASSES, **others
) -> SequenceSettings:
    known = {
        "split": SPLIT, "training": {}, "counts": {}, "record": {}, "stride": 2, "short": "contain",
        "ambiguous": "drop",
    }  # fmt: skip
    return SequenceSettings(arch=arch, classes=list(classes), window=window, **{**known, **others})


def sequence_model(arch: str = ARCH, window: int = WINDOW, classes: list[str] = CLASSES) -> SequenceModel:
    """A network with random weights whose answers differ from window to window."""
    torch.manual_seed(4)
    network = registry.find(arch).build(len(classes), window)
    network.eval()
    with torch.no_grad():  # logits of random windows get mean 0 and standard deviation 1
        last = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
        last.bias.zero_()
        logits = network(nn.functional.one_hot(torch.randint(4, (200, window or WINDOW)), 4).float().transpose(1, 2))
        last.weight /= logits.std(dim=0)[:, None]
        last.bias -= logits.mean(dim=0) / logits.std(dim=0)
    return SequenceModel(sequence_settings(arch, window, classes, temperature=1.5), network)


def save_sequence_model(path: Path, model: SequenceModel) -> Path:
    save(path, model.settings, model.network)
    return path


def genome(lengths: dict[str, int]) -> dict[str, str]:
    """Random chromosomes with soft-masked bases and Ns in them."""
    rng = np.random.default_rng(7)
    chroms = {}
    for name, length in lengths.items():
        bases = rng.choice(list("ACGTacgt"), length, p=[0.2] * 4 + [0.05] * 4)
        bases[length // 2 : length // 2 + 5] = "N"
        chroms[name] = "".join(bases)
    return chroms


def write_genome(path: Path, chroms: dict[str, str]) -> Path:
    path.write_text("".join(f">{name}\n{text}\n" for name, text in chroms.items()))
    return path


def random_variants(chroms: dict[str, str], number: int) -> list[tuple[str, int, str, list[str]]]:
    """(chrom, 0-based start, REF, ALTs): SNVs, indels, replacements, several alleles; also next to Ns and ends."""
    rng = np.random.default_rng(11)
    found = []
    for i in range(number):
        chrom = list(chroms)[i * len(chroms) // number]
        text = chroms[chrom].upper()
        length = 1 if i % 2 else int(rng.integers(1, 15))
        near = [0, 3, len(text) // 2 - 20, len(text) - length - 4, len(text) - length]
        start = near[i // 4 % 5] if i % 4 == 0 else int(rng.integers(len(text) - length))
        ref = text[start : start + length]
        alts: list[str] = []
        while len(alts) < 1 + i % 3 // 2:
            tail = "".join(rng.choice(list("ACGT"), 0 if i % 2 else int(rng.integers(0, 12))))
            alt = (ref[0] if length > 1 or tail else str(rng.choice(list("ACGT")))) + tail
            if alt != ref and alt not in alts:
                alts.append(alt)
        found.append((chrom, start, ref, alts))
    return sorted(found, key=lambda one: (list(chroms).index(one[0]), one[1]))


def vcf_text(chroms: dict[str, str], variants: list[tuple[str, int, str, list[str]]]) -> str:
    contigs = "".join(f"##contig=<ID={name},length={len(text)}>\n" for name, text in chroms.items())
    head = f'##fileformat=VCFv4.2\n{contigs}##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">\n'
    rows = [
        f"{chrom}\t{start + 1}\trs{i}\t{ref}\t{','.join(alts)}\t.\tPASS\tAF={','.join(['0.5'] * len(alts))}\n"
        for i, (chrom, start, ref, alts) in enumerate(variants)
    ]
    return head + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "".join(rows)


def plain_score(model: SequenceModel, text: str, start: int, end: int, width: int, step: int) -> np.ndarray | None:
    """Highest probabilities over the windows of a chromosome that cover ``[start, end)``: a loop over windows."""
    windows = []
    first = start - width + 1 + (width - 1) % step // 2
    for begin in range(first, end + width, step):
        covers = begin < end and begin + width > start if end > start else begin < start < begin + width
        if covers and begin >= 0 and begin + width <= len(text):
            forward = text[begin : begin + width].upper()
            windows += [forward, forward[::-1].translate(str.maketrans("ACGT", "TGCA"))]
    if not windows:
        return None
    letters = np.array([list(window) for window in windows])
    one_hot = torch.from_numpy(np.stack([letters == base for base in "ACGT"], axis=1).astype(np.float32))
    with torch.no_grad():
        probabilities = torch.softmax(model.network(one_hot) / model.settings.temperature, dim=1).numpy()
    return ((probabilities[::2] + probabilities[1::2]) / 2).max(axis=0)


def plain_scores(
    model: SequenceModel, text: str, start: int, ref: str, alt: str, width: int, step: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Scores of REF and ALT, each on a whole chromosome that carries it."""
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        ref, alt, start = ref[1:], alt[1:], start + 1
    changed = text[:start] + alt + text[start + len(ref) :]
    return (
        plain_score(model, text, start, start + len(ref), width, step),
        plain_score(model, changed, start, start + len(alt), width, step),
    )
