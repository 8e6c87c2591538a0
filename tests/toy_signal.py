"""A tiny world for judging models: two marks, elements on a grid, and networks whose answers are known by hand.

Every chromosome has 100 tiles of 2,000 bases. Mark A is 9 under enhancers, mark B is 9 under promoters, both are 1
elsewhere; the last 10 tiles of a chromosome hold no signal at all.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from crekit.genome.regions import Regions, make
from crekit.models.file import SignalModel, SignalSettings
from crekit.signal import tracks as store
from crekit.training.data_sets import DataSet

CLASSES = ["background", "enhancer", "promoter"]
CHROMS = ["chr1", "chr2", "chr3"]
WIDTH, TILES = 2000, 100
ENHANCERS, PROMOTERS = (3, 10, 20, 33, 47), (6, 27, 50, 71)  # tiles
BACKGROUND = (0, 15, 40, 60, 80, 92, 95)  # the last two hold no signal


class Sums(nn.Module):
    """Logits: 2 for background, 0.5 a mean of mark A for enhancers, 0.5 a mean of mark B for promoters.

    So what holds 9 is found and what holds 1 is not. `order` puts the outputs in another order.
    """

    def __init__(self, order: tuple[int, ...] = (0, 1, 2), noise: float = 0.0) -> None:
        super().__init__()
        self.order, self.noise = list(order), noise

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        means = x.mean(dim=2)
        wrong = self.noise * torch.sin(1000 * x.std(dim=2))  # depends on the site alone
        logits = torch.cat([torch.full((len(x), 1), 2.0), 0.5 * means + wrong], dim=1)
        return logits[:, self.order]


def settings(**changes: object) -> SignalSettings:
    made = {
        "arch": "deepregfinder-cnn",
        "classes": CLASSES,
        "marks": ["A", "B"],
        "bin_size": 100,
        "n_bins": 20,
        "sizes": dict.fromkeys(CHROMS, WIDTH * TILES),
        "kinds": {"A": "values", "B": "values"},
        "normalise": "none",
        "min_nonzero": 5,
        "mean": [0.0, 0.0],
        "std": [1.0, 1.0],
        "split": {"kind": "chromosomes", "train": ["chr1"], "val": ["chr2"], "test": ["chr3"]},
        "training": {},
        "counts": {part: dict.fromkeys(CLASSES, 1) for part in ("train", "val", "test")} | {"dropped": {}},
        "record": {"options": {}, "inputs": []},
    }
    return SignalSettings(**(made | changes))  # type: ignore[arg-type]


def model(network: nn.Module | None = None, **changes: object) -> SignalModel:
    return SignalModel(settings(**changes), (network or Sums()).eval(), sha256="0" * 64)


def regions(chroms: list[str] | None = None) -> Regions:
    columns = [
        (chrom, tile * WIDTH, (tile + 1) * WIDTH, name)
        for chrom in chroms or CHROMS
        for name, tiles in (("enhancer", ENHANCERS), ("promoter", PROMOTERS), ("background", BACKGROUND))
        for tile in tiles
    ]
    return make(*zip(*columns, strict=True))


def write_tracks(path: Path, *, wobble: float = 0.0, extra: tuple[int, ...] = ()) -> Path:
    """Tracks of both marks. `extra` tiles look like enhancers and are none; `wobble` makes every bin differ.

    An `extra` tile past 90 has signal in its first bin alone.
    """
    rng = np.random.default_rng(5)
    with store.create(path, dict.fromkeys(CHROMS, WIDTH * TILES), 100, "none") as writer:
        for mark, elements in (("A", (*ENHANCERS, *extra)), ("B", PROMOTERS)):
            record = {"inputs": [{"role": "reads", "name": "", "sha256": mark}]}
            track = writer.add(store.Track(mark, store.SIGNAL, store.VALUES, record))
            for chrom in CHROMS:
                tiles = np.ones((TILES, 20))
                tiles[list(elements)] = 9
                tiles += wobble * rng.random(tiles.shape)
                tiles[90:] = 0
                tiles[[tile for tile in elements if tile >= 90], 0] = 180
                track.put(chrom, tiles.ravel())
            track.finish(0)
    return path


def data_set(path: Path, name: str = "", chroms: list[str] | None = None) -> DataSet:
    return DataSet(name, path, regions(chroms), "1" * 64)
