"""Each module of the pipeline is whole: main.nf in nf-core's order, with a meta.yml and environment.yml that agree."""

import re
from pathlib import Path

import pytest
from module_files import Channel, blocks, channels

from crekit import __version__

yaml = pytest.importorskip("yaml")

MODULES = sorted(Path(__file__).parents[2].glob("nextflow/modules/local/*/"))
ORDER = ["tag", "label", "conda", "container", "input", "output", "when", "script", "stub"]
TYPES = {"map", "list", "file", "directory", "string", "integer", "float", "boolean", "eval"}

each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def meta_of(module: Path) -> dict:
    return yaml.safe_load((module / "meta.yml").read_text())


def described(entry: list[dict] | dict) -> tuple[str, ...]:
    """Names of the elements of a channel of meta.yml: a list for a tuple, else one mapping."""
    return tuple(name for one in (entry if isinstance(entry, list) else [entry]) for name in one)


def elements(meta: dict) -> list[tuple[str, dict]]:
    """All that meta.yml describes under input and output."""
    entries = [*meta["input"], *(entry for group in meta["output"].values() for entry in group)]
    mappings = [one for entry in entries for one in (entry if isinstance(entry, list) else [entry])]
    return [pair for mapping in mappings for pair in mapping.items()]


def test_there_are_modules():
    assert len(MODULES) >= 10


@each_module
def test_module_has_its_three_files_and_its_name(module):
    assert sorted(path.name for path in module.iterdir()) == ["environment.yml", "main.nf", "meta.yml"]
    assert f"process {module.name.upper()} {{" in (module / "main.nf").read_text()
    assert meta_of(module)["name"] == module.name


@each_module
def test_main_keeps_the_order_of_blocks(module):
    assert list(blocks(module / "main.nf")) == ORDER


@each_module
def test_every_output_has_a_place_in_the_stub(module):
    stub = "\n".join(blocks(module / "main.nf")["stub"])
    for _, channel in channels(module / "main.nf").outputs:
        for name in channel.elements:
            # An input that is passed on, and what may be missing, need none.
            if name not in ("meta", "genome", "${genome}.gzi"):
                ending = name.rsplit("*", 1)[-1].removeprefix("${prefix}").removeprefix("multiqc_report")
                assert ending in stub, f"{name}: the stub makes no file that ends in {ending}"


@each_module
def test_inputs_of_meta_are_those_of_main(module):
    expected = channels(module / "main.nf").inputs
    found = [Channel(described(entry), isinstance(entry, list), None, None) for entry in meta_of(module)["input"]]
    assert found == expected


@each_module
def test_outputs_of_meta_are_those_of_main(module):
    expected = {name: (channel.elements, channel.is_tuple) for name, channel in channels(module / "main.nf").outputs}
    output = meta_of(module)["output"]
    assert all(len(entries) == 1 for entries in output.values())
    assert {name: (described(one), isinstance(one, list)) for name, (one,) in output.items()} == expected


@each_module
def test_versions_of_meta_are_those_of_main(module):
    expected = [channel.elements for channel in channels(module / "main.nf").topics]
    assert expected, "main.nf sends no version to the topic versions"
    assert [described(entry) for entry in meta_of(module)["topics"]["versions"]] == expected
    assert {elements[1] for elements in expected} == {name for tool in meta_of(module)["tools"] for name in tool}


@each_module
def test_meta_describes_every_element(module):
    meta = meta_of(module)
    assert meta["description"]
    assert len(set(meta["keywords"])) == len(meta["keywords"]) >= 3
    for name, element in elements(meta):
        assert element["type"] in TYPES, name
        assert element["description"].strip(), name
        if element["type"] == "file":
            assert element["pattern"], name
            terms = [term["edam"] for term in element["ontologies"]]
            assert all(re.fullmatch(r"http://edamontology\.org/format_\d{4}", term) for term in terms), name
            assert terms or element["pattern"] == "*.safetensors", f"{name} has no term of EDAM"


@each_module
def test_tools_have_a_licence_and_a_doi_or_say_that_there_is_none(module):
    for tool in meta_of(module)["tools"]:
        for name, about in tool.items():
            assert about["licence"], name
            assert about["doi"] == "no DOI available" or re.fullmatch(r"10\.\d{4,9}/\S+", about["doi"]), name


@each_module
def test_environment_pins_the_version_that_is_tested(module):
    environment = yaml.safe_load((module / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge", "bioconda"]
    tool = "multiqc=1.35" if module.name == "multiqc" else f"crekit={__version__}"
    assert environment["dependencies"] == [f"bioconda::{tool}"]


def test_channels_are_read_with_their_commas_brackets_and_quotes(tmp_path):
    (tmp_path / "main.nf").write_text("""process ONE {
    tag "${meta.id}"
    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(reads, stageAs: 'in?/*'), path(index)
    // Of CRAM files.
    path references, stageAs: 'reference?/*'
    path sizes

    output:
    tuple val(meta), path("*.bed"), path("${prefix}.gzi", arity: '0..1'), emit: regions
    path "*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('one'), eval('one "a, b"'), topic: versions

    script:
    def x = 1
    \"\"\"
    one
    \"\"\"
}
""")
    assert list(blocks(tmp_path / "main.nf")) == ["tag", "conda", "input", "output", "script"]
    found = channels(tmp_path / "main.nf")
    assert [one.elements for one in found.inputs] == [("meta", "reads", "index"), ("references",), ("sizes",)]
    assert [one.is_tuple for one in found.inputs] == [True, False, False]
    assert found.outputs == [
        ("regions", Channel(("meta", "*.bed", "${prefix}.gzi"), True, "regions", None)),
        ("multiqc", Channel(("*_mqc.json",), False, "multiqc", None)),
    ]
    assert [one.elements for one in found.topics] == [("${task.process}", "one", 'one "a, b"')]
