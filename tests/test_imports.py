"""Imports go one way (tools -> report, scanning, explanation -> evaluation -> training -> the rest -> genome -> base),
and the library keeps to itself: it prints nothing, parses no arguments and runs no code from a file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "crekit"
TOOLS = SOURCE.parent.parent / "tools"
MODULES = sorted(SOURCE.rglob("*.py"))

# "" is crekit/__init__.py, which holds the version.
BASE = {"", "errors", "files", "progress", "provenance", "compiled"}
GENOME = BASE | {"genome"}
MAY_IMPORT = {
    "": set(),
    "errors": set(),
    "files": {"errors"},
    "progress": set(),
    "provenance": {""},
    "compiled": set(),
    "genome": BASE,
    "signal": GENOME,
    "motifs": GENOME,
    "encoding": GENOME | {"motifs"},
    "labels": GENOME | {"signal"},
    "models": GENOME | {"signal", "encoding", "motifs", "labels"},
    "audit": GENOME | {"encoding", "labels"},
    "training": GENOME | {"signal", "encoding", "motifs", "labels", "models", "audit"},
    "evaluation": GENOME | {"signal", "encoding", "motifs", "labels", "models", "audit", "training"},
    "explanation": GENOME | {"signal", "encoding", "motifs", "labels", "models", "training", "evaluation"},
    "scanning": GENOME | {"signal", "encoding", "motifs", "labels", "models"},
    "report": GENOME | {"signal", "encoding", "motifs", "labels", "models"},
}
COMMAND_LINE = {"typer", "rich", "click", "argparse", "crekit_tools", "tools"}
RUNS_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}
DRAWS_OR_LOADS_SLOWLY = {
    "torch", "sklearn", "scipy", "pysam", "numpy", "numba", "pandas", "h5py", "matplotlib", "pybedtools", "pyBigWig",
}  # fmt: skip


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, anywhere in it, with the line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: import by the full name"
            if node.module == "crekit":  # from crekit import progress
                yield from ((f"crekit.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield str(node.module), node.lineno


def unit(module: str) -> str:
    """The base module or the package of crekit that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (SOURCE / parts[1]).exists() | (SOURCE / f"{parts[1]}.py").exists() else ""


def name_of(path: Path) -> str:
    return ".".join(["crekit", *path.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__")


def test_every_part_of_the_library_has_its_place():
    assert {unit(name_of(path)) for path in MODULES} <= MAY_IMPORT.keys()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_one_way(path):
    here = unit(name_of(path))
    wrong = [
        f"line {line}: {module}"
        for module, line in imports(path)
        if module.split(".")[0] == "crekit" and unit(module) not in MAY_IMPORT[here] | {here}
    ]
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_library_knows_no_command_line_and_runs_no_code_from_files(path):
    wrong = [
        f"line {line}: {module}" for module, line in imports(path) if module.split(".")[0] in COMMAND_LINE | RUNS_CODE
    ]
    assert not wrong


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a plain or dotted name in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("path", [*MODULES, *sorted(TOOLS.glob("*.py"))], ids=lambda path: path.stem)
def test_nothing_runs_code_from_outside(path):
    wrong = [
        f"line {call.lineno}: {name}"
        for name, call in calls(path)
        if name in {"eval", "exec", "torch.load", "os.system", "os.popen"}
        or any(keyword.arg == "shell" and ast.unparse(keyword.value) != "False" for keyword in call.keywords)
        or any(keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False" for keyword in call.keywords)
    ]
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_library_prints_nothing(path):
    assert not [f"line {call.lineno}" for name, call in calls(path) if name in {"print", "sys.stdout.write", "input"}]


@pytest.mark.parametrize("path", sorted(TOOLS.glob("*.py")), ids=lambda path: path.stem)
def test_tools_load_heavy_libraries_inside_the_command(path):
    body = ast.parse(path.read_text()).body
    top = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    named = [alias.name for node in top if isinstance(node, ast.Import) for alias in node.names]
    named += [str(node.module) for node in top if isinstance(node, ast.ImportFrom)]
    assert not [module for module in named if module.split(".")[0] in DRAWS_OR_LOADS_SLOWLY]
