"""What the images hold, who may run them, and that their recipes are in order."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from crekit import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
CONTAINERS = REPOSITORY / "containers"
TOOLS = sorted(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"])
pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]


def linter(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; PyPI has it")
    return found


def test_hadolint_has_nothing_to_say_of_the_recipes():
    recipes = sorted(CONTAINERS.glob("Dockerfile*"))
    assert [path.name for path in recipes] == ["Dockerfile", "Dockerfile.cuda", "Dockerfile.multiqc"]
    ended = subprocess.run([linter("hadolint"), *recipes], cwd=REPOSITORY, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_shellcheck_has_nothing_to_say_of_the_scripts():
    scripts = sorted(CONTAINERS.glob("*.sh"))
    ended = subprocess.run([linter("shellcheck"), "-x", *scripts], cwd=REPOSITORY, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_recipes_for_cpu_and_gpu_differ_in_the_build_of_torch_alone():
    cpu, gpu = ((CONTAINERS / name).read_text().splitlines() for name in ("Dockerfile", "Dockerfile.cuda"))
    cpu, gpu = ([line.rstrip("\\ ") for line in lines if not line.startswith("#")] for lines in (cpu, gpu))
    assert [line for line in cpu if line not in gpu] == [
        "ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu",
        'LABEL org.opencontainers.image.title="crekit"',
    ]
    added = [
        "ARG TORCH_INDEX=https://download.pytorch.org/whl/cu130",
        'LABEL org.opencontainers.image.title="crekit-cuda"',
        "    NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        "    NVIDIA_VISIBLE_DEVICES=all",
    ]
    assert [line for line in gpu if line not in cpu] == added
    assert [line for line in cpu if line in gpu] == [line for line in gpu if line not in added]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_starts_for_an_unknown_user_without_network_or_a_writable_root(inside, image, tool):
    ended = inside(image, tool, "--version")
    assert (ended.returncode, ended.stdout.split()[-1], ended.stderr) == (0, __version__, "")


def test_bash_ps_and_bedtools_are_there_and_nothing_that_builds(inside, image):
    names = ("bash", "ps", "bedtools", "python", "gcc", "cc", "g++", "make", "ld", "strip", "pip", "git")
    found = inside(image, "bash", "-c", f"for name in {' '.join(names)}; do command -v $name || true; done").stdout
    assert [Path(line).name for line in found.splitlines()] == ["bash", "ps", "bedtools", "python"]
    processes = inside(image, "ps", "-e", "-o", "pid=,comm=").stdout.split()
    assert processes == ["1", "ps"]


def test_the_image_is_small_and_keeps_no_caches(podman, image):
    assert int(podman("image", "inspect", "--format", "{{.Size}}", image).stdout) < 1_600_000_000
    places = ("/root", "/tmp", "/var/lib/apt/lists", "/var/cache/apt", "/var/log")  # noqa: S108
    left = podman("run", "--rm", "--network=none", image, "find", *places, "-type", "f").stdout.split()
    assert [path for path in left if Path(path).name not in (".bashrc", ".profile", "lock")] == []


def test_crekit_is_a_copy_and_reads_nothing_of_the_users_own_packages(inside, image):
    code = "import crekit, site, sys; print(crekit.__file__, site.ENABLE_USER_SITE, sys.prefix)"
    place, user_site, prefix = inside(image, "python", "-c", code).stdout.split()
    assert place.startswith("/opt/crekit/lib/python3.")
    assert (user_site, prefix) == ("False", "/opt/crekit")


def test_labels_say_what_and_which_version_and_nothing_stands_before_a_command(podman, image, multiqc):
    for name, title, licence in (
        (image, "crekit", "MIT"),
        (multiqc, "crekit-multiqc", "GPL-3.0-or-later"),
    ):
        config = json.loads(podman("image", "inspect", name).stdout)[0]["Config"]
        labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
        assert (labels["title"], labels["licenses"], labels["version"]) == (title, licence, __version__)
        assert {"description", "revision", "source"} <= labels.keys()
        assert not config.get("Entrypoint")
        assert not config.get("User")


def test_packages_have_the_pinned_versions(inside, image):
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = {key.lower().replace("_", "-"): pin for key, pin in (x.split("==") for x in lines if not x.startswith("#"))}
    code = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
    found = dict(line.split() for line in inside(image, "python", "-c", code).stdout.splitlines())
    assert found.pop("crekit") == __version__
    differ = {
        name: version
        for name, version in found.items()
        if pins.get(name.lower().replace("_", "-").replace(".", "-")) != version.split("+")[0]
    }
    assert differ == {}


def test_multiqc_makes_a_report_for_an_unknown_user(inside, multiqc, tmp_path):
    tmp_path.chmod(0o777)
    (tmp_path / "reads_mqc.tsv").write_text("# plot_type: 'table'\nSample\tReads\nHeLa\t12345\n")
    assert inside(multiqc, "multiqc", "--version").stdout == "multiqc, version 1.35\n"
    ended = inside(multiqc, "bash", "-c", "ps >/dev/null && multiqc --no-version-check .", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "HeLa" in (tmp_path / "multiqc_report.html").read_text()
