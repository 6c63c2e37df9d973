"""What a spec refers to: keys of Secrets and ConfigMaps, from wherever this process may read them.

In this order: documents of the same files, mounted files (`<folder>/secrets/<name>/<key>` and `configmaps`, read anew
at each use, so that a changed key is taken up), and the environment (`TALK_SECRET_<NAME>_<KEY>`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from talk_kit.talkagent.documents import Document
from talk_kit.talkagent.kubernetes import decoded
from talk_kit.talkagent.problem import Path as FieldPath
from talk_kit.talkagent.problem import Problem
from talk_kit.talkagent.schema import KIND
from talk_kit.talkagent.secret import Secret

RefKind = Literal["Secret", "ConfigMap"]
_FOLDERS = {"Secret": "secrets", "ConfigMap": "configmaps"}


@dataclass(frozen=True)
class KeyRef:
    """A key of a Secret or a ConfigMap."""

    kind: RefKind
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}, key {self.key}"

    @property
    def variable(self) -> str:
        """The environment variable that may hold it."""
        return "TALK_SECRET_" + re.sub(r"[^A-Z0-9]", "_", f"{self.name}_{self.key}".upper())


class MissingReference(Exception):
    """Nothing of that name and key, or nothing usable; the message has no word of the content."""

    def __init__(self, ref: KeyRef, reason: str = "not found") -> None:
        super().__init__(f"{ref}: {reason}")
        self.ref, self.reason = ref, reason


class References:
    """Resolves `KeyRef`s. Its `repr` shows nothing."""

    def __init__(
        self,
        documents: Iterable[Document] = (),
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._texts = dict(_texts(documents))
        self._environ = environ or {}
        self._folder = folder

    def __repr__(self) -> str:
        return "References()"

    def secret(self, ref: KeyRef) -> Secret:
        """The secret, stripped. Raises `MissingReference`."""
        try:
            return Secret(self.text(ref))
        except ValueError as error:
            raise MissingReference(ref, str(error)) from None

    def text(self, ref: KeyRef) -> str:
        """The text of a key as it is. Raises `MissingReference`."""
        found = self._texts.get(ref)
        if found is None:
            found = self._from_folder(ref)
        if found is None:
            found = self._environ.get(ref.variable)
        if found is None:
            raise MissingReference(ref, f"not found; {self._advice(ref)}")
        return found

    def _advice(self, ref: KeyRef) -> str:
        """Where it belongs: a folder that the kubelet keeps has a link of this name."""
        if self._folder is not None and (self._folder / "..data").exists():
            return "make it in the namespace of the TalkAgent"
        return f"put it into the same file, or set {ref.variable}"

    def _from_folder(self, ref: KeyRef) -> str | None:
        if self._folder is None:
            return None
        try:
            return (self._folder / _FOLDERS[ref.kind] / ref.name / ref.key).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None


def _texts(documents: Iterable[Document]) -> Iterator[tuple[KeyRef, str]]:
    for document in documents:
        kind: Any = document.kind
        if kind not in _FOLDERS or document.api_version != "v1":
            continue
        for key, value in _members(document, "data"):
            text = _utf8(decoded(value)) if kind == "Secret" else value
            if text is not None:
                yield KeyRef(kind, document.name, key), text
        if kind == "Secret":
            for key, value in _members(document, "stringData"):
                yield KeyRef(kind, document.name, key), value


def _members(document: Document, field: str) -> list[tuple[str, str]]:
    values = document.data.get(field)
    members = values.items() if isinstance(values, dict) else ()
    return [(key, value) for key, value in members if isinstance(value, str)]


def _utf8(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def referred(spec: Any, path: FieldPath = ("spec",)) -> Iterator[tuple[FieldPath, KeyRef]]:
    """The references of a raw spec that the agent itself reads; those under `pod` are the kubelet's."""
    if isinstance(spec, list):
        for index, item in enumerate(spec):
            yield from referred(item, (*path, index))
    if not isinstance(spec, dict):
        return
    for name, value in spec.items():
        kind: RefKind | None = {"apiKeySecretRef": "Secret", "configMapKeyRef": "ConfigMap"}.get(name)  # type: ignore[assignment]
        if kind and isinstance(value, dict):
            if isinstance(value.get("name"), str) and isinstance(value.get("key"), str):
                yield (*path, name), KeyRef(kind, value["name"], value["key"])
        elif name != "pod":
            yield from referred(value, (*path, name))


def missing_references(documents: list[Document]) -> Iterator[Problem]:
    """A warning for each key that is in none of the documents: it may be in the cluster or the environment."""
    known = dict(_texts(documents))
    for document in documents:
        if document.kind != KIND or not isinstance(document.data, dict):
            continue
        for path, ref in referred(document.data.get("spec")):
            if ref not in known:
                yield document.problem(
                    path, f"{ref}: not in these files; `talk run` reads {ref.variable} instead", "warning"
                )
