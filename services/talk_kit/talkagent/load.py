"""Files and folders into documents, as `kubectl apply -f` takes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from talk_kit.talkagent.documents import Document, build
from talk_kit.talkagent.nodes import MAX_DEPTH, Unreadable, compose
from talk_kit.talkagent.problem import InvalidFiles, Problem, errors

MAX_BYTES = 4 * 1024 * 1024
MAX_FILES = 1_000
_SUFFIXES = frozenset([".yaml", ".yml", ".json"])
_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
STDIN = "-"


@dataclass
class Loaded:
    """What the files hold, and what could not be read."""

    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def load_documents(*sources: str | Path) -> Loaded:
    """The documents of files and folders (their .yaml, .yml and .json files, not those of folders within).

    `-` is the standard input. Nothing raises: what cannot be read is a problem, and the rest is loaded.
    """
    loaded = Loaded()
    seen: set[Path] = set()
    for source in sources:
        for file in _readable(Path(source), loaded.problems):
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
            loaded.files.append(str(file))
            _load_file(file, loaded)
    return loaded


def documents_or_raise(*sources: str | Path) -> list[Document]:
    """The documents, or `InvalidFiles` when anything could not be read."""
    loaded = load_documents(*sources)
    if errors(loaded.problems):
        raise InvalidFiles(loaded.problems)
    return loaded.documents


def load_text(text: str, file: str) -> Loaded:
    """The documents of a text. A document that cannot be read does not hide the others."""
    loaded = Loaded(files=[file])
    number = 0
    for first_line, part in _parts(text):
        try:
            roots = compose(part, first_line)
        except Unreadable as error:
            number += 1
            loaded.problems.append(_problem(file, error, number))
            continue
        for root in filter(None, roots):
            number += 1
            try:
                document, problems = build(root, file, number)
            except Unreadable as error:
                loaded.problems.append(_problem(file, error, number))
                continue
            members = document.members()
            loaded.documents += members
            loaded.problems += problems
            number += len(members) - 1
    return loaded


def _problem(file: str, error: Unreadable, number: int = 0) -> Problem:
    return Problem(file, error.line, error.column, number, "", "", error.message)


def _readable(source: Path, problems: list[Problem]) -> Iterable[Path]:
    try:
        return _files(source, problems)
    except OSError as error:
        problems.append(Problem(str(source), 1, 1, 0, "", "", f"cannot be read: {error.strerror}"))
        return []


def _files(source: Path, problems: list[Problem]) -> Iterable[Path]:
    if str(source) == STDIN or source.is_file():
        return [source]
    if not source.is_dir():
        problems.append(Problem(str(source), 1, 1, 0, "", "", "no such file or folder"))
        return []
    found = sorted(file for file in source.iterdir() if file.suffix in _SUFFIXES and file.is_file())
    if not found:
        problems.append(Problem(str(source), 1, 1, 0, "", "", "no .yaml, .yml or .json file in this folder"))
    if len(found) > MAX_FILES:
        problems.append(Problem(str(source), 1, 1, 0, "", "", f"more than {MAX_FILES} files in this folder"))
        return []
    return found


def _load_file(file: Path, loaded: Loaded) -> None:
    try:
        text = _decode(_read(file))
    except OSError as error:
        reason = error.strerror or "cannot be read"
        loaded.problems.append(Problem(str(file), 1, 1, 0, "", "", f"cannot be read: {reason}"))
    except Unreadable as error:
        loaded.problems.append(_problem(str(file), error))
    else:
        found = load_text(text, "<stdin>" if str(file) == STDIN else str(file))
        loaded.documents += found.documents
        loaded.problems += found.problems


def _read(file: Path) -> bytes:
    if str(file) == STDIN:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise Unreadable(f"more than {MAX_BYTES // 1024 // 1024} MB", 1, 1)
    return raw


def _decode(raw: bytes) -> str:
    """UTF-8 text with LF line ends; a byte order mark is dropped."""
    if raw.startswith(_UTF16) or raw[:4].count(0) >= 2:
        raise Unreadable("UTF-16 or binary; save it as UTF-8", 1, 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place(raw[: error.start].decode("utf-8-sig", "replace"))
        raise Unreadable("not UTF-8 text; save it as UTF-8", line, column) from None
    if match := _CONTROL.search(text):
        line, column = _place(text[: match.start()])
        raise Unreadable(f"not text: control character {ord(match[0]):#04x}", line, column)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _place(before: str) -> tuple[int, int]:
    lines = re.split(r"\r\n|\r|\n", before)
    return len(lines), len(lines[-1]) + 1


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The text cut before each `---`, with the number of each part's first line. Directives stay with what follows."""
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text))]
    line, pending = 1, ""
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = pending + text[start:end]
        if _only_directives(part):
            pending = part
            continue
        pending = ""
        yield line, part
        line += part.count("\n")


def _only_directives(part: str) -> bool:
    lines = [line for line in part.splitlines() if line.strip() and not line.startswith("#")]
    return bool(lines) and all(line.startswith("%") for line in lines)


__all__ = ["MAX_BYTES", "MAX_DEPTH", "Loaded", "documents_or_raise", "load_documents", "load_text"]
