"""A cluster, the engine, and images, for the tests that need them; they are skipped, with a reason, without."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from containers.conftest import VERSIONS, podman_environment
from pipeline.conftest import engine  # noqa: F401, the same fixture
from slurm import cluster as slurm_cluster

from crekit import __version__


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm_cluster.Cluster]:
    """A cluster of one node; at the end no job may be left in its queue."""
    try:
        with slurm_cluster.cluster(tmp_path_factory.mktemp("cluster")) as running:
            yield running
            assert running.jobs() == {}
    except slurm_cluster.Absent as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def podman() -> dict[str, str]:
    """The environment in which podman finds the images that containers/build.sh made of this version."""
    environment = podman_environment()
    for name in (f"localhost/crekit:{__version__}", f"localhost/crekit-multiqc:{__version__}"):
        try:
            missing = subprocess.run(["podman", "image", "exists", name], env=environment).returncode
        except FileNotFoundError:
            pytest.skip("podman is not installed")
        if missing:
            pytest.skip(f"there is no image {name}; build it: make image")
    _skip_unless_same_versions(environment)
    return {name: value for name, value in environment.items() if name.startswith("CONTAINERS_")}


def _skip_unless_same_versions(environment: dict[str, str]) -> None:
    """Other versions of the libraries may give other bytes."""
    inside = ("podman", "run", "--rm", "--network=none", f"localhost/crekit:{__version__}", "python")
    there, here = (
        subprocess.run([*python, "-c", VERSIONS], env=environment, check=True, capture_output=True, text=True).stdout
        for python in (inside, (sys.executable,))
    )
    if there != here:
        pytest.skip(f"the image has {there.split()}, this environment {here.split()}")
