"""A PostgreSQL of a benchmark's own, that nothing else uses."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from arrears.services.postgres import PostgresService
from arrears.settings import Settings, get_settings


@contextmanager
def own_server() -> Iterator[Settings]:
    """Running, with empty databases; gone at the end."""
    home = tempfile.mkdtemp(prefix="arrears-bench-")
    os.environ |= {"ARREARS_HOME": home, "ARREARS_POSTGRES_PORT": str(free_port())}
    service = PostgresService(get_settings())
    try:
        service.start()
        yield get_settings()
    finally:
        service.stop()
        shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
