"""One extraction of motifs from model to matches: what extract-motifs does."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from crekit.encoding.store import Sequences
from crekit.errors import InputError
from crekit.models.device import device_of
from crekit.models.file import SequenceModel
from crekit.motifs import compare, database, kernels
from crekit.motifs.compare import Rule
from crekit.motifs.found import Found, Untrained
from crekit.motifs.kernels import Kernels, Words
from crekit.motifs.pwm import Motif
from crekit.provenance import Input, record

log = logging.getLogger("crekit")

ENUMERATE, SITES, ATTRIBUTION = "enumerate", "activation", "attribution"
METHODS = (ENUMERATE, SITES, ATTRIBUTION)
NO_DATABASE = "none"


@dataclass(frozen=True)
class Plan:
    """How to find motifs, apart from the model and the sequences.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    weighting : str
        Of ``enumerate``: see `crekit.motifs.kernels.from_words`.
    threshold : float
        Of ``activation``: see `crekit.motifs.kernels.from_sites`.
    untrained : int
        Untrained networks whose kernels a kernel's match is held against; 0 for none.
    database : path or str, optional
        File of known motifs; None for JASPAR CORE vertebrates, ``none`` for no comparison.
    rule : Rule
        Which matches are listed and count.
    device : str
        Where attributions are computed.
    threads, seed : int
    """

    method: str = ENUMERATE
    weighting: str = kernels.COUNT
    threshold: float = 0.5
    untrained: int = 10
    database: Path | str | None = None
    rule: Rule = field(default_factory=Rule)
    device: str = "cpu"
    threads: int = 2
    seed: int = 1

    def check(self) -> None:
        """Check what the user chose.

        Raises
        ------
        InputError
        """
        if self.method not in METHODS:
            raise InputError(f"--method {self.method}: choose {', '.join(METHODS)}")
        if self.weighting not in (kernels.COUNT, kernels.ACTIVATION):
            raise InputError(f"--weighting {self.weighting}: choose {kernels.COUNT} or {kernels.ACTIVATION}")
        if not 0 <= self.threshold < 1:
            raise InputError(
                f"--threshold {self.threshold:g}: give a share of the highest activation, from 0 to below 1"
            )


def run(model: SequenceModel, sequences: Sequences | None, plan: Plan) -> Found:
    """Find the motifs of a model and compare them with known ones.

    Raises
    ------
    InputError
        If sequences are needed or do not fit, the model has no kernels, or the database is wrong.
    """
    plan.check()
    device_of(plan.device)  # refuses what there is not; kernels themselves are read on the CPU
    torch.set_num_threads(plan.threads)
    _require_sequences(model, sequences, plan)
    targets: list[Motif] = []
    name, sha256 = "", ""
    if plan.database != NO_DATABASE:  # first, since a mistake in it should not cost the work
        name, sha256, targets = database.load(plan.database)
        if len(targets) < compare.FEW:
            log.warning("warning: only %d motifs to compare with; p-values depend on which they are", len(targets))
    motifs, silent, words = _motifs(model, sequences, plan)
    inputs = [Input("model", "", model.sha256)]
    inputs += [Input("sequences", "", sequences.sha256())] if sequences else []
    inputs += [Input("database", name, sha256)] if targets else []
    made = record("extract-motifs", _options(plan), inputs)
    found = Found(model.settings.arch, plan.method, plan.rule, motifs, silent, made, name, len(targets))
    if not targets or not motifs:
        return found
    comparison = compare.compare(motifs, targets, plan.rule, threads=plan.threads)
    untrained = None
    if plan.method != ATTRIBUTION and plan.untrained:
        untrained = _untrained(model, words, targets, plan)
    matches = compare.matches(motifs, targets, comparison, plan.rule, untrained.best if untrained else None)
    log.info(
        "%d of %d motifs match one of %d of %s at E < %g; %d with %d or more informative columns",
        len({match.motif.name for match in matches}), len(motifs), len(targets), name, plan.rule.max_evalue,
        len({match.motif.name for match in matches if match.counted}), plan.rule.min_columns,
    )  # fmt: skip
    if untrained:
        log.info(
            "of %d kernels of %d untrained networks, %d match; %d with so many informative columns",
            untrained.n_kernels, untrained.n_networks, untrained.matching, untrained.counted,
        )  # fmt: skip
    return replace(found, matches=tuple(matches), untrained=untrained)


def _options(plan: Plan) -> dict[str, Any]:
    """The options that change the result."""
    chosen: dict[str, Any] = {"method": plan.method}
    chosen |= {"weighting": plan.weighting} if plan.method == ENUMERATE else {}
    chosen |= {"threshold": plan.threshold} if plan.method == SITES else {}
    if plan.method == ATTRIBUTION:
        from crekit.explanation.attribution_motifs import Search

        chosen |= {name.replace("_", "-"): value for name, value in asdict(Search()).items()}
    else:
        chosen |= {"untrained": plan.untrained}
    return chosen | {name.replace("_", "-"): value for name, value in asdict(plan.rule).items()} | {"seed": plan.seed}


def _require_sequences(model: SequenceModel, sequences: Sequences | None, plan: Plan) -> None:
    if plan.method == ENUMERATE:
        return
    if sequences is None:
        raise InputError(f"--method {plan.method} looks at real sequences; give a file of encode-seq with -s")
    window = model.settings.window
    if window and sequences.window != window:
        of = f"windows of {sequences.window} bases" if sequences.window else "whole regions"
        raise InputError(
            f"{sequences.path}: {of}, but {model.name} sees {window} bases; encode them with --window {window}"
        )


def _motifs(model: SequenceModel, sequences: Sequences | None, plan: Plan) -> tuple[list[Motif], int, Words | None]:
    """The model's motifs, how many kernels are silent, and the words of the sequences, where there are any."""
    if plan.method == ATTRIBUTION:
        from crekit.explanation.attribution_motifs import attribution_motifs

        return attribution_motifs(model, sequences, plan), 0, None
    layer = first_kernels(model)
    if plan.method == ENUMERATE or sequences is None:
        words, motifs = None, kernels.from_words(layer, weighting=plan.weighting)
    else:
        words = kernels.words((sequences.codes(i) for i in range(len(sequences))), layer.width)
        labels = [str(name) for name in sequences.regions.name]
        motifs = kernels.from_sites(layer, words, threshold=plan.threshold, labels=labels)
    silent = len(layer) - len(motifs)
    log.info("%d kernels of %d bases%s", len(layer), layer.width, f", {silent} that nothing activates" * bool(silent))
    return motifs, silent, words


