"""What holds for every Kubernetes document, and for the Secrets and ConfigMaps beside the agents."""

from __future__ import annotations

import base64
import binascii
import difflib
import re
from collections.abc import Iterator

from talk_kit.talkagent.documents import Document
from talk_kit.talkagent.names import is_qualified
from talk_kit.talkagent.problem import Problem, dotted
from talk_kit.talkagent.schema import API_VERSION, KIND

_METADATA = [
    "name", "namespace", "labels", "annotations", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "ownerReferences", "finalizers",
    "selfLink",
]  # fmt: skip
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_GROUP = API_VERSION.split("/", 1)[0] + "/"


def check_type_meta(document: Document) -> list[Problem]:
    """Whether it is a document of a kind that Talk may ask about, spelled right."""
    if not isinstance(document.data, dict):
        return [
            document.problem((), f"a document must be a mapping with apiVersion, kind, metadata and spec of a {KIND}")
        ]
    if not document.kind:
        what = "must be a string" if "kind" in document.data else "is missing"
        return [document.problem(("kind",), f"kind {what}: {KIND}")]
    group = document.api_version.startswith(_GROUP)
    near = difflib.get_close_matches(document.kind.lower(), [KIND.lower()], cutoff=0.8)
    if document.kind != KIND and (near or group):
        return [document.problem(("kind",), f"kind must be {KIND}; did you mean {KIND}?")]
    return []


def check_metadata(document: Document) -> Iterator[Problem]:
    """Metadata of a TalkAgent: the fields Kubernetes knows, and a name that is there and a string."""
    metadata = document.data.get("metadata")
    if not isinstance(metadata, dict):
        return
    for name in metadata:
        if name not in _METADATA:
            near = difflib.get_close_matches(name, _METADATA, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            hint = "; an agent needs a name of its own" if name == "generateName" else hint
            yield document.problem(("metadata", name), f"unknown field metadata.{name}{hint}", key=True)
    yield from _check_name(document, metadata)
    for field in ("labels", "annotations"):
        yield from _check_strings(document, field, metadata.get(field))


def _check_name(document: Document, metadata: dict[str, object]) -> Iterator[Problem]:
    name = metadata.get("name")
    if name is None:
        yield document.problem(("metadata", "name"), "metadata.name is missing: a DNS label of at most 40 characters")
    elif not isinstance(name, str):
        text = document.texts.get(("metadata", "name"))
        hint = f"; quote it as '{text}'" if text is not None else ""
        yield document.problem(("metadata", "name"), f"metadata.name must be a string{hint}")


def _check_strings(document: Document, field: str, values: object) -> Iterator[Problem]:
    path = ("metadata", field)
    if values is not None and not isinstance(values, dict):
        yield document.problem(path, f"metadata.{field} must be a mapping of strings to strings")
        return
    for key, value in (values or {}).items():
        if not is_qualified(key):
            message = f"{dotted((*path, key))}: a key is a name, or a domain, a slash and a name"
            yield document.problem((*path, key), message, key=True)
        if not isinstance(value, str):
            text = document.texts.get((*path, key))
            hint = f"; quote it as '{text}'" if text is not None else ""
            yield document.problem((*path, key), f"metadata.{field} takes strings only{hint}")


def check_other(document: Document) -> list[Problem]:
    """A Secret, a ConfigMap, or a kind that is none of Talk's business."""
    if document.kind in ("Secret", "ConfigMap") and document.api_version == "v1":
        return list(_check_data(document))
    if document.kind and document.kind != KIND and isinstance(document.data, dict):
        return [document.problem((), f"{document.kind} is not a {KIND}; it is ignored", "notice")]
    return []


def _check_data(document: Document) -> Iterator[Problem]:
    if not document.name:
        yield document.problem(("metadata", "name"), f"metadata.name of the {document.kind} is missing")
    for field in ("data", "stringData", "binaryData"):
        values = document.data.get(field, {})
        if not isinstance(values, dict):
            yield document.problem((field,), f"{field} must be a mapping of strings to strings")
            continue
        for key, value in values.items():
            yield from _check_entry(document, field, key, value)


def _check_entry(document: Document, field: str, key: str, value: object) -> Iterator[Problem]:
    where = f"{field}.{key}" if len(key) <= 64 else field
    if not _KEY.fullmatch(key):
        yield document.problem((field, key), f"{where}: a key has letters, digits, '-', '_' and '.' only", key=True)
    if not isinstance(value, str):
        yield document.problem((field, key), f"{where} must be a string; quote it")
    elif _is_base64(document, field) and decoded(value) is None:
        hint = "; use stringData for plain text" if document.kind == "Secret" else ""
        yield document.problem((field, key), f"{where} is not base64{hint}")


def _is_base64(document: Document, field: str) -> bool:
    return field == "binaryData" or (document.kind == "Secret" and field == "data")


def decoded(value: str) -> bytes | None:
    """The bytes of base64, line ends within allowed; None when it is not base64."""
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
