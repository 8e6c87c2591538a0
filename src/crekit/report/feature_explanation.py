"""The page of an explanation of motif features: SHAP of a model's motifs, and several models side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crekit.report import feature_explanation_plots as plots
from crekit.report.page import Note, Page, Plot, Section, Table

_PARTS = {"kmer": "k-mers", "one-hot": "bases"}
_DRAWN_RANKS = 60  # rows of a heatmap


@dataclass(frozen=True)
class ShownRegion:
    """One region that is explained by itself.

    Parameters
    ----------
    id : str
    probability, output : float
    values, frequency : np.ndarray, shape (n_motifs,)
    parts : dict of str to float
        Sums of the SHAP values of what is no motif.
    """

    id: str
    probability: float
    output: float
    values: np.ndarray
    frequency: np.ndarray
    parts: Mapping[str, float]


@dataclass(frozen=True)
class ShownClass:
    """One class of one model; motifs in the order of their ranks.

    Parameters
    ----------
    model, name : str
        The model's name is empty where there is only one.
    motifs : sequence of str
    mean_abs, mean, correlation, mean_frequency : np.ndarray, shape (n_motifs,)
    values, frequency : np.ndarray, shape (n_regions, n_motifs)
        In the sample.
    parts : dict of str to (float, float)
        Mean size and mean of the sums over what is no motif.
    base : float
    regions : sequence of ShownRegion
        The surest; may be empty.
    """

    model: str
    name: str
    motifs: Sequence[str]
    mean_abs: np.ndarray
    mean: np.ndarray
    correlation: np.ndarray
    mean_frequency: np.ndarray
    values: np.ndarray
    frequency: np.ndarray
    parts: Mapping[str, tuple[float, float]]
    base: float
    regions: Sequence[ShownRegion]


@dataclass(frozen=True)
class ShownComparison:
    """One class in several models; motifs in the order of their mean ranks.

    Parameters
    ----------
    name : str
    models, motifs : sequence of str
    rank, mean_abs : np.ndarray, shape (n_motifs, n_models)
    where : sequence of str
        Of each motif ``all``, the one model that has it among its first, or nothing.
    by_chance : float
        Motifs that models which rank at random would share.
    """

    name: str
    models: Sequence[str]
    motifs: Sequence[str]
    rank: np.ndarray
    mean_abs: np.ndarray
    where: Sequence[str]
    by_chance: float


@dataclass(frozen=True)
class ShownModel:
    """What a model was explained on.

    Parameters
    ----------
    name, arch : str
    counts : dict of str to (int, int)
        Class -> regions in the sample, and how many there were to draw from.
    references : int
    trained_on : bool
        Whether the references are of the model's training set.
    error : float
        Largest error of additivity, in logits.
    """

    name: str
    arch: str
    counts: Mapping[str, tuple[int, int]]
    references: int
    trained_on: bool
    error: float


@dataclass(frozen=True)
class Shown:
    """What the page is made from.

    Parameters
    ----------
    models : sequence of ShownModel
    classes : sequence of ShownClass
        Model by model.
    comparisons : sequence of ShownComparison
        Empty for a single model.
    top : int
        Motifs that are drawn, and that count as a model's own in a comparison.
    subset : str
        As the user gave it.
    record : dict
        See `crekit.provenance.record`.
    """

    models: Sequence[ShownModel]
    classes: Sequence[ShownClass]
    comparisons: Sequence[ShownComparison]
    top: int
    subset: str
    record: dict[str, Any]


def page(shown: Shown) -> Page:
    """The whole page."""
    n_motifs = len(shown.classes[0].motifs)
    of = f"a {shown.models[0].arch}" if len(shown.models) == 1 else f"{len(shown.models)} models"
    lead = f"What the frequencies of {n_motifs:,} motifs contribute to the classes of {of}, by SHAP."
    figures: list[tuple[str, Any]] = [
        ("regions", sum(n for model in shown.models for n, _ in model.counts.values())),
        ("motifs", n_motifs),
        ("largest error of additivity, logits", f"{max(model.error for model in shown.models):.1g}"),
    ]
    sections = [section for one in shown.comparisons for section in _comparison(one, shown.top)]
    for number, one in enumerate(shown.classes, start=1):
        sections += [_summary(one, number, shown.top), *_forces(one, number), _table(one, shown.top)]
    title = "What the motifs contribute"
    return Page(title, lead, figures, [*sections, _method(shown), _regions(shown)], shown.record)


def _of(one: ShownClass) -> str:
    return f"{one.name} in {one.model}" if one.model else one.name


def _summary(one: ShownClass, number: int, top: int) -> Section:
    n = min(top, len(one.motifs))
    figure = plots.summary(
        plots.short(one.motifs[:n]), one.mean_abs[:n], one.correlation[:n], one.values[:, :n], one.frequency[:, :n]
    )
    caption = (
        "Left: mean size of the SHAP values over the sample; orange where more of the motif speaks for "
        f"{one.name}, blue where it speaks against (sign of the correlation of frequency and SHAP value), grey where "
        "one of both never varies. Right: a point for each region, coloured by the motif's frequency in it."
    )
    total = one.mean_abs.sum()
    share = one.mean_abs[:n].sum() / total if total else 0.0
    text = f"The first {n} of {len(one.motifs):,} motifs; they hold {100 * share:.0f} % of what all motifs contribute."
    for name, (size, _) in one.parts.items():
        text += f" All {_PARTS.get(name, name)} together contribute {size:.3g} logits on average, either way."
    return Section(f"Motifs for {_of(one)}", [text, Plot(f"motifs_{number}", figure, caption)])


def _forces(one: ShownClass, number: int) -> list[Section]:
    if not one.regions:
        return []
    labels = plots.short(one.motifs)
    pushed = [
        plots.Pushed(
            f"{region.id}   p = {region.probability:.3f}   output {region.output:.2f}",
            one.base,
            region.output,
            plots.strongest(
                labels,
                region.values,
                region.frequency,
                {_PARTS.get(name, name): value for name, value in region.parts.items()},
            ),
        )
        for region in one.regions
    ]
    caption = (
        f"Black: the output of a region; dotted: the base, {one.base:.2f}, the mean output of the references. Orange "
        "pushes the output up from the base, blue down; the strongest stand next to the output and are named, with the "
        "motif's frequency in the region. The differences sum to output less base."
    )
    text = f"The {len(pushed)} regions with the highest probability of {one.name}."
    return [Section(f"Surest regions of {_of(one)}", [text, Plot(f"forces_{number}", plots.forces(pushed), caption)])]


def _table(one: ShownClass, top: int) -> Section:
    rows: list[list[Any]] = [
        [
            motif,
            i + 1,
            float(one.mean_abs[i]),
            float(one.mean[i]),
            float(one.correlation[i]),
            float(one.mean_frequency[i]),
        ]
        for i, motif in enumerate(one.motifs[:top])
    ]
    rows += [[f"all {_PARTS.get(name, name)}", None, *pair, None, None] for name, pair in one.parts.items()]
    columns = ["motif", "rank", "mean |SHAP|", "mean SHAP", "correlation", "mean frequency"]
    caption = "Correlation: Pearson's, of frequency and SHAP value over the sample. All motifs stand in the TSV."
    return Section(f"Table of {_of(one)}", [Table(columns, rows, caption)])


def _comparison(one: ShownComparison, top: int) -> list[Section]:
    places = {name: [i for i, where in enumerate(one.where) if where == name] for name in ("all", *one.models)}
    text = (
        f"A motif counts for a model if it is among its first {top} by mean |SHAP|. Shared by all models: "
        f"{len(places['all'])} of {len(one.motifs):,} motifs; {one.by_chance:.1f} if all ranked at random."
    )
    drawn = sorted({i for mine in places.values() for i in mine})[:_DRAWN_RANKS] or [0]
    # Shared ones first, then those of each model, each in the order of their mean rank.
    group = {name: k for k, name in enumerate(places)}
    drawn.sort(key=lambda i: (group[one.where[i]] if one.where[i] else 0, i))
    figure = plots.ranks(plots.short([one.motifs[i] for i in drawn]), one.models, one.rank[drawn], top)
    caption = (
        f"Ranks of motifs that are shared by all models or exclusive to one, {len(drawn)} at most; dark: first ranks, "
        f"white: beyond {2 * top}."
    )
    shared = [[one.motifs[i], *map(int, one.rank[i]), *map(float, one.mean_abs[i])] for i in places["all"]]
    columns = ["motif", *(f"rank, {name}" for name in one.models), *(f"mean |SHAP|, {name}" for name in one.models)]
    exclusive = [
        [one.motifs[i], name, int(one.rank[i, k]), *(float(x) for x in one.mean_abs[i])]
        for k, name in enumerate(one.models)
        for i in sorted(places[name], key=lambda i: one.rank[i, k])
    ]
    of_one = ["motif", "model", "rank there", *(f"mean |SHAP|, {name}" for name in one.models)]
    number = f"ranks_{one.name}"
    return [
        Section(f"Shared and exclusive motifs of {one.name}", [text, Plot(_name(number), figure, caption)]),
        Section(f"Shared by all models: {one.name}", [Table(columns, shared)] if shared else ["None."]),
        Section(f"Exclusive to one model: {one.name}", [Table(of_one, exclusive)] if exclusive else ["None."]),
    ]


def _name(text: str) -> str:
    """Fit for a file name."""
    return "".join(letter if letter.isalnum() else "_" for letter in text)


def _method(shown: Shown) -> Section:
    text = (
        "SHAP values by shap's DeepExplainer, against the mean output of references. All inputs of a network are "
        "explained together, so that the values of a region sum to its output less the mean output of the references. "
        "That is checked for every region. The output is the class's logit less the mean logit of the other classes "
        "(of two classes, the log odds), over the model's temperature."
    )
    notes = [
        "A SHAP value says what the model uses, on frequencies as it saw them; not what the cell uses. Motifs of one "
        "family are found at the same sites, and share what they contribute in a way that differs from training to "
        "training."
    ]
    if len(shown.models) > 1:
        notes.append(
            "Sizes depend on the scale of a model's logits; compare ranks. Two trainings of one model on one set "
            "differ too: a motif that is exclusive to a model need not be so to its cells."
        )
    if not all(model.trained_on for model in shown.models):
        names = ", ".join(model.name for model in shown.models if not model.trained_on)
        notes.append(f"The sequences hold no training region of {names}; its references are drawn from all of them.")
    return Section("How contributions are computed", [text, *map(Note, notes)])


def _regions(shown: Shown) -> Section:
    rows = [
        [model.name, model.arch, name, n, available, model.references, f"{model.error:.1g}"]
        for model in shown.models
        for name, (n, available) in model.counts.items()
    ]
    columns = ["model", "architecture", "class", "regions explained", "of", "references", "error of additivity"]
    text = (
        f"The sample is drawn by lot from the regions of each class ({shown.subset}), each by the window that speaks "
        "for it; the references are middle windows of regions that the model was trained on, drawn by lot."
    )
    return Section("The regions", [text, Table(columns, rows)])
