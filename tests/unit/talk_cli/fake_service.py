"""A stand-in for a service, as a process: answers /ready, logs JSON, and does what `FAKE` asks for.

FAKE is a comma separated list: `crash` ends at once with code 3, `settings` with code 2, `deaf` ignores SIGTERM,
`orphan` starts a process of its own, `env` prints the TALK_* variables, `late` is ready at the third question.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        Handler.asked += 1
        ready = "late" not in WISHES or Handler.asked > 2
        checks = [] if ready else [{"name": "model", "ok": False, "message": "loading"}]
        body = json.dumps({"ready": ready, "checks": checks}).encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


WISHES = os.environ.get("FAKE", "").split(",")


def main() -> None:
    if "crash" in WISHES:
        print("no luck today")
        sys.exit(3)
    if "settings" in WISHES:
        print("TALK_PORTT is not a setting of Talk. Did you mean TALK_PORT?")
        sys.exit(2)
    if "deaf" in WISHES:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "orphan" in WISHES:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(json.dumps({"level": "info", "message": "orphan", "pid": child.pid}))
    if "env" in WISHES:
        print(json.dumps({name: value for name, value in os.environ.items() if name.startswith("TALK_")}))
    print(json.dumps({"level": "info", "message": "started", "pid": os.getpid()}), flush=True)
    HTTPServer(("127.0.0.1", int(os.environ["TALK_PORT"])), Handler).serve_forever()


main()
