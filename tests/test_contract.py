"""The contract that every executable keeps: one walk over all of pyproject.toml's scripts, on the data of examples/.

A new tool joins by its line in pyproject.toml and needs a line in `RUNS`.
"""

import importlib
import json
import os
import re
import resource
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from running import run_executable

from crekit import __version__

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = REPOSITORY / "examples" / "data"
SCRIPTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
TOOLS = [name for name in SCRIPTS if name != "crekit"]
HEAVY = (
    "torch",
    "sklearn",
    "scipy",
    "pysam",
    "numpy",
    "numba",
    "pandas",
    "h5py",
    "matplotlib",
    "pybedtools",
    "pyBigWig",
)

# One short run of each tool, in the order in which one feeds the next. {data} is examples/data, {made} holds a small
# genome and what the runs before wrote, {out} is where to write.
SPLIT = "--train chr15 --val chr13 --test chr16"
SITES = "-t {made}/tracks.h5 -r {made}/regions.bed"
RUNS = {
    "define-regions": "--tss {data}/gencode.v19.tss.bed.gz --open {data}/dnase.narrowPeak.gz "
    "--cofactor {data}/p300.narrowPeak.gz --h3k4me3 {data}/h3k4me3.broadPeak.gz --sizes {data}/hg19.chrom.sizes "
    "--blacklist {data}/hg19-blacklist.v2.bed.gz --chroms chr13,chr15,chr16 --background 900 "
    "-o {out}/regions.bed --markers-output {out}/markers.bed",
    "count-bins": "{data}/H3K4me1.bw {data}/H3K4me3.bw -o {out}/tracks.h5",
    "label-activity": "-r {made}/regions.bed --reads {data}/H3K27ac.bw -o {out}/labelled.bed",
    "sample-background": "-r {made}/positives.bed -g {made}/genome.fa -o {out}/background.bed",
    "encode-seq": "-r {made}/positives.bed -r {made}/background.bed -g {made}/genome.fa --window 60 --stride 20 "
    "-o {out}/sequences.h5",
    "train-embedding": "-g {made}/genome.fa -o {out}/vectors.h5 --k 2-3 --dimension 10 --epochs 1 --min-count 1",
    "train-model": f"--arch deepregfinder-cnn {SITES} {SPLIT} --epochs 1 -o {{out}}/model.safetensors",
    "evaluate-model": f"-m {{made}}/model.safetensors {SITES} --bootstrap 99 -o {{out}}/metrics.json "
    "--html {out}/report.html",
    "scan-genome": "-m {made}/model.safetensors -t {made}/tracks.h5 --chroms chr16 --step 1000 -o {out}/scan",
    "extract-motifs": "-m {made}/net.safetensors -o {out}/motifs.meme --html {out}/motifs.html",
    "explain-model": f"-m {{made}}/model.safetensors {SITES} -o {{out}}/explanation.html",
    "score-variants": "-m {made}/net.safetensors -g {made}/genome.fa --vcf {made}/variants.vcf -o {out}/scored.vcf",
    "audit-dataset": "-s {made}/sequences.h5 -o {out}/audit.json --html {out}/audit.html --tsv {out}/audit.tsv",
}
# A second kind of run, made once by the same tool: what the tools behind it need besides, or other models.
ALSO = {
    "train-model": "--arch deepenhancer-6conv3pool6norm -s {made}/sequences.h5 --random 0.6,0.2,0.2 --epochs 1 "
    "-o {out}/net.safetensors",
    "explain-model": "-m {made}/net.safetensors -s {made}/sequences.h5 --per-class 5 --shuffles 2 "
    "-o {out}/contributions.html --table {out}/contributions.tsv",
}

# One name, one meaning, one default, in every tool that has the option (cli.md).
FLAGS = {
    "--output": ["-o", "--output"],
    "--regions": ["-r", "--regions"],
    "--tracks": ["-t", "--tracks"],
    "--sequences": ["-s", "--sequences"],
    "--model": ["-m", "--model"],
    "--genome": ["-g", "--genome"],
    "--threads": ["-p", "--threads"],
    "--quiet": ["-q", "--quiet"],
}
DEFAULTS = {"--threads": 2, "--seed": 1, "--device": "auto", "--quiet": False, "--log-file": None, "--debug": False}

tools = pytest.mark.parametrize("name", TOOLS)


