"""The page of an extraction of motifs: logos over the known motifs that they match, and all figures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crekit.motifs import logos
from crekit.motifs.compare import Match
from crekit.motifs.found import Found
from crekit.motifs.pwm import Motif, information
from crekit.report.page import Note, Page, Plot, Section, Table, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMN, _HEIGHT, _MARGIN = 0.165, 1.7, 0.75  # inches
_LEAST_COLUMNS = 14  # a figure is at least so wide, for its titles


def page(found: Found, most: int = 20) -> Page:
    """The whole page.

    Parameters
    ----------
    found : Found
    most : int
        How many motifs are drawn.
    """
    best = best_matches(found.matches)
    counted = [match for match in best.values() if match.counted]
    figures: list[tuple[str, Any]] = [("motifs", len(found.motifs))]
    if found.silent:
        figures.append(("kernels that nothing activates", found.silent))
    if found.database:
        figures += [("with a match", len(best)), ("with one that counts", len(counted))]
    if found.untrained:
        figures.append(
            ("and rarer than 1 in 20 untrained kernels", sum((match.empirical or 0) <= 0.05 for match in counted))
        )
    lead = f"Motifs of a {found.arch}, {_METHODS[found.method]}"
    if found.database:
        lead += f", compared with {found.n_targets:,} known motifs ({found.database})"
    order = ranked(found, best)
    sections = [_matching(found)] if found.database else []
    return Page(
        "Motifs",
        lead + ".",
        figures,
        [*sections, _logos(order[:most], len(order), best), _all(found, order, best)],
        found.record,
    )


_METHODS = {
    "enumerate": "from all words that activate a kernel of its first layer",
    "activation": "from the sites of real sequences that activate a kernel of its first layer",
    "attribution": "from the places of real sequences that its predictions rest on",
}


def best_matches(matches: Sequence[Match]) -> dict[str, Match]:
    """Of each motif that has one, its best match: the first that counts, else the first."""
    best: dict[str, Match] = {}
    for match in matches:
        name = match.motif.name
        if name not in best or (match.counted and not best[name].counted):
            best[name] = match
    return best


def ranked(found: Found, best: dict[str, Match]) -> list[Motif]:
    """The motifs: those with a match that counts by its empirical p-value and p-value, then all by information."""

    def key(motif: Motif) -> tuple[float, ...]:
        match, bits = best.get(motif.name), float(information(motif.matrix, found.rule.background).sum())
        if match is None or not match.counted:
            return (1, 0, 0, -bits)
        return (0, match.empirical or 0, match.p, -bits)

    return sorted(found.motifs, key=key)


def _matching(found: Found) -> Section:
    rule = found.rule
    blocks: list[Any] = [
        f"Tomtom's comparison by Euclidean distance, both orientations; matches with an E-value below "
        f"{rule.max_evalue:g}. A match counts if at least {rule.min_columns} aligned columns "
        f"hold {rule.min_bits:g} bits or more, in the motif and in what it matches."
    ]
    if found.untrained:
        untrained = found.untrained
        blocks.append(
            Note(
                f"Flat motifs match something in any large database. Of {untrained.n_kernels:,} kernels of "
                f"{untrained.n_networks} untrained networks of this architecture, {untrained.matching:,} match at "
                f"E < {rule.max_evalue:g}, and {untrained.counted:,} have a match "
                "that counts. The empirical p-value of a match is the share of those kernels whose best counted match "
                "is as good; it says whether a kernel learned something, where the E-value does not."
            )
        )
    return Section("What a match means", blocks)


def _logos(drawn: Sequence[Motif], n: int, best: dict[str, Match]) -> Section:
    text = (f"The first {len(drawn)} of {n} motifs" if len(drawn) < n else f"All {n} motifs") + (
        ", those with a match that counts first. Letters are as high as their share of a column's information "
        "content; every logo has a scale of its own. Below a motif stands its match, aligned, reverse complemented "
        "where (-) says so."
    )
    plots = [
        Plot(motif.name, aligned(motif, best.get(motif.name)), _caption(motif, best.get(motif.name))) for motif in drawn
    ]
    return Section("Logos", [text, *plots])


def _caption(motif: Motif, match: Match | None) -> str:
    text = f"{information(motif.matrix).sum():.2f} bits, {motif.nsites:,} sites."
    if match is None:
        return text + " No match."
    text += f" E = {match.evalue:.2g}, {match.informative} informative columns"
    if not match.counted:
        return text + ": does not count."
    return text + (f", empirical p = {match.empirical:.2g}." if match.empirical is not None else ".")


def _target(match: Match) -> str:
    return " ".join(filter(None, (match.target.name, match.target.alternative)))


def aligned(motif: Motif, match: Match | None) -> "Figure":
    """A motif's logo, and below it that of its match in the same columns.

    Parameters
    ----------
    motif : Motif
    match : Match, optional
    """
    from matplotlib.figure import Figure

    first = -match.offset if match else 0  # where the target begins, in columns of the motif
    low, high = (min(0, first), max(motif.width, first + match.target.width)) if match else (0, motif.width)
    spare = max(0, _LEAST_COLUMNS - (high - low))
    low, high = low - spare // 2, high + spare - spare // 2
    rows = 2 if match else 1
    with style():
        size = ((high - low) * _COLUMN + _MARGIN, _HEIGHT if match else 0.62 * _HEIGHT)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
        _logo(axes[0], motif, 0, motif.name)
        if match:
            target = match.target if match.orientation == "+" else match.target.reverse_complement()
            _logo(axes[1], target, first, f"{_target(match)} ({match.orientation})")
        for one in axes:
            one.set_xlim(low - 0.5, high - 0.5)
    return figure


def _logo(axes: "Axes", motif: Motif, first: int, title: str) -> None:
    logos.draw(axes, motif, first=first)
    axes.set_title(title, loc="left", fontsize=8, fontweight="normal", pad=2)
    top = max(float(information(motif.matrix).max()), 1e-6)
    axes.set(ylim=(0, top), xticks=[], yticks=[0, top])
    axes.set_yticklabels(["0", f"{top:.2g}"], fontsize=7)
    axes.set_ylabel("bits", fontsize=7, labelpad=1)
    axes.spines[["left", "bottom"]].set_visible(True)


def _all(found: Found, order: Sequence[Motif], best: dict[str, Match]) -> Section:
    columns = ["motif", "consensus", "bits", "sites", "share"]
    if found.database:
        columns += ["best match", "p", "E", "q", "strand", "informative columns", "counted"]
    if found.untrained:
        columns += ["empirical p"]
    rows = [_row(motif, best.get(motif.name), found)[: len(columns)] for motif in order]
    caption = (
        "Consensus: bases with a probability above one half. Sites: activating words, activating sites or seqlets; "
        "share: of all words, places or sequences. All matches stand in the TSV."
    )
    return Section("All motifs", [Table(columns, rows, caption)])


def _row(motif: Motif, match: Match | None, found: Found) -> list[Any]:
    share = motif.notes.get("share_sites", motif.notes.get("share_sequences"))
    bits = float(information(motif.matrix, found.rule.background).sum())
    row = [motif.name, motif.consensus, bits, motif.nsites, share]
    if match is None:
        return [*row, "", *[None] * 3, "", None, "", None]
    counted = "yes" if match.counted else "no"
    return [
        *row,
        _target(match),
        match.p,
        match.evalue,
        match.q,
        match.orientation,
        match.informative,
        counted,
        match.empirical,
    ]
