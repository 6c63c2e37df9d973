"""`talk validate`: every problem of some files, with its place. It agrees with what kubectl accepts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from talk_cli.platform_values import InvalidValues, read_authors
from talk_kit.talkagent import KIND, Document, Problem, check, errors
from talk_kit.talkagent.authors import Authors, refusals


def main(arguments: argparse.Namespace) -> int:
    """0 when there is no error; warnings and notices do not count."""
    documents, problems = check(*arguments.sources)
    if arguments.values:
        try:
            authors = read_authors(Path(arguments.values))
        except InvalidValues as error:
            print(error, file=sys.stderr)
            return 2
        problems = sorted({*problems, *not_allowed(documents, authors)})
    report = as_json if arguments.output == "json" else as_text
    for line in report(documents, problems):
        print(line)
    if failed := errors(problems):
        print(f"{len(failed)} error{'s' if len(failed) > 1 else ''}", file=sys.stderr)
    return 1 if failed else 0


def not_allowed(documents: Iterable[Document], authors: Authors) -> Iterator[Problem]:
    """What the TalkAgents ask for and the platform refuses them, in the operator's own words."""
    for document in documents:
        spec = document.data.get("spec") if document.kind == KIND else None
        for refusal in refusals(document.name, spec, authors) if isinstance(spec, dict) else ():
            yield document.problem(("spec", *refusal.path), str(refusal))


def as_text(documents: Iterable[Document], problems: Iterable[Problem]) -> Iterable[str]:
    """A line for each document and each problem, in the order of the files."""
    lines: dict[tuple[str, int], list[str]] = {}
    failed = {(problem.file, problem.document) for problem in errors(problems)}
    for document in documents:
        place = (document.file, document.number)
        outcome = "invalid" if place in failed else "ok"
        name = f" ({document.name})" if document.name else ""
        kind = document.kind[:64] or "unknown kind"
        head = f"{document.file}: document {document.number}{name}: {kind}: {outcome}"
        lines.setdefault(place, []).append(head)
    for problem in problems:
        lines.setdefault((problem.file, problem.document), []).append(f"  {problem}")
    return [line for place in sorted(lines) for line in lines[place]]


def as_json(documents: Iterable[Document], problems: Iterable[Problem]) -> Iterable[str]:
    """One object: `ok`, the documents, the problems."""
    report = {
        "ok": not errors(problems),
        "documents": [
            {"file": each.file, "document": each.number, "kind": each.kind, "name": each.name} for each in documents
        ],
        "problems": [_members(problem) for problem in problems],
    }
    return [json.dumps(report, indent=2, ensure_ascii=False)]


def _members(problem: Problem) -> dict[str, str | int]:
    names = ("file", "line", "column", "document", "name", "path", "severity", "message")
    return {name: getattr(problem, name) for name in names}
