"""Serves `/ready` and `/healthz` of an agent with 12 MB of memory."""

from __future__ import annotations

import os
import signal
import socket
import socketserver

READY = b'{"ready": true, "checks": []}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
    len(READY),
    READY,
)


class Answer(socketserver.StreamRequestHandler):
    """Whatever is asked."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(ANSWER)


class Server(socketserver.ThreadingTCPServer):
    """On every address of both families."""

    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Server(("::", int(os.environ.get("TALK_PORT", "8081"))), Answer).serve_forever()
