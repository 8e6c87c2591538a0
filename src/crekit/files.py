"""Files in and out: text that may be compressed, outputs that appear whole or not at all, checksums of contents.

An output is written under a temporary name in its own folder and renamed when it is complete, so that a killed run
leaves nothing under the final name.
"""

import contextlib
import errno
import gzip
import hashlib
import io
import json
import os
import secrets
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from crekit.errors import InputError, WorkError

STDIO = "-"
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def called(path: str | Path) -> str:
    """What to call an input in messages: its path; ``-`` is standard input."""
    return "standard input" if str(path) == STDIO else str(path)


def read_bytes(path: str | Path) -> bytes:
    """The contents of a file, or of standard input for ``-``; gzip and bgzip are undone.

    Raises
    ------
    InputError
        If the file is missing, unreadable, or a truncated gzip file.
    """
    try:
        raw = sys.stdin.buffer.read() if str(path) == STDIO else Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{called(path)}: cannot be read ({error.strerror}); check the path") from error
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{called(path)}: the gzip file is truncated or damaged; copy or make it again") from error


def read_text(path: str | Path) -> str:
    """Text of a file (UTF-8; plain, gzip, bgzip) or of standard input (``-``).

    Raises
    ------
    InputError
        If it cannot be read, or is not text.
    """
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{called(path)}: not a text file (byte {error.start} is not UTF-8); give a plain or gzip text"
        ) from error


def sha256_text(text: str) -> str:
    """Checksum of text contents: the same whether the file was compressed or not."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: str | Path) -> str:
    """Checksum of a binary file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def require(path: str | Path) -> Path:
    """The path, if a readable file stands there.

    Raises
    ------
    InputError
        If it is missing, empty, a folder or unreadable.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    if path.is_dir():
        raise InputError(f"{path}: a folder, not a file; name the file in it")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: not readable; check its permissions")
    if path.is_file() and path.stat().st_size == 0:  # a pipe has no size
        raise InputError(f"{path}: the file is empty; make it again")
    return path


def require_writable(path: str | Path, *, text: bool = False) -> None:
    """Check before the work starts that an output can be written.

    Parameters
    ----------
    path : path
    text : bool
        Whether it may be ``-``, standard output.

    Raises
    ------
    InputError
        If its folder is missing or not writable, or the path is a folder.
    """
    if str(path) == STDIO:
        if not text:
            raise InputError("this output is binary or several files, and cannot go to standard output; name a file")
        return
    path = Path(path)
    folder = Path(os.path.realpath(path)).parent
    if path.is_dir():
        raise InputError(f"{path}: a folder; give the output a file name")
    if _is_device(path):
        if not os.access(path, os.W_OK):
            raise InputError(f"{path}: not writable; choose another output")
        return
    if not folder.is_dir():
        raise InputError(f"{path}: the folder {folder} does not exist; make it first")
    try:
        descriptor, probe = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{path}: cannot be written there ({error.strerror}); choose another folder") from error
    os.close(descriptor)
    os.unlink(probe)


def _is_device(path: Path) -> bool:
    """Whether a pipe or a device stands there, which is written into: to rename a file over it would destroy it."""
    return path.exists() and not path.is_file()


def disk_error(path: str | Path, error: OSError) -> WorkError:
    """The error to raise when writing `path` failed half-way."""
    reason = error.strerror or str(error)
    return WorkError(
        f"{path}: writing failed ({reason}); nothing was left under that name, free some space and run again"
    )


@contextlib.contextmanager
def output_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    A link is followed. A pipe or a device (``/dev/null``, ``>(bgzip > x.gz)``) is written into at the end instead.

    Raises
    ------
    InputError
        If the place cannot be written.
    WorkError
        If the disk fills up on the way.
    """
    require_writable(path)
    path = Path(path)
    device = _is_device(path)
    target = path if device else Path(os.path.realpath(path))
    # Same suffix, because bigWig, HDF5 and plot libraries choose the format by it. The name is known before the file
    # is made, so that no signal can come between the two and leave it behind.
    folder = Path(tempfile.gettempdir()) if device else target.parent
    temporary = folder / f".{path.stem}.{secrets.token_hex(4)}{path.suffix}"
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        yield temporary
        if device:
            with open(temporary, "rb") as whole, open(path, "wb") as handle:
                shutil.copyfileobj(whole, handle)
            return
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, target)
    except OSError as error:
        if error.errno in _DISK or "No space left" in str(error) or "File too large" in str(error):
            raise disk_error(path, error) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch(folder: str | Path) -> Iterator[Path]:
    """A hidden folder for what a run keeps for a while, removed when the block ends, however it ends."""
    # The name is known before the folder is made, so that no signal can come between the two and leave it behind.
    made = Path(folder) / f".{secrets.token_hex(6)}"
    try:
        made.mkdir(mode=0o700)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


_endings: list[BaseException] = []


def note_ending(error: BaseException) -> BaseException:
    """Remember what a signal's handler is about to raise.

    Raised while h5py closes an object, it is printed and lost, and the run goes on: `HeldErrors.check` raises it again.
    """
    _endings.append(error)
    return error


def forget_endings() -> None:
    """Begin anew: no signal has asked for an end yet."""
    _endings.clear()


class HeldErrors(io.FileIO):
    """A new file in which a write that fails is kept for `check` instead of raised.

    HDF5 brings the whole process down when a write fails while it closes a file, so it must not see one.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self._error: OSError | None = None

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        try:
            while len(rest) and self._error is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self._error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self._error = error
            return size or 0

    def check(self) -> None:
        """Raise what a signal has asked for, or the first error that was kept, if there was one."""
        if _endings:
            raise _endings[0]
        if self._error is not None:
            raise self._error


@contextlib.contextmanager
def output_text(path: str | Path) -> Iterator[TextIO]:
    """A text handle to write an output through: atomic for a path, standard output for ``-``; ``.gz`` is compressed."""
    if str(path) == STDIO:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except OSError as error:
            if error.errno in _DISK:
                raise disk_error("standard output", error) from error
            raise
        return
    with output_path(path) as temporary:
        if Path(path).suffix == ".gz":
            with (
                open(temporary, "wb") as raw,
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
                io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as handle,
            ):
                yield handle
        else:
            with open(temporary, "w", encoding="utf-8", newline="\n") as handle:
                yield handle


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """One JSON object, indented, keys in the order given, ending in a newline."""
    with output_text(path) as handle:
        json.dump(content, handle, indent=2, allow_nan=False)
        handle.write("\n")
