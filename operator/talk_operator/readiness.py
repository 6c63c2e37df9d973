"""What a pod says of itself: the operator asks the `/ready` of pods that are not ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import httpx
import orjson

from talk_operator.config import Object
from talk_operator.render.pod import PORT

# Seconds for one answer, bytes of it, pods that are asked of one agent: the rest lacks the same, most likely.
TIMEOUT = 2.0
MOST_BYTES = 65_536
MOST_PODS = 3
# Seconds for which an answer holds when the next one does not come.
MEMORY = 20.0
# What an agent says of a check before its first outcome.
NOT_CHECKED = "not checked yet"


@dataclass(frozen=True)
class Failing:
    """A check of a pod that fails, in the agent's words. They name Secrets and keys, never their content."""

    check: str
    message: str


# The pod is ready by now; the kubelet, which asks every few seconds, will see it.
READY = Failing("", "")


class Readiness:
    """Asks pods, with one client for all."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT, trust_env=False, transport=transport, limits=httpx.Limits(max_keepalive_connections=0)
        )

        self._clock = clock
        self._said: dict[str, tuple[float, Failing]] = {}

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.aclose()

    async def failing(self, pods: Iterable[Object]) -> dict[str, Failing]:
        """The first failing check of each pod that answers, or READY; a pod that does not answer is left out."""
        asked = [pod for pod in pods if pod["status"].get("podIP")][:MOST_PODS]
        answers = await asyncio.gather(*(self._heard(pod["status"]["podIP"]) for pod in asked))
        pairs = zip(asked, answers, strict=True)
        return {pod["metadata"]["name"]: answer for pod, answer in pairs if answer is not None}

    async def _heard(self, address: str) -> Failing | None:
        """What it says, or said a moment ago: one answer that is lost on a busy node changes no condition."""
        said, now = await self._ask(address), self._clock()
        if said is not None:
            self._said[address] = (now, said)
        self._said = {known: each for known, each in self._said.items() if now - each[0] < MEMORY}
        return said or self._said.get(address, (0.0, None))[1]

    async def _ask(self, address: str) -> Failing | None:
        host = f"[{address}]" if ":" in address else address
        try:
            async with asyncio.timeout(TIMEOUT), self._client.stream("GET", f"http://{host}:{PORT}/ready") as answer:
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        return None
        except (httpx.HTTPError, TimeoutError):
            return None
        return first_failing(body)


def first_failing(body: bytes) -> Failing | None:
    """The check that a `/ready` body complains of, READY where it complains of none; None for another's body."""
    try:
        checks = orjson.loads(body)["checks"]
        failing = [(str(check["name"]), str(check["message"])) for check in checks if check["ok"] is False]
    except (ValueError, LookupError, TypeError):
        return None
    failing.sort(key=_tells_less)
    return Failing(failing[0][0], failing[0][1][:500]) if failing else READY


def _tells_less(check: tuple[str, str]) -> int:
    """A missing Secret is why the model cannot be asked; what is still starting is nobody's reason."""
    name, message = check
    if name in ("started", "draining") or message == NOT_CHECKED:
        return 2
    return 0 if name == "references" else 1
