"""What the inputs and outputs of a Nextflow module are, read from its main.nf."""

import re
from pathlib import Path
from typing import NamedTuple


class Channel(NamedTuple):
    """A line under ``input:`` or ``output:``: the names of its elements, and its ``emit`` or ``topic``."""

    elements: tuple[str, ...]
    is_tuple: bool
    emit: str | None
    topic: str | None


class Channels(NamedTuple):
    """All channels of a module, in order."""

    inputs: list[Channel]
    outputs: list[tuple[str, Channel]]
    topics: list[Channel]


def channels(path: Path) -> Channels:
    """The channels of a module."""
    found = blocks(path)
    outputs = [_channel(line) for line in found["output"]]
    return Channels(
        [_channel(line) for line in found["input"]],
        [(one.emit, one) for one in outputs if one.emit and one.emit != "versions"],
        # MultiQC reads the topic, so that its own version cannot go there.
        [one for one in outputs if "versions" in (one.topic, one.emit)],
    )


def blocks(path: Path) -> dict[str, list[str]]:
    """The directives and blocks of a process, in order, each with its lines but for comments and blank ones."""
    body = path.read_text().split("process ", 1)[1].splitlines()[1:-1]
    found: dict[str, list[str]] = {}
    name = ""
    for line in body:
        heading = re.match(r" {4}(\w+)(:| )", line)
        if heading and (heading[2] == ":" or name not in ("input", "output", "when", "script", "stub")):
            name = heading[1]
            found.setdefault(name, [])
            if heading[2] == " ":
                found[name].append(line.split(None, 1)[1])
        elif line.strip() and not line.strip().startswith("//"):
            found[name].append(line.strip())
    return found


def _channel(line: str) -> Channel:
    line, is_tuple = line.removeprefix("tuple "), line.startswith("tuple ")
    elements, options = [], {}
    for part in _split(line):
        option = re.fullmatch(r"(emit|topic): (\w+)", part)
        if option:
            options[option[1]] = option[2]
        elif element := re.match(r"(?:val|path|eval)(?:\((.*)\)| (.*))$", part):
            elements.append(re.sub(r"^(['\"])(.*)\1$", r"\2", _split(element[1] or element[2])[0]))
    return Channel(tuple(elements), is_tuple, options.get("emit"), options.get("topic"))


def _split(text: str) -> list[str]:
    """Parts between commas that lie in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
