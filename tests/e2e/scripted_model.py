"""A model that does as tests need: it calls the first tool it is given, and otherwise says what it was told.

Alone in a pod, so it knows nothing but the standard library. `python scripted_model.py PORT`
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The message of the assistant."""
    system = next((each["content"] for each in asked["messages"] if each["role"] == "system"), "")
    last = asked["messages"][-1]
    if last["role"] == "tool":
        return {"content": f"The tool said: {last['content']}"}
    if tools := asked.get("tools"):
        call = {"name": tools[0]["function"]["name"], "arguments": json.dumps({"message": "Who are you?"})}
        return {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": call}]}
    return {"content": f"I was told: {system}"}


def body(asked: dict[str, Any]) -> bytes:
    """The whole answer, as a stream of one chunk."""
    message = answer(asked)
    reason = "tool_calls" if "tool_calls" in message else "stop"
    choices = [({"role": "assistant", **message}, None), ({}, reason)]
    lines = [{"choices": [{"index": 0, "delta": delta, "finish_reason": why}]} for delta, why in choices]
    return "".join(f"data: {json.dumps(each)}\n\n" for each in lines).encode() + b"data: [DONE]\n\n"


class Handler(BaseHTTPRequestHandler):
    """The two routes that an agent uses."""

    def do_GET(self) -> None:
        """`/v1/models`, for probes."""
        self._send("application/json", b'{"object": "list", "data": [{"id": "scripted"}]}')

    def do_POST(self) -> None:
        """`/v1/chat/completions`."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send("text/event-stream", body(asked))

    def _send(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
