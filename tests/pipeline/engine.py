"""The real engine: where Nextflow and Java are, and how the tests start them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "nextflow"
PARSERS = ("v1", "v2")

# One start of Java takes less when it neither optimises nor collects in parallel.
_QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


class Absent(Exception):
    """The engine cannot be had here; the text says what is missing."""


@dataclass(frozen=True)
class Finished:
    """A run that has ended.

    Parameters
    ----------
    status : int
        Exit status.
    output, errors : str
        Standard output and standard error.
    folder : Path
        Where it was started.
    """

    status: int
    output: str
    errors: str
    folder: Path

    @property
    def last_line(self) -> str:
        """The last line on standard error, or, where nothing stands there, on standard output."""
        lines = (self.errors.strip() or self.output.strip()).splitlines()
        return lines[-1] if lines else ""


@dataclass(frozen=True)
class Engine:
    """Nextflow, ready to start.

    Parameters
    ----------
    launcher : Path
        The ``nextflow`` command.
    environment : mapping of str to str
        What it runs in: this environment's tools on PATH, a home of its own, no look-ups in the network.
    """

    launcher: Path
    environment: Mapping[str, str]

    def run(
        self,
        folder: Path,
        *words: object,
        script: Path = REPOSITORY / "main.nf",
        parser: str = "v1",
        timeout: float = 3600,
        **variables: str,
    ) -> Finished:
        """``nextflow run SCRIPT WORDS`` in a folder, its work below it."""
        return self.call(
            folder, "run", script, "-w", folder / "work", *words, parser=parser, timeout=timeout, **variables
        )

    def call(
        self, folder: Path, *words: object, parser: str = "v1", timeout: float = 3600, **variables: str
    ) -> Finished:
        """``nextflow WORDS`` in a folder; variables are added to its environment."""
        done = subprocess.run(
            [str(self.launcher), *map(str, words)],
            cwd=folder,
            env={**self.environment, "NXF_SYNTAX_PARSER": parser, **variables},
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        return Finished(done.returncode, done.stdout, done.stderr, folder)


def find_engine(home: Path) -> Engine:
    """The engine, with a home of its own.

    Raises
    ------
    Absent
        If there is no Java, no launcher, or no engine and none may be fetched.
    """
    tools = Path(sys.executable).parent
    path = os.pathsep.join([str(tools), os.environ.get("PATH", "")])
    launcher = shutil.which("nextflow", path=path)
    if launcher is None:
        raise Absent("there is no nextflow command; pip install nextflow")
    if not (os.environ.get("JAVA_HOME") or os.environ.get("JAVA_CMD") or shutil.which("java", path=path)):
        raise Absent("there is no Java; install version 17 or later")
    jar = os.environ.get("NXF_BIN") or _shipped()
    if jar is None or not Path(jar).is_file():
        raise Absent(f"Nextflow's engine is not at {jar}" if jar else "set NXF_BIN to Nextflow's engine, a -one.jar")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NXF_")}
    return Engine(
        Path(launcher),
        {
            **kept,
            "PATH": path,
            "NXF_BIN": str(jar),
            "NXF_HOME": str(home),
            "NXF_OFFLINE": "true",
            "NXF_DISABLE_CHECK_LATEST": "true",
            "NXF_ANSI_LOG": "false",
            "NXF_OPTS": _QUICK_JAVA,
        },
    )


def _shipped() -> str | None:
    """The newest engine in the folder beside the repository."""
    jars = sorted((REPOSITORY.parent / "shared" / "nextflow").glob("nextflow-*-one.jar"))
    return str(jars[-1]) if jars else None


def answers(engine: Engine, folder: Path, cases: list[tuple[str, list[Any]]], parser: str) -> list[Any]:
    """What functions of the pipeline answer to (name, arguments), all in one run that is started in the folder."""
    asked, answered = folder / "cases.json", folder / f"answers.{parser}.json"
    asked.write_text(json.dumps([{"call": name, "given": given} for name, given in cases]))
    script = REPOSITORY / "tests" / "pipeline" / "check_functions.nf"
    done = engine.run(folder, "--cases", asked, "--answers", answered, script=script, parser=parser)
    assert done.status == 0, done.output + done.errors
    found = json.loads(answered.read_text())
    return list(found)
