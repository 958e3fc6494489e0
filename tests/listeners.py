"""Who listens to a system under test: a StatsD server, and an HTTP server that keeps what is posted to it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class StatsdServer:
    """Keeps every line that it receives: `name,tag=value:1|c`."""

    port: int
    lines: list[str] = field(default_factory=list)

    def total(self, name: str) -> dict[str, float]:
        """The sum of what came of a metric, by its tags as they stand on the line."""
        sums: dict[str, float] = {}
        for line in self.lines:
            series, _, value = line.partition(":")
            found, _, tags = series.partition(",")
            if found == name:
                sums[tags] = sums.get(tags, 0) + float(value.split("|")[0])
        return sums


@contextmanager
def statsd_server() -> Iterator[StatsdServer]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        server = StatsdServer(listening.getsockname()[1])

        def listen() -> None:
            while data := listening.recv(65536):
                server.lines.extend(data.decode().split("\n"))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield server
        # An empty datagram ends the thread.
        listening.sendto(b"", ("127.0.0.1", server.port))
        thread.join(10)


@dataclass
class HttpServer:
    """Keeps what is posted: path and body."""

    url: str
    posted: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def http_server() -> Iterator[HttpServer]:
    kept = HttpServer("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.posted.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield kept
        server.shutdown()
        thread.join(10)
