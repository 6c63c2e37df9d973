"""Pods are asked what they lack, within bounds, and one lost answer changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from talk_operator.readiness import MEMORY, MOST_BYTES, MOST_PODS, Failing, Readiness

BODY = {"ready": False, "checks": [{"name": "model", "ok": False, "message": "no answer"}]}
SAID = Failing("model", "no answer")


def pod(name: str, address: str | None = "10.0.0.1") -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"podIP": address} if address else {}}


class Pods:
    """Answers, or does not, and counts."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(503, json=BODY)
        self.readiness = Readiness(httpx.MockTransport(self._handle), clock=lambda: self.now)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return self.answer()


def refuse() -> httpx.Response:
    raise httpx.ConnectError("refused")


async def test_a_few_pods_that_have_an_address_are_asked() -> None:
    pods = Pods()
    said = await pods.readiness.failing([pod("none", None), *(pod(str(n), f"10.0.0.{n}") for n in range(9))])
    assert len(pods.asked) == len(said) == MOST_PODS
    assert pods.asked[0] == "http://10.0.0.0:8081/ready"
    assert set(said.values()) == {SAID}
    await pods.readiness.failing([pod("six", "fd00::6")])
    assert pods.asked[-1] == "http://[fd00::6]:8081/ready"


async def test_an_answer_holds_for_a_while_when_the_next_does_not_come() -> None:
    pods = Pods()
    assert await pods.readiness.failing([pod("a")]) == {"a": SAID}
    pods.answer = refuse
    pods.now = MEMORY - 1
    assert await pods.readiness.failing([pod("a")]) == {"a": SAID}
    pods.now = MEMORY + 1
    assert await pods.readiness.failing([pod("a")]) == {}


async def test_an_answer_without_end_is_none() -> None:
    pods = Pods()
    pods.answer = lambda: httpx.Response(200, content=b" " * (MOST_BYTES + 1))
    assert await pods.readiness.failing([pod("a")]) == {}
