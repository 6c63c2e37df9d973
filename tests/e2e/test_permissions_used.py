"""The verbs that the ServiceAccounts of Talk used in this run, by the API server's own log, beside those granted.

TALK_E2E_AUDIT_LOG names that log: a JSON line a request, of level Metadata or more. On a cluster whose log cannot be
read it is `none`, and then this is not known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.chart.helm import render
from tests.e2e.cluster import EVIDENCE, Namespace

# After all other tests: it looks at what they made Talk do.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.last]

LOG = os.environ.get("TALK_E2E_AUDIT_LOG", "")
ROOMS = ("gateway", "operator", "redis", "local")
ACCOUNT = "system:serviceaccount:"


class Use(NamedTuple):
    """A verb on a resource, as a Role has it."""

    room: str
    group: str
    resource: str
    verb: str


# Granted, though a run need not use it.
REASONS: dict[Use, str] = {}


def room_of(account: str) -> str:
    """By the ServiceAccount's name, as the chart and the operator make it."""
    if account.startswith("talkagent-"):
        return "agent"
    return next((room for room in ROOMS if account.endswith(f"-{room}")), account)


def granted() -> set[Use]:
    """By the chart, with a namespace beside the release's own."""
    roles = render(values={"watchNamespaces": ["team"]}).all("Role")
    return {
        Use(room_of(role["metadata"]["name"]), group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def lines() -> Iterator[dict[str, Any]]:
    """The log's entries about this run, in order: each request once it is answered."""
    with Path(LOG).open(encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["stage"] != "RequestReceived" and entry.get("objectRef"):
                yield entry


def ours(entries: Iterable[dict[str, Any]]) -> tuple[set[Use], list[str]]:
    """What Talk's accounts used, and what they were refused while they had a role there."""
    used, refused, gone = set[Use](), list[str](), set[str]()
    for entry in entries:
        what, verb, user = entry["objectRef"], entry["verb"], entry["user"].get("username", "")
        space, _, account = user.removeprefix(ACCOUNT).partition(":")
        if what["resource"] == "rolebindings" and entry.get("responseStatus", {}).get("code", 0) < 300:
            binding = f"{what.get('namespace')}/{what.get('name')}"
            (gone.add if verb == "delete" else gone.discard)(binding)
        if not user.startswith(ACCOUNT) or space not in Namespace.made:
            continue
        resource = "/".join(filter(None, (what["resource"], what.get("subresource"))))
        use = Use(room_of(account), what.get("apiGroup", ""), resource, verb)
        if entry["annotations"]["authorization.k8s.io/decision"] == "allow":
            used |= {use, use._replace(verb="create")} if _made(entry) else {use}
        elif f"{what.get('namespace')}/{account}" not in gone:
            # A pod that outlives its role by its drain goes on watching; that is no lack.
            refused.append(f"{user}: {verb} {resource} in {what.get('namespace')}")
    return used, refused


def _made(entry: dict[str, Any]) -> bool:
    """A server-side apply of what was not there: authorized as create too."""
    return bool(entry["verb"] == "patch" and entry.get("responseStatus", {}).get("code") == 201)


def table(used: set[Use], granted: set[Use]) -> str:
    """Rows for people: a resource, the verbs that were used, and those that were not."""
    rows = ["| account | group | resource | granted and used | granted only |", "| --- | --- | --- | --- | --- |"]
    for room, group, resource in sorted({use[:3] for use in used | granted}):
        has = {use.verb for use in granted if use[:3] == (room, group, resource)}
        did = {use.verb for use in used if use[:3] == (room, group, resource)}
        rows.append(f"| {room} | {group} | {resource} | {' '.join(sorted(did))} | {' '.join(sorted(has - did))} |")
    return "\n".join(rows)


def test_what_is_granted_is_what_is_used() -> None:
    assert LOG, "set TALK_E2E_AUDIT_LOG to the file of the API server's audit log, or to `none` where there is none"
    if LOG == "none":
        pytest.skip("TALK_E2E_AUDIT_LOG=none: this cluster's API server tells nobody what was asked of it")
    used, refused = ours(lines())
    had = granted()
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    (EVIDENCE / "permissions.md").write_text(table(used, had) + "\n")
    print(table(used, had))
    assert refused == []
    assert used - had == set()
    assert had - used - set(REASONS) == set()
