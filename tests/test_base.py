"""What everything stands on: errors, files, progress, provenance, and how an executable begins and ends."""

import errno
import gzip
import io
import json
import logging
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from crekit import __version__, files, progress, provenance
from crekit.errors import InputError, WorkError
from crekit_tools._options import named_paths, tool

log = logging.getLogger("crekit")


# --- reading


def test_text_is_the_same_plain_gzip_and_bgzip(tmp_path):
    text = "chr1\t0\t9\tünicode\n"
    members = gzip.compress(text[:5].encode()) + gzip.compress(text[5:].encode()) + gzip.compress(b"", mtime=0)
    for name, content in [("a", text.encode()), ("a.gz", gzip.compress(text.encode())), ("b.gz", members)]:
        (tmp_path / name).write_bytes(content)
        assert files.read_text(tmp_path / name) == text


def test_dash_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"chr1\t0\t9\n", mtime=0))))
    assert files.read_text("-") == "chr1\t0\t9\n"


def test_dash_is_called_standard_input_where_it_is_wrong(monkeypatch):
    for content, message in ((b"\xff", "not a text file"), (b"\x1f\x8b\x08", "the gzip file is truncated")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        with pytest.raises(InputError, match=f"^standard input: {message}"):
            files.read_text("-")
    assert files.called(Path("a/b.bed")) == "a/b.bed"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"chr1\t0\t9\n" * 99, mtime=0)[:-9], "the gzip file is truncated or damaged; copy or make"),
        (gzip.compress(b"chr1\t0\t9\n", mtime=0)[:12] + b"\xff" * 20, "the gzip file is truncated or damaged"),
        (b"BAM\x01\xff\xfe", "not a text file (byte 4 is not UTF-8); give a plain or gzip text"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, message):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / 'x'}: {message}")):
        files.read_text(tmp_path / "x")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path, reason in [(tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")]:
        with pytest.raises(InputError, match=re.escape(f"{path}: cannot be read ({reason}); check the path")):
            files.read_bytes(path)


def test_checksums_are_those_of_the_contents(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256_text("abc") == files.sha256_file(tmp_path / "x") == expected


def test_require_names_what_is_wrong(tmp_path):
    good, empty = tmp_path / "good", tmp_path / "empty"
    good.write_text("x")
    empty.touch()
    assert files.require(str(good)) == good
    for path, message in [
        (tmp_path / "none", "no such file; check the path"),
        (tmp_path, "a folder, not a file; name the file in it"),
        (empty, "the file is empty; make it again"),
    ]:
        with pytest.raises(InputError, match=re.escape(f"{path}: {message}")):
            files.require(path)


def test_a_pipe_is_not_an_empty_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert files.require(tmp_path / "pipe") == tmp_path / "pipe"


# --- writing


def test_an_output_appears_whole_and_with_the_usual_permissions(tmp_path):
    target = tmp_path / "out.bed"
    with files.output_path(target) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".bed"
        assert not target.exists()
    assert target.read_text() == "whole"
    assert os.listdir(tmp_path) == ["out.bed"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def write_half(target: Path, ending: BaseException) -> None:
    with files.output_text(target) as handle:
        handle.write("half")
        raise ending


@pytest.mark.parametrize("ending", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_an_output_that_ends_badly_leaves_what_was_there(tmp_path, ending):
    target = tmp_path / "out.txt"
    target.write_text("before")
    with pytest.raises(type(ending)):
        write_half(target, ending)
    assert target.read_text() == "before"
    assert os.listdir(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_a_full_disk_is_work_that_failed(tmp_path, number):
    message = re.escape(f"{tmp_path / 'out'}: writing failed ({os.strerror(number)}); nothing was left under that name")
    with pytest.raises(WorkError, match=message), files.output_path(tmp_path / "out"):
        raise OSError(number, os.strerror(number))
    assert os.listdir(tmp_path) == []


def test_another_system_error_stays_what_it_is(tmp_path):
    with pytest.raises(PermissionError), files.output_path(tmp_path / "out"):
        raise PermissionError(errno.EACCES, "denied")


def test_a_link_is_followed_and_kept(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "file")
    with files.output_text(tmp_path / "link") as handle:
        handle.write("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "file").read_text() == "x"


def test_a_device_is_written_into_and_never_replaced():
    before = os.stat(os.devnull)
    with files.output_text(os.devnull) as handle:
        handle.write("x")
    assert os.stat(os.devnull).st_rdev == before.st_rdev
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_pipe_gets_the_whole_output(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    with files.output_text(pipe) as handle:
        handle.write("line\n" * 3)
    reader.join()
    assert got == ["line\n" * 3]


def test_a_reader_of_the_help_that_has_seen_enough_is_no_error(tmp_path):
    """The help is printed by Rich, which makes an exit status of 1 of it."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", SAMPLE, "--help"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_device_is_work_that_failed():
    message = re.escape("/dev/full: writing failed (No space left on device)")
    with pytest.raises(WorkError, match=message), files.output_text("/dev/full") as handle:
        handle.write("x")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    for path, message in [
        (tmp_path, f"{tmp_path}: a folder; give the output a file name"),
        (tmp_path / "none" / "out", f"the folder {tmp_path / 'none'} does not exist; make it first"),
        (tmp_path / "file" / "out", "file does not exist; make it first"),
    ]:
        with pytest.raises(InputError, match=re.escape(message)):
            files.require_writable(path)
    files.require_writable(tmp_path / "new")
    files.require_writable("-", text=True)
    with pytest.raises(InputError, match="cannot go to standard output; name a file"):
        files.require_writable("-")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=re.escape("out: cannot be written there (Permission denied); choose another")):
        files.require_writable(tmp_path / "out")


def test_compressed_text_holds_no_name_and_no_time(tmp_path):
    for name in ("a.bed.gz", "b.bed.gz"):
        with files.output_text(tmp_path / name) as handle:
            handle.write("chr1\t0\t9\n" * 100)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.bed.gz", "b.bed.gz"))
    assert first == second
    assert first[4:8] == bytes(4)
    assert gzip.decompress(first).decode() == "chr1\t0\t9\n" * 100


def test_dash_is_standard_output(capsys):
    with files.output_text("-") as handle:
        handle.write("line\n")
    assert capsys.readouterr().out == "line\n"


def test_json_keeps_the_order_of_keys_and_ends_its_line(tmp_path):
    files.write_json(tmp_path / "m.json", {"b": 1, "a": [0.5, None]})
    text = (tmp_path / "m.json").read_text()
    assert text == '{\n  "b": 1,\n  "a": [\n    0.5,\n    null\n  ]\n}\n'


def test_held_errors_come_when_asked_for(tmp_path):
    with files.HeldErrors(tmp_path / "x") as file:
        file.write(b"abc")
        file.check()
        os.close(os.dup(file.fileno()))
        file.truncate(-1)  # refused by the system
        with pytest.raises(OSError, match="Invalid argument"):
            file.check()
    assert (tmp_path / "x").read_bytes() == b"abc"


# --- progress and provenance


def test_steps_gives_the_items_themselves_where_nobody_looks():
    items = [1, 2]
    assert progress.steps(items, "counting") is items


def test_a_reporter_sees_the_steps_inside_its_block():
    seen = []

    def reporter(items, what, total):
        seen.append((what, total))
        return items

    with progress.use(reporter):
        assert list(progress.steps([1, 2, 3], "counting")) == [1, 2, 3]
        assert list(progress.steps(iter("ab"), "reading", 2)) == ["a", "b"]
        assert list(progress.steps(iter("ab"), "guessing")) == ["a", "b"]
    list(progress.steps([1], "outside"))
    assert seen == [("counting", 3), ("reading", 2), ("guessing", None)]


def test_a_record_says_how_and_from_what_and_nothing_of_where():
    made = provenance.record("count-bins", {"bin_size": 100}, [provenance.Input("reads", "H3K4me1", "0a")])
    assert made == {
        "tool": "count-bins",
        "version": __version__,
        "options": {"bin_size": 100},
        "inputs": [{"role": "reads", "name": "H3K4me1", "sha256": "0a"}],
    }
    assert json.loads(json.dumps(made)) == made


# --- an executable


def run(function, *args: str, capsys) -> tuple[int, str, str]:
    """Run a tool `sample` made of a function, in this process: status, standard output, standard error."""
    app = tool("sample")
    app.command(epilog="Example: sample")(function)
    with pytest.raises(SystemExit) as ended:
        app(list(args))
    shown = capsys.readouterr()
    return ended.value.code, shown.out, shown.err


def test_a_tool_that_is_done_ends_with_0(capsys):
    def command(number: int = 1) -> None:
        """Print a number."""
        print(number + 1)

    assert run(command, "--number", "4", capsys=capsys) == (0, "5\n", "")


def test_version_is_name_and_version_whatever_else_is_given(capsys):
    def command(needed: int) -> None:
        """Never runs."""

    assert run(command, "--version", capsys=capsys) == (0, f"sample {__version__}\n", "")


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (InputError("a.bed, line 3: wrong; mend it"), 2, "sample: error: a.bed, line 3: wrong; mend it\n"),
        (WorkError("out.h5: writing failed"), 1, "sample: error: out.h5: writing failed\n"),
        (OSError(errno.EIO, "I/O error"), 1, "sample: error: standard output: I/O error; mend that and run again\n"),
        (MemoryError(), 1, "sample: error: MemoryError\n"),
        (InputError("two\nlines"), 2, "sample: error: two lines\n"),
        (KeyboardInterrupt(), 130, "sample: error: interrupted; nothing was left under the name of the output\n"),
        (KeyError("x"), 1, "sample: error: internal error, KeyError: 'x'; --debug shows where\n"),
    ],
)
def test_an_error_is_one_line_and_a_status(error, status, line, capsys):
    def command() -> None:
        """Fail."""
        raise error

    assert run(command, capsys=capsys) == (status, "", line)


def test_debug_shows_where_an_error_came_from(capsys):
    def command() -> None:
        """Fail."""
        raise InputError("wrong")

    status, _, shown = run(command, "--debug", capsys=capsys)
    assert status == 2
    assert "Traceback" in shown
    assert shown.endswith("sample: error: wrong\n")


def test_wrong_usage_is_one_line_and_2(capsys):
    def command(number: int) -> None:
        """Print nothing."""

    for args in (("--nope",), (), ("--number", "x"), ("--number", "1", "more")):
        status, out, line = run(command, *args, capsys=capsys)
        assert (status, out) == (2, "")
        assert re.fullmatch(r"sample: error: .* \(see sample --help\)\n", line)


def chatty() -> None:
    """Say something at every level, with progress."""
    log.debug("only for the log")
    log.info("a fact")
    log.warning("warning: a doubt")
    list(progress.steps([1, 2], "counting"))


def test_messages_go_to_standard_error_without_bars(capsys):
    assert run(chatty, capsys=capsys) == (0, "", "a fact\nwarning: a doubt\n")


def test_quiet_says_nothing_but_errors(capsys):
    assert run(chatty, "--quiet", capsys=capsys) == (0, "", "")


def test_quiet_keeps_warnings_back_where_nobody_else_listens():
    script = SAMPLE.replace("time.sleep(seconds)", "logging.getLogger('crekit').warning('warning: a doubt')")
    for quiet, shown in (((), "begun\nwarning: a doubt\n"), (("--quiet",), "begun\n")):
        command = [sys.executable, "-c", f"import logging\n{script}", *quiet]
        ended = subprocess.run(command, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, shown)


def test_the_log_file_gets_everything_and_is_added_to(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["sample", "--log-file", "an argument"])
    for _ in range(2):
        assert run(chatty, "-q", "--log-file", str(tmp_path / "log"), capsys=capsys) == (0, "", "")
    lines = [line.split(" ", 2)[2] for line in (tmp_path / "log").read_text().splitlines()]
    assert lines[:4] == [
        "DEBUG command: sample --log-file 'an argument'",
        "DEBUG only for the log",
        "INFO a fact",
        "WARNING warning: a doubt",
    ]
    assert re.fullmatch(r"DEBUG done in \d+\.\d s", lines[4])
    assert len(lines) == 10
    assert not [handler for handler in log.handlers if isinstance(handler, logging.FileHandler)]


def test_an_error_is_in_the_log_too(tmp_path, capsys):
    def command() -> None:
        """Fail."""
        raise InputError("wrong; mend it")

    run(command, "--log-file", str(tmp_path / "log"), capsys=capsys)
    assert "DEBUG ended by InputError: wrong; mend it" in (tmp_path / "log").read_text()


def test_a_log_that_cannot_be_written_is_wrong_usage(tmp_path, capsys):
    status, _, line = run(chatty, "--log-file", str(tmp_path / "none" / "log"), capsys=capsys)
    assert status == 2
    assert line.startswith(f"sample: error: {tmp_path / 'none' / 'log'}: no log can be written there")


def test_names_are_cut_from_paths_at_the_first_equals_sign(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.bam").touch()
    assert named_paths(["K4=x/y.bam", "z.bam", "a=b.bam", "K9=a=b.bam"]) == [
        ("K4", Path("x/y.bam")),
        (None, Path("z.bam")),
        (None, Path("a=b.bam")),
        ("K9", Path("a=b.bam")),
    ]
    for wrong in ("=x.bam", "K4="):
        with pytest.raises(InputError, match="give NAME=PATH, with both of them"):
            named_paths([wrong])


@pytest.mark.parametrize("name", ["a/b", "a\tb", "a\nb", "a\x1bb", " ", "a ", "\x7f"])
def test_a_name_that_no_table_and_no_file_can_bear_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="holds a slash, a control character or a space at an end; give a plain name"):
        named_paths([f"{name}=x.bed"])
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b=x.bed").touch()
    assert named_paths(["a/b=x.bed", "weak enhancer=x.bed", "Verstärker=x.bed"]) == [
        (None, Path("a/b=x.bed")),
        ("weak enhancer", Path("x.bed")),
        ("Verstärker", Path("x.bed")),
    ]


# --- signals and streams, which need a process of their own

SAMPLE = """
import sys, time
from crekit.files import output_text
from crekit_tools._options import tool
app = tool("sample")

@app.command()
def sample(output: str = "-", lines: int = 1, seconds: int = 0) -> None:
    if output == "print":
        for _ in range(lines):
            print("begun")
        return
    with output_text(output) as handle:
        for _ in range(lines):
            handle.write("begun\\n")
        print("begun", flush=True, file=sys.stderr)
        time.sleep(seconds)

app()
"""


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "terminated")],
)
def test_a_signal_ends_the_run_and_leaves_nothing(tmp_path, number, status, word):
    command = [sys.executable, "-c", SAMPLE, "--output", str(tmp_path / "out"), "--seconds", "30"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline() == "begun\n"
        assert len(os.listdir(tmp_path)) == 1
        process.send_signal(number)
        _, shown = process.communicate(timeout=20)
    assert process.returncode == status
    assert shown == f"sample: error: {word}; nothing was left under the name of the output\n"
    assert os.listdir(tmp_path) == []


def test_under_nohup_a_closed_terminal_ends_nothing(tmp_path):
    command = ["nohup", sys.executable, "-c", SAMPLE, "--output", str(tmp_path / "out"), "--seconds", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        while process.stderr.readline() != "begun\n":
            assert process.poll() is None
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("output", ["-", "print"])
def test_a_reader_that_has_seen_enough_is_no_error(output):
    command = f"{sys.executable} -c '{SAMPLE}' --output {output} --lines 100000 | head -n 1"
    ended = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True)
    assert ended.stdout == "begun\n"
    assert "rror" not in ended.stderr
    assert ended.returncode == 128 + signal.SIGPIPE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("output", ["-", "print"])
@pytest.mark.parametrize("lines", ["1", "100000"])
def test_a_full_standard_output_is_work_that_failed(output, lines):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", SAMPLE, "--output", output, "--lines", lines]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert re.fullmatch(r"(begun\n)?sample: error: .*No space left on device.*\n", ended.stderr)
    assert ended.returncode == 1


def test_a_bar_is_drawn_on_a_terminal_only():
    script = SAMPLE.replace("time.sleep(seconds)", "list(crekit.progress.steps([1, 2], 'counting'))")
    command = [sys.executable, "-c", f"import crekit.progress\n{script}", "--lines", "0"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "begun\n")
    main, side = os.openpty()
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=side, env={**os.environ, "TERM": "xterm"})
    os.close(side)
    shown = os.read(main, 65536).decode()
    os.close(main)
    assert (ended.returncode, ended.stdout) == (0, b"")
    assert "counting" in shown


def test_an_end_that_was_lost_while_a_file_was_closed_comes_with_the_next_check(tmp_path):
    with files.HeldErrors(tmp_path / "x.h5") as file:
        file.check()
        files.note_ending(KeyboardInterrupt())
        try:
            with pytest.raises(KeyboardInterrupt):
                file.check()
        finally:
            files.forget_endings()
        file.check()
