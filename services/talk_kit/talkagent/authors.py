"""What the platform lets authors ask for: images, and ServiceAccounts. Pure: no registry and no cluster is asked.

The chart's ValidatingAdmissionPolicy says the same in CEL; one table of cases holds the two to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from talk_kit.talkagent.names import OBJECT_PREFIX

ANY = "*"
# A reference whose registry is written out. What Kubernetes would not pull is refused here too: `reg:8/x` after a
# repository's name could otherwise pass for a port, and a registry in capital letters for a folder of docker.io.
REFERENCE = (
    "[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]+)?(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)+"
    "(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@[a-z0-9]+:[0-9a-f]{32,})?"
)
HUB = "docker.io"
_ASK = "Ask whoever runs Talk here to add it to"


@dataclass(frozen=True)
class Authors:
    """What a TalkAgent may name, beside Talk's own image and the agent's own ServiceAccount.

    `images`: a registry or a folder of one (`ghcr.io/team`), a repository, or one version (`r:1.2`, `r@sha256:...`).
    `serviceAccountNames`: names. In both `*` is any. `neverServiceAccountNames` are Talk's own, also with `*`.
    """

    images: Sequence[str] = ()
    serviceAccountNames: Sequence[str] = ()  # noqa: N815 - as in the chart's values
    neverServiceAccountNames: Sequence[str] = ()  # noqa: N815


class Refusal(NamedTuple):
    """A field that asks for what is not allowed, with a sentence for its author. `path` is within the spec."""

    path: tuple[str, ...]
    value: str
    why: str

    def __str__(self) -> str:
        return f"spec.{'.'.join(self.path)} {self.value}: {self.why}"


class _Image(NamedTuple):
    """`exact` is the one version that the reference means: repository and digest, or repository and tag."""

    repository: str
    exact: str


def refusals(name: str, spec: Mapping[str, Any], authors: Authors) -> Iterator[Refusal]:
    """What an author asks for in the TalkAgent of that name, and may not have."""
    image = spec.get("image")
    if isinstance(image, str) and not image_allowed(image, authors.images):
        yield Refusal(("image",), image, f"the platform does not allow this image. {_ASK} authors.images.")
    pod = spec.get("pod")
    account = pod.get("serviceAccountName") if isinstance(pod, Mapping) else None
    if isinstance(account, str) and not account_allowed(account, name, authors):
        why = f"the platform does not allow this ServiceAccount. {_ASK} authors.serviceAccountNames."
        yield Refusal(("pod", "serviceAccountName"), account, why)


def image_allowed(image: str, allowed: Sequence[str]) -> bool:
    """Whether one of `allowed` covers the image. A version that is allowed allows no other tag and no other digest."""
    found = _image(image)
    if found is None:
        return False
    at = found.repository
    return any(each in (ANY, found.exact, at) or at.startswith(f"{each}/") for each in allowed)


def account_allowed(account: str, agent: str, authors: Authors) -> bool:
    """Whether the agent's pods may run as this ServiceAccount: its own always, another agent's and Talk's own never."""
    if account == f"{OBJECT_PREFIX}{agent}":
        return True
    if account.startswith(OBJECT_PREFIX) or account in authors.neverServiceAccountNames:
        return False
    return account in authors.serviceAccountNames or ANY in authors.serviceAccountNames


def _image(written: str) -> _Image | None:
    """None for what is no reference. `redis` is docker.io/library/redis:latest."""
    named, at, digest = written.partition("@")
    full = _with_registry(named)
    if not re.fullmatch(REFERENCE, f"{full}{at}{digest}"):
        return None
    folder, slash, last = full.rpartition("/")
    repository = folder + slash + last.partition(":")[0]
    if at:
        return _Image(repository, f"{repository}@{digest}")
    return _Image(repository, full if ":" in last else f"{full}:latest")


def _with_registry(named: str) -> str:
    first, slash, rest = named.partition("/")
    if not slash:
        return f"{HUB}/library/{named}"
    if not (first == "localhost" or "." in first or ":" in first):
        return f"{HUB}/{named}"
    return f"{HUB}/library/{rest}" if first == HUB and "/" not in rest else named
