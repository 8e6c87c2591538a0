"""What every executable shares: the options that mean the same everywhere, and how a run begins and ends.

`tool` makes the Typer app. It adds ``--quiet --log-file --debug --version`` to the one command, turns errors into one
line and an exit status, shows progress on standard error, and keeps signals from leaving half a result.
"""

import functools
import inspect
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from crekit import __version__, files, progress
from crekit.errors import InputError, WorkError

# Before torch loads: compute threads that wait should sleep. Spinning ones make a busy machine several times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 128 + signal.SIGINT

Output = Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Where to write the result.")]
Regions = Annotated[
    list[str], typer.Option("-r", "--regions", metavar="[CLASS=]BED", help="Regions; class in column 4, or given here.")
]
TracksFiles = Annotated[
    list[str], typer.Option("-t", "--tracks", metavar="[NAME=]H5", help="Tracks of count-bins; with NAME=, several.")
]
SequenceFiles = Annotated[
    list[str],
    typer.Option("-s", "--sequences", metavar="[NAME=]H5", help="Sequences of encode-seq; with NAME=, several."),
]
Sizes = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Chromosome sizes: two columns, or a .fai.", show_default=False)
]
Chroms = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Chromosomes: chr1,chr3-chr7,chrX.", show_default=False)
]
Blacklist = Annotated[
    Path | None, typer.Option(metavar="BED", help="Spans of the genome to leave out.", show_default=False)
]
Normalise = Annotated[
    str | None, typer.Option(metavar="rpm|none", help="Override what the track file says.", show_default=False)
]
Threads = Annotated[int, typer.Option("-p", "--threads", min=1, help="CPU threads or worker processes.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")]
Seed = Annotated[int, typer.Option(min=0, help="Fixes everything that is random.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report: one page.", show_default=False)]
HtmlAssets = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="With --html: a plain page, its plots as PNG files in DIR.", show_default=False),
]

_PANEL = "Run"
_Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only errors on standard error.", rich_help_panel=_PANEL)]
_LogFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Append a log: command line, times.", show_default=False, rich_help_panel=_PANEL),
]
_Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.", rich_help_panel=_PANEL)]
_Version = Annotated[bool, typer.Option("--version", help="Print name and version.", rich_help_panel=_PANEL)]
_COMMON = {
    "quiet": (_Quiet, False),
    "log_file": (_LogFile, None),
    "debug": (_Debug, False),
    "version": (_Version, False),
}

_OUTPUTS = ("output", "html", "predictions", "table", "plot", "summary", "markers_output")

log = logging.getLogger("crekit")


class Ended(BaseException):
    """A signal asked the run to end. Not an `Exception`, so that nothing on the way takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Tool(typer.Typer):
    """A Typer app of one command that is an executable of the suite."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
        self.tool_name = name

    def command(self, *args: Any, **settings: Any) -> Callable:
        register = super().command(*args, **settings)
        return lambda function: register(_with_common_options(self.tool_name, function))

    def __call__(self, args: list[str] | None = None, prog: str | None = None) -> None:
        """Run the tool and exit with its status."""
        sys.exit(_run(self, prog or self.tool_name, sys.argv[1:] if args is None else args))


def tool(name: str) -> Tool:
    """The app of the executable `name`."""
    return Tool(name)


def _with_common_options(name: str, function: Callable) -> Callable:
    """The command with the common options in its signature, which Typer reads."""

    @functools.wraps(function)
    def command(**values: Any) -> None:
        _require_apart(values)
        quiet, log_file, debug, _ = (values.pop(option) for option in _COMMON)
        with _logging(quiet, log_file, debug), progress.use(_bars(quiet)):
            log.debug("command: %s %s", name, shlex.join(sys.argv[1:]))
            started = time.monotonic()
            try:
                function(**values)
            except BrokenPipeError:  # Typer would end with 1 and take a reader that has seen enough for a failure
                raise Ended(signal.SIGPIPE) from None
            except BaseException as error:
                log.debug("ended by %s: %s", type(error).__name__, error, exc_info=debug)
                raise
            log.debug("done in %.1f s", time.monotonic() - started)

    signature = inspect.signature(function, eval_str=True)
    extra = [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for option, (annotation, default) in _COMMON.items()
    ]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in signature.parameters.values()]
    command.__signature__ = signature.replace(parameters=own + extra)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in own + extra}
    del command.__wrapped__
    return command


def _require_apart(values: dict[str, Any]) -> None:
    """Check that no output is an input or another output: what is written would destroy what is read.

    Raises
    ------
    InputError
    """
    written: dict[str, str] = {}
    for option in (*_OUTPUTS, "log_file"):
        path = values.get(option)
        if path is None or str(path) == "-" or (Path(path).exists() and not Path(path).is_file()):
            continue
        place, flag = os.path.realpath(path), option.replace("_", "-")
        if place in written:
            raise InputError(f"{path}: given for two outputs, --{written[place]} and --{flag}; name two files")
        written[place] = flag
    given = [word for name, value in values.items() if name not in (*_OUTPUTS, "log_file") for word in _words(value)]
    for path in given:
        if os.path.isfile(path) and os.path.realpath(path) in written:
            option = written[os.path.realpath(path)]
            raise InputError(f"{path}: both an input and --{option}, which would overwrite it; name another output")


