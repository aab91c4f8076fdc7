"""The real service of a real server: HTTP that says which server answers.

Run inside a node: `python -m lvs_engine.daemons.lab.web_service NAME PORT`.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Answer(BaseHTTPRequestHandler):
    # HTTP/1.0: every request is a connection, so every request is balanced.
    protocol_version = "HTTP/1.0"
    timeout = 5

    def do_GET(self) -> None:
        assert isinstance(self.server, Service)
        body = f"{self.server.node}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class says so
        """Nothing: four requests a second are no news."""


class Service(ThreadingHTTPServer):
    """Answers on every address of the node."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, node: str, port: int) -> None:
        super().__init__(("", port), _Answer)
        self.node = node


if __name__ == "__main__":
    Service(sys.argv[1], int(sys.argv[2])).serve_forever()
