"""What a genome browser shows of a scan: lines of BED9, colours, and an IGV session."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

import numpy as np

from crekit.scanning.blocks import Blocks

_COLOURS = {
    "active_enhancer": "255,140,0",
    "enhancer": "255,140,0",
    "poised_enhancer": "189,183,107",
    "active_promoter": "214,39,40",
    "promoter": "214,39,40",
    "poised_promoter": "205,92,142",
}
_OTHER_COLOURS = ("31,119,180", "44,160,44", "148,103,189", "140,86,75", "23,190,207", "127,127,127")

# fmt: off
_GENOMES = {  # sizes of chromosomes 1 to 22
    "hg19": (
        249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
        135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520,
        48129895, 51304566,
    ),
    "hg38": (
        248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422,
        135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167,
        46709983, 50818468,
    ),
}
# fmt: on


def genome_of(sizes: Mapping[str, int]) -> str | None:
    """The human genome build that chromosome sizes are of (IGV's id), or None for another genome."""
    for genome, known in _GENOMES.items():
        if any(sizes.get(f"{prefix}{i}") == size for i, size in enumerate(known, 1) for prefix in ("chr", "")):
            return genome
    return None


def colours(classes: Sequence[str]) -> dict[str, str]:
    """Class -> ``red,green,blue``: fixed for the known classes, from a list for others."""
    others = [name for name in classes if name not in _COLOURS]
    return _COLOURS | {name: _OTHER_COLOURS[i % len(_OTHER_COLOURS)] for i, name in enumerate(others)}


def bed_lines(blocks: Blocks, classes: Sequence[str]) -> str:
    """Blocks as BED9: chrom, start, end, class, score, ``.``, start, end, colour.

    The score is the highest probability times 1000, rounded to an integer as browsers demand.
    """
    colour = colours(classes)
    regions = blocks.regions
    scores = np.round(blocks.score.astype(np.float64) * 1000).astype(int)
    columns = zip(regions.chrom, regions.start, regions.end, regions.name, scores, strict=True)
    return "".join(
        f"{chrom}\t{start}\t{end}\t{name}\t{score}\t.\t{start}\t{end}\t{colour[name]}\n"
        for chrom, start, end, name, score in columns
    )


def igv_session(bed: str, bigwigs: Mapping[str, str], genome: str | None) -> str:
    """An IGV session (XML) that shows the blocks and the probabilities of each class.

    Parameters
    ----------
    bed : str
        Path of the blocks, relative to the session file.
    bigwigs : mapping of str to str
        Class -> path of its probabilities, likewise.
    genome : str, optional
        IGV's id; without it, IGV keeps the genome that it shows.
    """
    colour = colours(list(bigwigs))
    session = ElementTree.Element("Session", {"genome": genome} if genome else {}, locus="All", version="8")
    resources = ElementTree.SubElement(session, "Resources")
    for path, kind in [(bed, "bed"), *((path, "bw") for path in bigwigs.values())]:
        ElementTree.SubElement(resources, "Resource", path=path, type=kind)
    panel = ElementTree.SubElement(session, "Panel", name="DataPanel")
    ElementTree.SubElement(panel, "Track", id=bed, name="blocks", displayMode="EXPANDED", visible="true")
    for name, path in bigwigs.items():
        # The height and the fixed scale let the classes be compared by eye.
        look = {"color": colour[name], "height": "50", "renderer": "BAR_CHART", "autoScale": "false", "visible": "true"}
        track = ElementTree.SubElement(panel, "Track", {"id": path, "name": name, **look})
        scale = {"type": "LINEAR", "minimum": "0.0", "baseline": "0.0", "maximum": "1.0"}
        ElementTree.SubElement(track, "DataRange", scale)
    ElementTree.indent(session)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(session, encoding="unicode") + "\n"
