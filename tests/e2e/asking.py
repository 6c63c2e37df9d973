"""Callers inside the cluster that go on asking while something happens to it, and what they heard."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.cluster import ROOT, Namespace, until
from tests.e2e.fake_model import script_pod


@dataclass(frozen=True)
class Answer:
    """One question: when it was asked (Unix time), how long the answer took, and what was wrong with it."""

    agent: str
    at: float
    seconds: float
    wrong: str


class Asker:
    """A pod that asks agents through the gateway's Service."""

    def __init__(self, namespace: Namespace, name: str) -> None:
        self._namespace = namespace
        self._name = name

    def answers(self) -> list[Answer]:
        """All so far."""
        lines = self._namespace.kubectl("logs", self._name, "--tail=-1").splitlines()
        return [Answer(**json.loads(line)) for line in lines]

    def heals(self, agents: list[str], since: float, *, within: float, steady: float = 8.0) -> dict[str, float]:
        """For each agent the seconds from `since` until its last failure had its answer; 0 for none.

        Each must have answered for `steady` seconds without a failure; one that has not by `within` fails the test.
        """
        return until(
            f"{', '.join(agents)} answer again", lambda: self._healed(agents, since, steady), within + steady + 5
        )

    def _healed(self, agents: list[str], since: float, steady: float) -> dict[str, float] | None:
        found = {}
        heard = [each for each in self.answers() if each.at + each.seconds >= since]
        for agent in agents:
            mine = [each for each in heard if each.agent == agent]
            failures = [each.at + each.seconds - since for each in mine if each.wrong]
            found[agent] = max(failures, default=0.0)
            good = [each for each in mine if each.at - since >= found[agent]]
            if not good or time.time() - since - found[agent] < steady or good[-1].at < time.time() - steady:
                return None
        return found


@contextmanager
def asking(namespace: Namespace, agents: list[str], node: str) -> Iterator[Asker]:
    """Asks from a pod on a node that stays, and has heard from each agent before the block begins."""
    name = f"asker-{secrets.token_hex(2)}"
    namespace.kubectl("create", "configmap", name, f"--from-file=asker.py={ROOT / 'tests/e2e/asker.py'}")
    command = ["python", "/scripts/asker.py", "http://talk-gateway:8080", *agents]
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(script_pod(name, command, node)))
    try:
        namespace.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
        asker = Asker(namespace, name)
        until("every agent answers", lambda: _all_heard(asker, agents), 60)
        yield asker
    finally:
        wrong = [each for each in Asker(namespace, name).answers() if each.wrong]
        print(f"{len(wrong)} questions without an answer", *wrong, sep="\n  ")
        namespace.kubectl("delete", "pod", name, "--wait=false")


def _all_heard(asker: Asker, agents: list[str]) -> bool | None:
    return {each.agent for each in asker.answers() if not each.wrong} >= set(agents) or None
