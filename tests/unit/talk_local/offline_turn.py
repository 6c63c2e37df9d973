"""A whole turn against `python -m talk_local`, as a program: prints what was said, heard and answered, as JSON.

Run where there is no network: `scripts/offline.sh python -m tests.unit.talk_local.offline_turn`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import httpx

SAID = "How do plants make food?"
START_SECONDS = 60.0


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {**os.environ, "TALK_PORT": str(port), "TALK_LOCAL_LLM_TOKENS": "16"}
    process = subprocess.Popen([sys.executable, "-m", "talk_local"], env=environ, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until_ready(client)
            result = turn(client)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
    interfaces = [name for _, name in socket.if_nameindex()]
    print(json.dumps({**result, "interfaces": interfaces, "exit": code}))


def wait_until_ready(client: httpx.Client) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if client.get("/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("talk_local is not ready")


def turn(client: httpx.Client) -> dict[str, str]:
    sound = client.post("/v1/audio/speech", json={"input": SAID, "response_format": "wav"})
    heard = client.post("/v1/audio/transcriptions", files={"file": ("q.wav", sound.content)}).json()["text"]
    body = {"messages": [{"role": "user", "content": heard}]}
    answer = client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"]
    return {"said": SAID, "heard": heard, "answer": answer}


if __name__ == "__main__":
    main()
