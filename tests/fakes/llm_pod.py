"""The fake model as a pod of its own, which does as it is told in the question: `python -m tests.fakes.llm_pod PORT`.

A question with "fail" is refused by every model but the one named `second`; one with "ask" becomes a tool call where
there is a tool. Everything else gets a short reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

from tests.fakes.llm import Answer, FakeLlm, Request, reply, status, tool_call


def told(request: Request) -> Answer:
    """The answer to a chat completion."""
    asked = request.json
    last = asked["messages"][-1]
    question = str(last.get("content") or "") if last["role"] == "user" else ""
    if "fail" in question and asked["model"] != "second":
        return status(500)
    if "ask" in question and asked.get("tools"):
        function = asked["tools"][0]["function"]
        arguments = dict.fromkeys(function["parameters"]["required"], "How are you?")
        return tool_call(function["name"], json.dumps(arguments))
    return reply("I am well, thank you. It is a fine day.")


async def _serve(port: int) -> None:
    async with FakeLlm(port, "0.0.0.0") as llm:
        llm.default = told
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1])))
