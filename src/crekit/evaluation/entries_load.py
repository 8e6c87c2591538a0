"""Which model files are judged as one."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from crekit.errors import InputError
from crekit.evaluation.entries import ENSEMBLE, Entry, fold_of, run_of, trained_from
from crekit.models import file as model_file
from crekit.models.file import Model
from crekit.models.registry import SEQUENCE

Named = tuple[str | None, Path]

_OF_FOLD = re.compile(r"\.fold\d+$")


def with_folds(named: Sequence[Named]) -> list[Named]:
    """Paths of models, where ``cnn.safetensors`` that is not there stands for ``cnn.fold1.safetensors`` and so on."""
    found: list[Named] = []
    for name, path in named:
        folds = [] if path.exists() else sorted(path.parent.glob(f"{glob.escape(path.stem)}.fold*{path.suffix}"))
        folds = [one for one in folds if _OF_FOLD.search(one.stem)]
        found += [(name, one) for one in folds or [path]]
    return found


def load(named: Sequence[Named], ensemble: bool = False) -> dict[str, Entry]:
    """What is to be judged, by name: the one given, or the file's stem (for several folds, without ``.foldN``).

    Models of one group are the folds of one run, and one entry. So are models that were given one name, where each was
    trained on another data set.

    Raises
    ------
    InputError
        If a file is no model, models take tracks and sequences, two have one name, a fold is given twice, or an
        ensemble is asked of one model.
    """
    loaded = [(name, path, model_file.load(path)) for name, path in named]
    for _, path, model in loaded[1:]:
        if model.settings.input != loaded[0][2].settings.input:
            kinds = ["sequences" if one.settings.input == SEQUENCE else "tracks" for one in (model, loaded[0][2])]
            raise InputError(f"{path}: a model of {kinds[0]}, but {loaded[0][1]} is one of {kinds[1]}; run them apart")
    found: dict[str, list[tuple[bool, Path, Model]]] = {}
    for name, path, model in loaded:
        label = _label(name, model, loaded)
        found.setdefault(label, []).append((name is not None, path, model))
    if ensemble and len(loaded) < 2:
        raise InputError("--ensemble averages several models; give -m more than once")
    if ensemble and ENSEMBLE in found:
        raise InputError(f"a model is called {ENSEMBLE}, as --ensemble will be; name it: -m NAME=PATH")
    return {label: _entry(label, members) for label, members in found.items()}


def _label(name: str | None, model: Model, loaded: Sequence[tuple[str | None, Path, Model]]) -> str:
    group = model.settings.group
    together = [other for other in loaded if group and other[2].settings.group == group]
    given = sorted({other for other, _, _ in together if other})
    if len(given) > 1:
        raise InputError(f"folds of one run are called {' and '.join(given)}; they are judged as one: give one name")
    if given or name:
        return str(name or given[0])
    return _OF_FOLD.sub("", model.name) if len(together) > 1 else model.name


def _entry(label: str, members: Sequence[tuple[bool, Path, Model]]) -> Entry:
    first_of: dict[str, Model] = {}
    seen: set[tuple[str, int]] = set()
    for named, path, model in members:
        run = run_of(model)
        if model.settings.group and (run, fold_of(model)) in seen:
            raise InputError(f"{path}: fold {fold_of(model)} of {label} is given twice; give each fold once")
        alone = not model.settings.group and run in first_of
        others = [other for key, other in first_of.items() if key != run]
        apart = named and all(trained_from(model) and trained_from(model) != trained_from(one) for one in others)
        if alone or (others and not apart):
            raise InputError(f"{path}: two models are called {label}; name them: -m NAME={path.name}")
        first_of.setdefault(run, model)
        seen.add((run, fold_of(model)))
    order = {run: i for i, run in enumerate(first_of)}
    return Entry(tuple(sorted((m for _, _, m in members), key=lambda m: (order[run_of(m)], fold_of(m)))))
