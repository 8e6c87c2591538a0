"""Running the executables: as a user does, or, where only what they say and write matters, inside the test process."""

import contextlib
import importlib
import io
import subprocess
import sys
from pathlib import Path

Completed = subprocess.CompletedProcess[str]


def run_executable(name: str, *args: object, **settings: object) -> Completed:
    """Run the console script of this environment as a process of its own."""
    executable = Path(sys.executable).parent / name
    options = {"capture_output": True, "text": True, "timeout": 300, **settings}
    return subprocess.run([str(executable), *map(str, args)], **options)  # type: ignore[call-overload]


def run_tool(name: str, *args: object, **settings: object) -> Completed:
    """Run a tool with these words and return status, standard output and standard error.

    Without settings (input, env, ...) it runs in this process, which saves the seconds that torch takes to load.
    """
    if settings:
        return run_executable(name, *args, **settings)
    options = importlib.import_module("crekit_tools._options")
    module = importlib.import_module(f"crekit_tools.{name.replace('-', '_')}")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = options._run(module.app, name, [str(word) for word in args])
    return subprocess.CompletedProcess([name, *map(str, args)], status, out.getvalue(), err.getvalue())