def load(name: str):
    """The app of a tool."""
    module, attribute = SCRIPTS[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def arguments(name: str, made: Path | str, out: Path | str) -> list[str]:
    return [part.format(data=DATA, made=made, out=out) for part in RUNS[name].split()]


@pytest.fixture
def call(capfd) -> Callable[..., tuple[int, str, str]]:
    """Run a tool in this process, which saves loading the libraries each time: status, stdout, stderr."""

    def run(name: str, *args: object) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            load(name)([str(arg) for arg in args])
        return ended.value.code, *capfd.readouterr()

    return run


def assert_refused(name: str, ended: tuple[int, str, str], *mentions: str) -> None:
    """Exit status 2, nothing on standard output, one line on standard error that says who speaks and what of."""
    status, out, err = ended
    assert err.startswith(f"{name}: error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert (status, out) == (2, "")
    for mention in mentions:
        assert mention in err


# --- what each says of itself


@pytest.mark.parametrize("name", SCRIPTS)
def test_version_is_name_and_version_and_nothing_else(name):
    ended = run_executable(name, "--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{name} {__version__}\n", "")


@tools
def test_crekit_runs_every_tool(name):
    ended = run_executable("crekit", name, "--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{name} {__version__}\n", "")


def test_crekit_lists_every_tool():
    for args in ((), ("--help",)):
        ended = run_executable("crekit", *args)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert re.findall(r"^  ([a-z]+-[a-z]+) +\S", ended.stdout, flags=re.M) == TOOLS
        assert "Example:" in ended.stdout


def test_crekit_refuses_what_is_no_tool():
    ended = run_executable("crekit", "find-genes")
    assert_refused("crekit", (ended.returncode, ended.stdout, ended.stderr), "'find-genes'")


HELP = """
import importlib, sys
module, name = sys.argv[1].split(":")
try:
    getattr(importlib.import_module(module), name)(["--help"])
except SystemExit as ended:
    print(ended.code, *(heavy for heavy in sys.argv[2:] if heavy in sys.modules), file=sys.stderr)
"""


@tools
def test_help_is_quick_fits_the_screen_and_gives_an_example(name):
    environment = {**os.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-c", HELP, SCRIPTS[name], *HEAVY]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ended.stderr == "0\n"  # the status, and no heavy library behind it
    lines = ended.stdout.splitlines()
    assert f"Example: {name} " in ended.stdout
    assert len(lines) <= 75
    assert max(map(len, lines)) <= 100


@tools
def test_help_speaks_of_every_option(name):
    options = typer.main.get_command(load(name)).params
    assert not [option.name for option in options if not getattr(option, "help", None)]


def test_shared_options_have_the_same_flags_and_defaults_everywhere():
    wrong = []
    for name in TOOLS:
        for option in typer.main.get_command(load(name)).params:
            for flag in option.opts:
                if flag in FLAGS and sorted(option.opts) != sorted(FLAGS[flag]):
                    wrong.append((name, option.opts))
                if flag in DEFAULTS and option.default != DEFAULTS[flag]:
                    wrong.append((name, flag, option.default))
    assert not wrong


def test_every_tool_has_the_common_options():
    for name in TOOLS:
        flags = {flag for option in typer.main.get_command(load(name)).params for flag in option.opts}
        assert {"--quiet", "--log-file", "--debug", "--version"} <= flags, name


def test_every_tool_has_a_run_here():
    assert list(RUNS) == TOOLS


# --- wrong usage and wrong input


@tools
def test_an_unknown_option_is_refused_in_one_line(name, call):
    assert_refused(name, call(name, "--no-such-option"), "--no-such-option", f"(see {name} --help)")


@tools
def test_no_options_are_refused_in_one_line(name, call):
    assert_refused(name, call(name))


@tools
def test_crekit_speaks_with_both_names(name):
    ended = run_executable("crekit", name, "--no-such-option")
    assert_refused(f"crekit {name}", (ended.returncode, ended.stdout, ended.stderr), "--no-such-option")


@tools
@pytest.mark.xdist_group("contract")
def test_an_output_in_a_missing_folder_is_refused_before_the_work(name, call, made, tmp_path):
    place = tmp_path / "none"
    assert_refused(name, call(name, *arguments(name, made, place)), str(place))
    assert not place.exists()


@tools
@pytest.mark.xdist_group("contract")
def test_a_log_in_a_missing_folder_is_refused(name, call, made, tmp_path):
    log = tmp_path / "none" / "log"
    assert_refused(name, call(name, *arguments(name, made, tmp_path), "--log-file", log), str(log))
    assert os.listdir(tmp_path) == []


def missing(path: Path, spoilt: Path) -> None:
    """Nothing stands there."""


def empty(path: Path, spoilt: Path) -> None:
    spoilt.touch()


def folder(path: Path, spoilt: Path) -> None:
    spoilt.mkdir()


def noise(path: Path, spoilt: Path) -> None:
    spoilt.write_bytes(bytes(range(128, 256)) * 64)


def other(path: Path, spoilt: Path) -> None:
    """A text that is no table."""
    spoilt.write_text("Dear reader,\nthis is a letter.\n" * 50)


def truncated(path: Path, spoilt: Path) -> None:
    content = path.read_bytes()
    spoilt.write_bytes(content[: len(content) // 5])


SPOILERS = [missing, empty, folder, noise, other, truncated]


def inputs(name: str) -> list[str]:
    """The arguments of a tool's run that are files, as in `RUNS`."""
    return [part for part in RUNS[name].split() if part.startswith(("{data}", "{made}"))]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize(
    ("name", "part"), [(name, part) for name in RUNS for part in inputs(name)], ids=lambda text: Path(text).name
)
@pytest.mark.xdist_group("contract")
def test_a_wrong_input_is_refused_in_one_line_that_names_it(name, part, spoil, call, made, tmp_path):
    path = Path(part.format(data=DATA, made=made))
    if spoil is truncated and path.suffix in {".bed", ".sizes", ".vcf", ".fa"}:
        pytest.skip("the beginning of a plain table may be a table")
    spoilt, out = tmp_path / f"spoilt{''.join(path.suffixes[-2:])}", tmp_path / "out"
    spoil(path, spoilt)
    out.mkdir()
    args = [str(spoilt) if arg == str(path) else arg for arg in arguments(name, made, out)]
    assert_refused(name, call(name, *args, "--quiet"), str(spoilt))
    assert os.listdir(out) == []


# --- whole runs


def small_genome(folder: Path) -> None:
    """A genome of one chromosome, positives on it, and variants."""
    random = np.random.default_rng(1)
    dna = "".join("ACGT"[i] for i in random.integers(0, 4, 60_000))
    folder.joinpath("genome.fa").write_text(">chr1\n" + "\n".join(re.findall(".{1,60}", dna)) + "\n")
    starts = range(500, 59_000, 600)
    folder.joinpath("positives.bed").write_text(
        "".join(f"chr1\t{start}\t{start + 100}\tenhancer\n" for start in starts)
    )
    rows = [
        f"chr1\t{start + 50}\t.\t{dna[start + 49]}\t{'A' if dna[start + 49] != 'A' else 'C'}\t.\t.\t."
        for start in starts
    ]
    header = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=60000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    folder.joinpath("variants.vcf").write_text(header + "\n".join(rows) + "\n")


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> Callable[[str], tuple[Path, subprocess.CompletedProcess[str]]]:
    """Runs a tool, and before it all that feed it, once, as a user would: the folder of outputs, and how it ended."""
    made = tmp_path_factory.mktemp("made")
    ended: dict[str, subprocess.CompletedProcess[str]] = {}

    def run(name: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
        if not ended:
            small_genome(made)
        for one in list(RUNS)[: list(RUNS).index(name) + 1]:
            if one not in ended:
                ended[one] = run_executable(one, *arguments(one, made, made), "--log-file", made / f"{one}.log")
                if one in ALSO:
                    words = [part.format(data=DATA, made=made, out=made) for part in ALSO[one].split()]
                    assert run_executable(one, *words).returncode == 0
            assert ended[one].returncode == 0, ended[one].stderr
        return made, ended[name]

    return run


@pytest.fixture
def made(runs, request) -> Path:
    """The folder that holds what the test's tool, or all tools, wrote."""
    return runs(request.node.callspec.params["name"] if hasattr(request.node, "callspec") else list(RUNS)[-1])[0]


@tools
@pytest.mark.xdist_group("contract")
def test_messages_have_no_bars_and_no_colours_where_nobody_looks(name, runs):
    ended = runs(name)[1]
    assert not re.search(r"[\r\x1b]|Traceback|Warning", ended.stdout + ended.stderr)


@tools
@pytest.mark.xdist_group("contract")
def test_the_log_holds_the_command_line_and_the_time(name, made):
    log = (made / f"{name}.log").read_text()
    assert f"DEBUG command: {name} " in log
    assert RUNS[name].split()[1].format(data=DATA, made=made, out=made) in log
    assert re.search(r"DEBUG done in [0-9.]+ s\n$", log)


@tools
@pytest.mark.xdist_group("contract")
def test_a_quiet_run_is_silent_and_gives_the_same_bytes_in_another_folder(name, made, tmp_path):
    ended = run_executable(name, *arguments(name, made, tmp_path), "--quiet", cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert os.listdir(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (made / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", ALSO)
@pytest.mark.xdist_group("contract")
def test_the_second_kind_of_run_gives_the_same_bytes_too(name, made, tmp_path):
    words = [part.format(data=DATA, made=made, out=tmp_path) for part in ALSO[name].split()]
    ended = run_executable(name, *words, "--quiet", cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert os.listdir(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (made / path.name).read_bytes(), path.name


@tools
@pytest.mark.xdist_group("contract")
def test_outputs_hold_no_path_and_no_host(name, made, tmp_path):
    for path in made.iterdir():
        content = path.read_bytes()
        if path.suffix != ".log":
            assert str(made).encode() not in content, path.name
            assert str(DATA).encode() not in content, path.name
            assert os.uname().nodename.encode() not in content or len(os.uname().nodename) < 6, path.name


@pytest.mark.xdist_group("contract")
def test_json_outputs_are_objects_that_any_parser_reads(made):
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    found = sorted(made.glob("*.json"))
    assert found
    for path in found:
        assert isinstance(json.loads(path.read_text(), parse_constant=refuse), dict)


@tools
@pytest.mark.xdist_group("contract")
def test_a_full_disk_ends_with_1_and_leaves_nothing(name, made, tmp_path):
    ended = run_executable(
        name,
        *arguments(name, made, tmp_path),
        "--quiet",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
    )
    assert re.fullmatch(rf"{name}: error: .*\n", ended.stderr)
    assert ended.returncode == 1
    # A tool of several outputs may have finished the small ones; none may be cut short.
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (made / path.name).read_bytes(), path.name
