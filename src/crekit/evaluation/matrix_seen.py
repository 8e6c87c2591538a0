"""Which regions of a data set each model may be judged by: those that it has learned nothing from.

Of a data set that a model was trained on, these are its test regions. Of any other, they are all regions but those that
overlap a training or validation region, lie on ground that the split gave to training or validation, or have the DNA of
such a region (either strand). What a model's weights began with (``--init-from``) counts as training, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crekit.evaluation.entries import Entry, trained_from
from crekit.evaluation.seen import near_training
from crekit.genome.regions import Regions
from crekit.models.file import Model
from crekit.training import splits


@dataclass(frozen=True)
class Held:
    """A data set as far as it matters who has seen it.

    Parameters
    ----------
    name : str
    regions : Regions
    ids : np.ndarray, shape (n_regions,), object
        ``chrom:start-end``, or the names of the records of a FASTA.
    sums : frozenset of str
        Checksums of its files.
    elsewhere : frozenset of str
        Entries whose training regions have no place among these: another genome, or records of a FASTA.
    chroms : tuple of str
        Chromosomes that there are; empty for records of a FASTA.
    dna : np.ndarray, shape (n_regions,), int64, optional
        A number of the DNA of each region, shared by all data sets; none for tracks.
    """

    name: str
    regions: Regions
    ids: np.ndarray
    sums: frozenset[str]
    elsewhere: frozenset[str] = frozenset()
    chroms: tuple[str, ...] = ()
    dna: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def placed(self) -> bool:
        """Whether the regions lie on a genome."""
        return bool(self.chroms)


@dataclass(frozen=True)
class Unseen:
    """What an entry may be judged by on a data set.

    Parameters
    ----------
    own : bool
        Whether it was trained on this data set.
    judges : np.ndarray, shape (n_models, n_regions), bool
        Which of the entry's models have not seen which region. Where several have not, the mean of them counts.
    copies : np.ndarray, shape (n_regions,), bool
        Regions that no model may judge only because of their DNA.
    same_dna : int
        Of its own test regions, how many have the DNA of a training region. They are scored nevertheless.
    unknown : list of str
        What cannot be known, a line each.
    """

    own: bool
    judges: np.ndarray
    copies: np.ndarray
    same_dna: int
    unknown: list[str]


def is_own(model: Model, data: Held) -> bool:
    """Whether a model was trained on a data set: on these very files."""
    return data.sums <= trained_from(model)


def unseen(name: str, entries: Mapping[str, Entry], data: Held, given: Sequence[Held]) -> Unseen:
    """What an entry may be judged by on a data set.

    Parameters
    ----------
    name : str
        Of the entry.
    entries : mapping of str to Entry
        All that are judged: a model whose weights another began with is looked for among them.
    data : Held
    given : sequence of Held
        All data sets of the matrix, to find training DNA in.
    """
    models = entries[name].models
    own = [is_own(model, data) for model in models]
    judges = np.zeros((len(models), len(data)), dtype=bool)
    copies = np.zeros((len(models), len(data)), dtype=bool)
    same = np.zeros(len(data), dtype=bool)
    unknown: dict[str, None] = {}
    for i, model in enumerate(models):
        if any(own) and not own[i]:  # models of one name, each trained on a data set of its own
            continue
        before, stranger = _ancestors(model, entries)
        if stranger:
            unknown["its weights began with a model that was not given; what that one has seen is not known"] = None
        learned = _learned(model, name, data)
        for of_entry, ancestor in before:
            learned |= _learned(ancestor, of_entry, data)
            copies[i] |= _copies(ancestor, data, given)
        if not own[i]:
            copies[i] |= _copies(model, data, given)
            if _is_blind(name, model, data, given):
                unknown["its training data were not given; which of these sequences it has seen is not known"] = None
        elif data.dna is not None:
            test = splits.members(model.settings.split, "test", data.regions, data.ids)
            train = splits.members(model.settings.split, "train", data.regions, data.ids)
            same |= test & np.isin(data.dna, data.dna[train])
        judges[i] = ~learned
    free = (judges & ~copies).any(axis=0)
    only_copies = np.logical_and(judges.any(axis=0), ~free)
    return Unseen(any(own), judges & ~copies, only_copies, int((same & free).sum()), list(unknown))


def _learned(model: Model, name: str, data: Held) -> np.ndarray:
    """Regions that a model may have learned from, by their names and places, shape (n_regions,), bool."""
    split = model.settings.split
    if is_own(model, data):
        return ~splits.members(split, "test", data.regions, data.ids)
    if not data.placed or name in data.elsewhere:
        return np.zeros(len(data), dtype=bool)
    # Validation regions chose the epoch: they count as training.
    whole = replace(model.settings, split={**split, "train": [*split["train"], *split["val"]]})
    return near_training(data.regions, whole, distance=0)


def _copies(model: Model, data: Held, given: Sequence[Held]) -> np.ndarray:
    """Regions with the DNA of a training or validation region of a model, where its data sets are given."""
    if data.dna is None:
        return np.zeros(len(data), dtype=bool)
    trained = [
        one.dna[
            splits.members(model.settings.split, "train", one.regions, one.ids)
            | splits.members(model.settings.split, "val", one.regions, one.ids)
        ]
        for one in given
        if one.dna is not None and is_own(model, one)
    ]
    return np.isin(data.dna, np.concatenate(trained)) if trained else np.zeros(len(data), dtype=bool)


def _is_blind(name: str, model: Model, data: Held, given: Sequence[Held]) -> bool:
    """Whether neither places nor DNA can tell what a model has seen of sequences."""
    known = frozenset[str]().union(*(one.sums for one in given))
    return data.dna is not None and (not data.placed or name in data.elsewhere) and not trained_from(model) <= known


def _ancestors(model: Model, entries: Mapping[str, Entry]) -> tuple[list[tuple[str, Model]], bool]:
    """The models that a model's weights go back to, with their entries; and whether one of them was not given."""
    by_sum = {one.sha256: (name, one) for name, entry in entries.items() for one in entry.models}
    found: dict[str, tuple[str, Model]] = {}
    stranger, left = False, [model]
    while left:
        for one in left.pop().settings.record["inputs"]:
            if one["role"] != "init-from" or one["sha256"] in found:
                continue
            if one["sha256"] not in by_sum:
                stranger = True
                continue
            found[one["sha256"]] = by_sum[one["sha256"]]
            left.append(by_sum[one["sha256"]][1])
    return list(found.values()), stranger
