"""A running Arrears of a benchmark's own, and what dbt did in it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from own_server import free_port

from arrears.settings import Settings, get_settings

ARREARS = Path(sys.executable).parent / "arrears"
_NODE = re.compile(r"\d+ of \d+ (?:OK|PASS) (.*?) \.*\s*\[.* in ([\d.]+)s\]")


@contextmanager
def own_system() -> Iterator[Settings]:
    """Empty, with all its services; gone at the end."""
    home = tempfile.mkdtemp(prefix="arrears-bench-")
    os.environ |= {
        "ARREARS_HOME": home,
        "ARREARS_POSTGRES_PORT": str(free_port()),
        "ARREARS_SFTP_PORT": str(free_port()),
        "ARREARS_AIRFLOW_PORT": str(free_port()),
    }
    try:
        arrears("up")
        yield get_settings()
    finally:
        arrears("down")
        shutil.rmtree(home, ignore_errors=True)


def arrears(*arguments: str, stdout: int | None = None) -> None:
    """Run the command line as a person would.

    Raises:
        SystemExit: it ended with an error, which it has told.
    """
    result = subprocess.run([ARREARS, *arguments], check=False, stdin=subprocess.DEVNULL, stdout=stdout)
    if result.returncode:
        raise SystemExit(f"arrears {' '.join(arguments)} ended with {result.returncode}: see above")


def slowest_nodes(settings: Settings, *, of_run_with: str) -> list[tuple[str, float]]:
    """Models and tests with their seconds, slowest first, of dbt's last run that has a node of this name."""
    log = (settings.home / "dbt" / "logs" / "dbt.log").read_text(encoding="utf-8")
    runs = [run for run in log.split("Running with dbt") if of_run_with in run]
    found = [(what.split()[-1], float(seconds)) for what, seconds in _NODE.findall(runs[-1])]
    return sorted(found, key=lambda node: -node[1])