def _words(value: object) -> list[str]:
    """The paths that an option's value may hold, the names before them taken off."""
    values = value if isinstance(value, list | tuple) else [value]
    words = [str(word) for word in values if isinstance(word, str | Path)]
    return [path for word in words for path in (word, word.partition("=")[2]) if path]


def _run(app: Tool, prog: str, args: list[str]) -> int:
    """Run the app and return its exit status; an error becomes one line on standard error."""
    debug = "--debug" in args
    # Under nohup a closed terminal is to be ignored, and stays so.
    ending = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        ending.append(signal.SIGINT)
    files.forget_endings()
    previous = {number: signal.signal(number, _end) for number in ending}
    try:
        if "--version" in args:
            print(f"{app.tool_name} {__version__}", flush=True)
            return DONE
        status = typer.main.get_command(app).main(args, prog_name=prog, standalone_mode=False) or DONE
        sys.stdout.flush()
        if status == INTERRUPTED:  # Typer turned Ctrl-C into this status
            _say(prog, "interrupted; nothing was left under the name of the output")
        return status
    except KeyboardInterrupt:
        _say(prog, "interrupted; nothing was left under the name of the output")
        return INTERRUPTED
    except Ended as error:
        if error.number != signal.SIGPIPE:
            _say(prog, "terminated; nothing was left under the name of the output")
        return 128 + error.number
    except typer.TyperException as error:
        _say(prog, f"{error.format_message()} (see {prog} --help)")
        return BAD_INPUT
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # Rich, as it prints the help, makes a 1 of it
            return 128 + signal.SIGPIPE
        raise
    except InputError as error:
        return _failed(prog, error, BAD_INPUT, debug)
    except (WorkError, MemoryError) as error:
        return _failed(prog, error, FAILED, debug)
    except OSError as error:
        message = f"{error.filename or 'standard output'}: {error.strerror or error}; mend that and run again"
        return _failed(prog, error, FAILED, debug, message)
    except Exception as error:  # the last resort: a defect of ours must still be one line
        message = f"internal error, {type(error).__name__}: {error}; --debug shows where"
        return _failed(prog, error, FAILED, debug, message)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        _settle_stdout()


def _settle_stdout() -> None:
    """What standard output did not take (full, or its reader gone) must not fail once more when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(prog: str, error: BaseException, status: int, debug: bool, message: str | None = None) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    _say(prog, message or str(error) or type(error).__name__)
    return status


def _say(prog: str, message: str) -> None:
    print(f"{prog}: error: {' '.join(message.split())}", file=sys.stderr)


def _end(number: int, _frame: object) -> None:
    # What h5py meets while it closes a file can go nowhere, and Python would print it after our line.
    sys.unraisablehook = lambda _met: None
    raise files.note_ending(KeyboardInterrupt() if number == signal.SIGINT else Ended(number))


@contextmanager
def _logging(quiet: bool, log_file: Path | None, debug: bool) -> Iterator[None]:
    """Messages to standard error, and everything to the log file."""
    handlers: list[logging.Handler] = [logging.NullHandler()]  # without any, logging prints warnings by itself
    if not quiet:
        shown = logging.StreamHandler(sys.stderr)
        shown.setLevel(logging.DEBUG if debug else logging.INFO)
        shown.setFormatter(logging.Formatter("%(message)s"))
        handlers.append(shown)
    if log_file is not None:
        try:
            kept = logging.FileHandler(log_file)
        except OSError as error:
            raise InputError(
                f"{log_file}: no log can be written there ({error.strerror}); choose another path"
            ) from error
        kept.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers.append(kept)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


def _bars(quiet: bool) -> progress.Reporter:
    """A reporter that draws a bar on a terminal and is silent elsewhere."""

    def report(items: Iterable, what: str, total: int | None) -> Iterable:
        if quiet or not sys.stderr.isatty():
            return items
        from rich.console import Console
        from rich.progress import track

        return track(items, description=what, total=total, console=Console(stderr=True), transient=True)

    return report


def named_paths(arguments: Iterable[str]) -> list[tuple[str | None, Path]]:
    """``NAME=PATH`` or ``PATH`` arguments as (name or None, path). A path that exists is never cut at a ``=`` in it.

    Raises
    ------
    InputError
        If a name is empty, or cannot stand in a table or in the name of a file: it holds a slash, a tab or another
        control character, or begins or ends with a space.
    """
    pairs: list[tuple[str | None, Path]] = []
    for argument in arguments:
        name, separator, path = argument.partition("=")
        if not separator or Path(argument).exists():
            pairs.append((None, Path(argument)))
            continue
        if not name or not path:
            raise InputError(f"{argument!r}: give NAME=PATH, with both of them")
        if name != name.strip() or "/" in name or not name.isprintable():
            raise InputError(
                f"{argument!r}: the name {name!r} holds a slash, a control character or a space at an end; "
                "give a plain name, or the path of a file that is there"
            )
        pairs.append((name, Path(path)))
    return pairs