def first_kernels(model: SequenceModel) -> Kernels:
    """The kernels of a model's first convolution, a batch norm that follows it folded in.

    Raises
    ------
    InputError
        If the network does not begin with a convolution over the bases.
    """
    try:
        return _kernels(model.network)
    except ValueError as error:
        raise InputError(
            f"{model.name}: {model.settings.arch} {error}, so it has no kernels for --method enumerate or activation; "
            "give a model of convolutions"
        ) from error


def _kernels(network: nn.Module) -> Kernels:
    layers = [layer for layer in network.modules() if not list(layer.children())]
    convolutions = [(i, layer) for i, layer in enumerate(layers) if isinstance(layer, nn.Conv1d)]
    if not convolutions:
        raise ValueError("has no convolution")
    place, first = convolutions[0]
    if first.in_channels != 4 or first.dilation != (1,) or first.groups != 1:
        raise ValueError("does not begin with a convolution over the four bases")
    weights = first.weight.detach().cpu().numpy().astype(np.float64)
    bias = np.zeros(len(weights)) if first.bias is None else first.bias.detach().cpu().numpy().astype(np.float64)
    norm = layers[place + 1] if place + 1 < len(layers) else None
    if isinstance(norm, nn.BatchNorm1d):
        gamma, beta, mean, variance = (
            np.asarray(getattr(norm, name).detach().cpu(), np.float64)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + norm.eps)
        weights, bias = weights * scale[:, None, None], (bias - mean) * scale + beta
    return Kernels(weights, bias)


def _untrained(model: SequenceModel, words: Words | None, targets: Sequence[Motif], plan: Plan) -> Untrained:
    """The same done with networks of the same settings that were not trained."""
    best, matching, counted, n_kernels = [], 0, 0, 0
    for number in range(plan.untrained):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed + number)
            layer = _kernels(model.settings.build())
        if words is None:
            motifs = kernels.from_words(layer, weighting=plan.weighting)
        else:
            motifs = kernels.from_sites(layer, words, threshold=plan.threshold)
        n_kernels += len(layer)
        best.append(np.ones(len(layer) - len(motifs)))
        if not motifs:
            continue
        found = compare.compare(motifs, targets, plan.rule, threads=plan.threads)
        best.append(compare.best_counted(found, plan.rule))
        least = plan.rule.max_evalue / len(targets)
        matching += int((found.p.min(axis=1) < least).sum())
        counted += int((best[-1] < least).sum())
    return Untrained(plan.untrained, n_kernels, matching, counted, np.concatenate(best))
