"""Asks agents over and over, each in a thread of its own, and prints one JSON line for each answer. Runs in a pod.

    python asker.py http://talk-gateway:8080 assistant solo

Only the standard library; a connection for each question, so that every Service endpoint gets its share.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request

PAUSE_SECONDS, BOUND_SECONDS = 0.4, 8.0


def ask(base: str, agent: str) -> str:
    """What went wrong; empty for a reply."""
    body = json.dumps({"text": "Hello.", "mode": "agent", "agent_name": agent}).encode()
    headers = {"Content-Type": "application/json", "Connection": "close"}
    try:
        asked = urllib.request.Request(f"{base}/v1/chat", body, headers)
        with urllib.request.urlopen(asked, timeout=BOUND_SECONDS) as answer:
            return "" if json.load(answer)["reply"] else "empty"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(200).decode(errors='replace')}"
    except OSError as error:
        return f"{type(error).__name__} {error}"


def ask_for_ever(base: str, agent: str) -> None:
    """One question after another."""
    while True:
        at = time.time()
        wrong = ask(base, agent)
        line = {"agent": agent, "at": at, "seconds": round(time.time() - at, 3), "wrong": wrong}
        sys.stdout.write(json.dumps(line) + "\n")  # in one piece: print writes the end of a line by itself
        sys.stdout.flush()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    for name in sys.argv[2:]:
        threading.Thread(target=ask_for_ever, args=(sys.argv[1], name)).start()
