"""What an upgrade, a rollback and an uninstall leave, by the commands of the page about them."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import page
from tests.e2e.cluster import CHART, ROOT, Namespace, built_images, offline, ready_agents, run, until
from tests.e2e.workloads import talk_agent

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
SECRET = "talk-internal-talk-redis"
PAGE = page(ROOT / "docs/how-to/upgrade.md")


class Told:
    """Commands of the page, in a namespace of ours and with our values."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        self.namespace, self.values = namespace, folder / "values.yaml"

    def run(self, *begin: str, more: list[str] | None = None) -> None:
        """The one command that begins so."""
        (words,) = [each.words for each in PAGE.commands() if each.words[: len(begin)] == begin]
        assert ("-n", "talk") in pairwise(words), words
        swap = {"charts/talk": str(CHART), "values.yaml": str(self.values)}
        run(*(swap.get(word, word) for word in self._here(words)), *(more or []), timeout=600)

    def upgrade(self, values: dict[str, Any]) -> None:
        """With other values."""
        self.values.write_text(json.dumps(values))
        self.run("helm", "upgrade", more=[*built_images(), *offline()])

    def remove(self, what: str) -> None:
        """The command of the table's row."""
        (command,) = re.findall(rf"^\| {what}[^|]*\| `(kubectl -n [^`]+)`", PAGE.text, re.MULTILINE)
        run(*self._here(command.split()))

    def _here(self, words: Any) -> list[str]:
        """With our namespace after -n."""
        pairs = zip(["", *words], words, strict=False)
        return [self.namespace.name if before == "-n" else word for before, word in pairs]


def password(namespace: Namespace) -> str:
    drawn: str = namespace.get("secret", SECRET)["data"]["password"]
    return drawn


def keys(namespace: Namespace) -> list[str]:
    script = 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli --raw keys "talk:1:*session:*"'
    return sorted(namespace.kubectl("exec", "talk-redis-0", "--", "sh", "-c", script).splitlines())


def agents(namespace: Namespace) -> dict[str, str]:
    """Names and uids."""
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in namespace.get("talkagents")}


def say_hello(namespace: Namespace) -> None:
    with namespace.forwarded("svc/talk-gateway", 8080) as gateway:
        until("the agent is ready", lambda: ready_agents(gateway) or None, 120)
        assert gateway.post("/v1/chat", json={"text": "Hello.", "session_id": "kept"}).status_code == 200


def test_conversations_password_and_agents_outlive_upgrade_rollback_and_uninstall(
    namespace: Namespace, tmp_path: Path
) -> None:
    told = Told(namespace, tmp_path)
    namespace.install("talk", *offline())
    namespace.apply(talk_agent("mine", "Be brief.", "http://model.nowhere.svc:8000/v1", suspend=True))
    say_hello(namespace)
    first, before, known = password(namespace), keys(namespace), agents(namespace)
    assert any("kept" in key for key in before)
    assert set(known) == {"assistant", "mine"}

    # Another configuration, so that Redis itself restarts; an agent more; and policies that the operator takes away.
    extra = {"instruction": "Be brief.", "suspend": True}
    told.upgrade({"redis": {"maxMemoryMiB": 200}, "agents": {"extra": extra}, "networkPolicy": {"enabled": False}})
    until("the agent of the new values", lambda: set(agents(namespace)) == {*known, "extra"} or None, 60)
    until("no policy is left", lambda: not namespace.get("networkpolicies") or None, 60)
    assert (password(namespace), keys(namespace)) == (first, before)

    told.run("helm", "rollback")
    until("the agents are as before", lambda: agents(namespace) == known or None, 60)
    assert (password(namespace), keys(namespace)) == (first, before)
    say_hello(namespace)

    told.run("helm", "uninstall")
    until("only the other agent is left", lambda: agents(namespace) == {"mine": known["mine"]} or None, 60)
    assert "talk.dwani.ai" in run("kubectl", "get", "crd", "talkagents.talk.dwani.ai", "-o", "name")
    assert password(namespace) == first

    namespace.install("talk", *offline())
    assert (password(namespace), keys(namespace)) == (first, before)
    namespace.helm("uninstall", "talk", "--wait")
    told.remove("conversations")
    told.remove("the password of Redis")
    assert namespace.get("secret,pvc", selector="app.kubernetes.io/instance=talk") == []
