"""A real mail server and a real web hook on this machine, that keep what they were sent and can be told to refuse."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from ports import free_port


@dataclass
class Mailbox:
    """What the mail server took."""

    port: int
    refuses: bool = False
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's
        if self.refuses:
            return "554 no"
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"

    @property
    def titles(self) -> list[str]:
        return [str(make_header(decode_header(mail["Subject"]))) for mail in self.mails]

    @property
    def bodies(self) -> list[str]:
        return [text_of(mail) for mail in self.mails]

    def connection(self) -> dict[str, Any]:
        """As an Airflow connection `smtp_default`."""
        extra = {"disable_ssl": True, "disable_tls": True, "from_email": "arrears@bank.example", "retry_limit": 0}
        return {"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra}


@dataclass
class Hook:
    """What the web hook took."""

    port: int
    refuses: bool = False
    posts: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)

    def connection(self) -> dict[str, Any]:
        """As an Airflow connection."""
        return {"conn_type": "http", "host": f"http://127.0.0.1:{self.port}/alerts", "password": "let-me-in"}


def text_of(mail: Message) -> str:
    """The body of a mail with one part."""
    part = mail.get_payload(0) if mail.is_multipart() else mail
    assert isinstance(part, Message)
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A mail server for the time of the block."""
    box = Mailbox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@contextmanager
def web_hook() -> Iterator[Hook]:
    """A web hook for the time of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not hook.refuses:
                hook.posts.append(json.loads(body))
                hook.authorizations.append(self.headers["Authorization"])
            self.send_response(500 if hook.refuses else 204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook = Hook(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
