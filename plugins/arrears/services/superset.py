"""The dashboards: Apache Superset in an environment of its own (`.venv-bi`), filled from the text in `bi/`.

Its versions are not ours, so that nothing of it is imported here: what has to run inside it is `bi/set_up.py`.
"""

import hashlib
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from arrears.bi.assets import archive, asset_files, slug
from arrears.bi.spec import read_spec
from arrears.errors import ServiceError
from arrears.services.files import write_once
from arrears.services.processes import Daemon, require_free_port
from arrears.settings import PROJECT_ROOT, Settings

ENVIRONMENT = PROJECT_ROOT / ".venv-bi"
BI = PROJECT_ROOT / "bi"
ADMIN = "admin"


class SupersetService:
    """Starts and stops Superset; every call is idempotent."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://{settings.superset_host}:{settings.superset_port}"
        home = settings.home
        self._home = home / "superset"
        self._daemon = Daemon("Superset", home / "run" / "superset.pid", home / "logs" / "superset.log")

    def start(self) -> None:
        """Fill Superset from the text where that has changed, and start it; return when it answers.

        Raises:
            ServiceError: it is not installed, the port is taken, or it ended at once.
            BiTextError: the text is wrong.
        """
        if self._daemon.pid() is None:
            require_free_port(
                "Superset", self.settings.superset_host, self.settings.superset_port, "ARREARS_SUPERSET_PORT"
            )
        if self.set_up():
            self._daemon.stop()
        self._daemon.start(self.command(), self.environment())
        self._wait_until_healthy()

    def stop(self) -> None:
        self._daemon.stop()

    def is_running(self) -> bool:
        return self._daemon.pid() is not None

    def set_up(self) -> bool:
        """Bring Superset's database, its administrator and the dashboards up to date with the text and the lock.

        Returns whether there was anything to do.

        Raises:
            ServiceError: it is not installed, or refused.
        """
        if not (ENVIRONMENT / "bin" / "gunicorn").exists():
            raise ServiceError(f"Superset is not installed in {ENVIRONMENT}: run `make bi`")
        create_secrets(self.settings)
        self._home.mkdir(parents=True, exist_ok=True)
        bundle = archive(asset_files(read_spec(), uri=warehouse_uri(self.settings)))
        (self._home / "assets.zip").write_bytes(bundle)
        done, state = self._home / "set_up", self._state(bundle)
        if done.exists() and done.read_text() == state:
            return False
        result = subprocess.run(
            [ENVIRONMENT / "bin" / "python", BI / "set_up.py", self._home / "assets.zip"],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise ServiceError(f"Superset could not be set up:\n{result.stderr[-3000:]}")
        done.write_text(state)
        return True

    def command(self) -> list[str]:
        """One process with threads: it keeps its cache in memory."""
        address = f"{self.settings.superset_listen}:{self.settings.superset_port}"
        gunicorn = [str(ENVIRONMENT / "bin" / "gunicorn"), "--bind", address, "--workers", "1"]
        return [
            *gunicorn,
            "--worker-class",
            "gthread",
            "--threads",
            "8",
            "--timeout",
            "120",
            "superset.app:create_app()",
        ]

    def environment(self) -> dict[str, str]:
        """What `bi/superset_config.py` and `bi/set_up.py` read."""
        settings = self.settings
        metadata = _uri(settings, "superset", settings.secret("postgres_superset"), settings.superset_database)
        return {
            **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")},
            "SUPERSET_CONFIG_PATH": str(BI / "superset_config.py"),
            "SUPERSET_HOME": str(self._home),
            "SUPERSET_SECRET_KEY": settings.secret("superset_secret_key"),
            "SUPERSET_METADATA_URI": metadata,
            "SUPERSET_ADMIN": ADMIN,
            "SUPERSET_ADMIN_PASSWORD": settings.secret("superset_admin"),
            "WAREHOUSE_PASSWORD": settings.secret("postgres_bi_reader"),
            "SCARF_ANALYTICS": "false",
        }

    def addresses(self) -> dict[str, str]:
        """Title and address of each dashboard."""
        return {
            str(dashboard.title): f"{self.url}/superset/dashboard/{slug(dashboard)}/"
            for dashboard in read_spec().dashboards
        }

    def _state(self, bundle: bytes) -> str:
        """A fingerprint of all that a set-up follows from."""
        digest = hashlib.sha256(bundle)
        for path in (PROJECT_ROOT / "requirements" / "bi.txt", BI / "set_up.py", BI / "superset_config.py"):
            digest.update(path.read_bytes())
        for secret in ("superset_secret_key", "superset_admin", "postgres_bi_reader"):
            digest.update(self.settings.secret(secret).encode())
        return digest.hexdigest()

    def _wait_until_healthy(self, timeout: float = 120) -> None:
        deadline = time.monotonic() + timeout
        while not self._is_healthy():
            if not self.is_running():
                log = self._daemon.log_file
                raise ServiceError(f"Superset ended; the end of {log}:\n{self._daemon.last_lines()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"Superset did not answer within {timeout:.0f} s: see {self._daemon.log_file}")
            time.sleep(0.3)

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False


def create_secrets(settings: Settings) -> None:
    """Make Superset's key and the administrator's password, once, readable by their owner only."""
    directory = settings.home / "secrets"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("superset_secret_key", "superset_admin"):
        write_once(directory / name, secrets.token_urlsafe(32).encode())


def password_file(settings: Settings) -> Path:
    """Where the administrator's password lies."""
    return settings.home / "secrets" / "superset_admin"


def warehouse_uri(settings: Settings) -> str:
    """How Superset reaches the warehouse; the password is given beside it, never in the archive."""
    return _uri(settings, "bi_reader", "XXXXXXXXXX", settings.warehouse_database) + "?application_name=superset"


def _uri(settings: Settings, role: str, password: str, database: str) -> str:
    address = f"{settings.postgres_host}:{settings.postgres_port}"
    return f"postgresql+psycopg2://{role}:{quote(password, safe='')}@{address}/{database}"
