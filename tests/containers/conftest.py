"""Commands run in the images that containers/build.sh made, and in this environment to compare with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crekit import __version__

CONTAINERS = Path(__file__).resolve().parents[2] / "containers"
STRANGER = "12345:54321"  # a user and a group that no image knows
COMPARED = ("torch", "numpy", "scipy", "scikit-learn", "numba", "pandas", "matplotlib", "h5py", "pysam", "pyBigWig")
VERSIONS = f"import importlib.metadata as m; print(*(name + ' ' + m.version(name) for name in {COMPARED}), sep='\\n')"

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]


def podman_environment() -> dict[str, str]:
    """The environment variables with the settings of containers/environment.sh."""
    command = ["bash", "-euc", 'source "$1" && exec env -0', "-", str(CONTAINERS / "environment.sh")]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(line.split("=", 1) for line in found.split("\0") if "=" in line)


@pytest.fixture(scope="session")
def podman() -> Run:
    """Run podman with these words and the settings of containers/environment.sh."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    environment = podman_environment()

    def run(*words: object, timeout: float = 300) -> Completed:
        command = ["podman", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=timeout)

    return run


def _found(podman: Run, name: str) -> str:
    image = f"localhost/{name}:{__version__}"
    if podman("image", "exists", image).returncode:
        pytest.skip(f"there is no image {image}; build it: make image")
    return image


@pytest.fixture(scope="session")
def image(podman: Run) -> str:
    """The name of crekit's image."""
    return _found(podman, "crekit")


@pytest.fixture(scope="session")
def multiqc(podman: Run) -> str:
    """The name of the image of MultiQC."""
    return _found(podman, "crekit-multiqc")


@pytest.fixture(scope="session")
def inside(podman: Run) -> Run:
    """Run a command in an image with a read-only root, without network, as a user whom it does not know."""

    def run(image: str, *words: object, folder: Path | None = None, **settings: float) -> Completed:
        limits = ("--rm", "--network=none", "--read-only", "--user", STRANGER, "--passwd=false")
        shown = ("--volume", f"{folder}:{folder}", "--workdir", str(folder)) if folder else ()
        return podman("run", *limits, *shown, image, *words, **settings)

    return run


@pytest.fixture(scope="session")
def outside() -> Run:
    """Run a command in a folder, with this environment's executables."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}

    def run(*words: object, folder: Path, timeout: float = 300) -> Completed:
        command = list(map(str, words))
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture(scope="session")
def same_versions(inside: Run, outside: Run, image: str) -> None:
    """Skips where this environment is not the image's: other versions may give other bytes."""
    there = inside(image, "python", "-c", VERSIONS).stdout.splitlines()
    here = outside("python", "-c", VERSIONS, folder=CONTAINERS).stdout.splitlines()
    if there != here:
        pytest.skip(f"the image has {sorted({*there} - {*here})}, this environment {sorted({*here} - {*there})}")
