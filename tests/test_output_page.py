"""docs/output.md names every file that the pipeline publishes, and no other: read from the modules, not from a run."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = (ROOT / "nextflow/conf/modules.config").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/output.md").read_text(encoding="utf-8")

# What the files of a module are called by, where it is always the same.
NAMED = {"check_signals": "signals"}

# What a stub does not make: written by the engine, or by options and data that a stub does not have.
BEYOND_STUBS = {"matrix.metrics.json", "matrix.metrics.matrix.tsv", "matrix.report.html", "matrix.predictions.tsv"}
OF_THE_RUN = {
    "report.html",
    "timeline.html",
    "trace.txt",
    "dag.html",
    "software_versions.yml",
    "parameters.json",
}


def alternatives(pattern: str) -> list[str]:
    """`*.{bed,json}` as `*.bed` and `*.json`."""
    braces = re.search(r"\{(.*?)\}", pattern)
    return [pattern.replace(braces[0], one) for one in braces[1].split(",")] if braces else [pattern]


def published() -> dict[str, set[str]]:
    """Folder -> files of the stubs that are published there; the prefix of a file is ``x``."""
    found: dict[str, set[str]] = {}
    for name, body in re.findall(r"withName: '(\w+)' \{\n(.*?)\n    \}", CONFIG, re.DOTALL):
        folder = re.search(r'publishDir = .*?params\.outdir\}/([^"]+)"', body)
        assert folder, f"{name} publishes nowhere"
        pattern = re.search(r"pattern: '([^']+)'", body)
        kept = alternatives(pattern[1]) if pattern else ["*"]
        # A glob's * stays in its folder: what lies below is not published.
        files = {
            file for file in stub_files(name.lower()) if "/" not in file and any(fnmatch(file, one) for one in kept)
        }
        found.setdefault(folder[1], set()).update(files)
    return found


def stub_files(module: str) -> set[str]:
    """What the stub of a module makes: the words after touch, mkdir and >."""
    text = (ROOT / f"nextflow/modules/local/{module}/main.nf").read_text(encoding="utf-8")
    _, stub = text.split("stub:")
    default = re.search(r"task\.ext\.prefix \?: '([^']+)'", stub)
    named = stub.replace("${prefix}", default[1] if default else NAMED.get(module, "x"))
    made = re.findall(r"^\s*(touch|mkdir) (.*)$", named, re.MULTILINE)
    files = {word + ("/" if verb == "mkdir" else "") for verb, words in made for word in words.split()}
    files |= set(re.findall(r"> (\S+)$", named, re.MULTILINE))
    return {file.rstrip("/") if file.endswith("_data/") else file for file in files if file != "multiqc/"}


def described() -> dict[str, set[str]]:
    """Folder -> names in the first column of the page's tables; a line that names `FOLDER/parts/` begins another."""
    found: dict[str, set[str]] = {}
    folder = ""
    for line in PAGE.splitlines():
        heading = re.match(r"## (\w+)/$", line)
        below = re.search(r"in `(\w+/parts)/`", line)
        if heading or below:
            folder = (heading or below)[1]  # type: ignore[index]
        row = re.match(r"\| `([^`]+)` \|", line)
        if row:
            found.setdefault(folder, set()).add(row[1].rstrip("/"))
    return found


def fits(file: str, name: str) -> bool:
    """`x.enhancer.bw` fits `SCAN.CLASS.bw`: a word in capitals stands for one part."""
    return re.fullmatch(re.sub(r"\b[A-Z]+\b", "[^.]+", name.replace(".", r"\.")), file) is not None


FOLDERS = published()
ROWS = described()


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_published_file_is_on_the_page(folder: str) -> None:
    missing = {file for file in FOLDERS[folder] if not any(fits(file, name) for name in ROWS.get(folder, ()))}
    assert FOLDERS[folder]
    assert not missing


@pytest.mark.parametrize("folder", sorted(ROWS.keys() - {"pipeline_info"}))
def test_every_file_of_the_page_is_published(folder: str) -> None:
    invented = {name for name in ROWS[folder] if not any(fits(file, name) for file in FOLDERS.get(folder, ()))}
    assert invented - BEYOND_STUBS == set()


def test_the_page_names_what_the_run_itself_writes() -> None:
    assert ROWS["pipeline_info"] == OF_THE_RUN


def test_a_word_in_capitals_stands_for_one_part_of_a_name() -> None:
    assert fits("x.enhancer.bw", "SCAN.CLASS.bw")
    assert not fits("x.markers.bed", "SCAN.bed")
    assert not fits("x.bed.gz", "SCAN.bed")


def test_the_files_of_a_stub_are_read() -> None:
    assert stub_files("join_tracks") == {"x.tracks.h5", "x.chroms.txt", "multiqc/x.reads_mqc.json"}
    assert stub_files("evaluate_model") >= {"x.metrics.json", "x.report.html", "x.predictions.tsv"}
    assert stub_files("multiqc") == {"multiqc_report.html", "multiqc_report_data"}
