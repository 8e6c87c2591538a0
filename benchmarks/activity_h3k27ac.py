"""Have regions that label-activity calls active more H3K27ac? K562, chr21, PRO-seq.

The label comes from transcription alone, so that the histone mark is an outside witness. Prints, for each way to
cluster and each kind of region, the mean H3K27ac (a base's, ENCODE broadPeak signalValue, 0 outside peaks) of active
and poised regions, and the p value of Mann-Whitney's two-sided test.

    python benchmarks/activity_h3k27ac.py [FOLDER OF REAL DATA]
"""

import os
import sys
from pathlib import Path

import numpy as np
import pyBigWig
from scipy.stats import mannwhitneyu

from crekit.genome.regions import Regions, concatenate
from crekit.labels import activity, elements, evidence, transcription

DATA = Path(os.environ.get("CREKIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def regions_of_chr21(data: Path) -> Regions:
    """Promoters and enhancers of K562 on chr21; p300, TAL1 and GATA1 are the cofactors."""
    k562 = data / "k562"
    seen = evidence.read(
        tss=data / "annotation/gencode.v19.tss.bed.gz",
        open_peaks=k562 / "dnase.narrowPeak.gz",
        cofactors=[k562 / f"{name}.narrowPeak.gz" for name in ("p300", "tfbs_tal1", "tfbs_gata1")],
        h3k4me3=k562 / "h3k4me3.broadPeak.gz",
        sizes=data / "annotation/hg19.chrom.sizes",
        chroms="chr21",
    )
    found = elements.define(seen)
    return concatenate([found.enhancers, found.promoters]).sorted()


def mean_signal(path: Path, regions: Regions) -> np.ndarray:
    """Mean of a bigWig over the bases of each region, bases outside its peaks as 0."""
    with pyBigWig.open(str(path)) as handle:
        spans = zip(regions.chrom, regions.start.tolist(), regions.end.tolist(), strict=True)
        means = [np.nan_to_num(handle.values(*span, numpy=True)).mean() for span in spans]
        return np.array(means, dtype=np.float64)  # float32 would make the smallest p values 0


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    regions = regions_of_chr21(data)
    acetylation = mean_signal(data / "k562/H3K27ac.bw", regions)
    strands = {
        strand: transcription.count([data / f"k562/proseq.chr21.{strand}.bw"], regions) for strand in ("plus", "minus")
    }
    ways = {"both strands": strands, "summed": {"reads": strands["plus"] + strands["minus"]}}
    print("clustered     class      active  poised  dropped  H3K27ac active  H3K27ac poised  ratio  Mann-Whitney p")
    for way, counts in ways.items():
        labels = activity.label(regions, counts).labels
        for name in activity.CLASSES:
            members = regions.name == name
            active, poised = (acetylation[labels == kind + name] for kind in (activity.ACTIVE, activity.POISED))
            dropped = int((members & (labels == activity.DISCORDANT)).sum())
            p = mannwhitneyu(active, poised, alternative="two-sided").pvalue
            print(
                f"{way:<13} {name:<9} {len(active):>7} {len(poised):>7} {dropped:>8} {active.mean():>15.2f} "
                f"{poised.mean():>15.2f} {active.mean() / poised.mean():>6.2f} {p:>15.2g}"
            )


if __name__ == "__main__":
    main()
