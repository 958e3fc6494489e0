"""The embedded Airflow: API server, scheduler, DAG processor and triggerer, each a process of its own.

`airflow standalone` is not used: ended by a signal it leaves its children on the port, and the next start then
talks to the old server.
"""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from arrears.dbt_build import dbt_environment
from arrears.errors import ServiceError
from arrears.services import sftp
from arrears.services.processes import Daemon, require_free_port
from arrears.services.telemetry import telemetry_environment
from arrears.services.vendors import vendor_codes, vendor_pool
from arrears.settings import PROJECT_ROOT, Settings

DEMO_USERS = {
    "admin": "admin",
    "demo_approver_one": "op",
    "demo_approver_two": "op",
    "demo_viewer": "viewer",
}
"""Users of the demo and their roles. The two approvers are different people, as each legal referral needs; the viewer
sees figures and no customer."""

COMPONENTS = {
    "api-server": ("api-server", "--workers", "1"),
    "scheduler": ("scheduler",),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--capacity", "50"),
}


class AirflowService:
    """Starts and stops Airflow's four components under `home/airflow`; every call is idempotent."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://{settings.airflow_host}:{settings.airflow_port}"

    def start(self) -> None:
        """Migrate the metadata database where needed and start what is not running; return when the API is healthy.

        Raises:
            ServiceError: the port is taken, the migration failed, or a component ended.
        """
        daemons = self.daemons()
        if daemons["api-server"].pid() is None:
            require_free_port("Airflow", self.settings.airflow_host, self.settings.airflow_port, "ARREARS_AIRFLOW_PORT")
        create_secrets(self.settings)
        if all(daemon.pid() for daemon in daemons.values()):
            self.wait_until_healthy()
            return
        self._run("db", "migrate")
        environment = airflow_environment(self.settings)
        # The demo runs past days: nothing may start by itself for today.
        environment["ARREARS_FOLLOW_CLOCK"] = "false"
        for name, daemon in daemons.items():
            daemon.start([_airflow(), *COMPONENTS[name]], environment)
        self._run("pools", "import", str(write_pools(self.settings)))
        self.wait_until_healthy()

    def stop(self) -> None:
        """Stop the four components and everything that they started."""
        for daemon in reversed(self.daemons().values()):
            daemon.stop()

    def is_running(self) -> bool:
        return all(daemon.pid() for daemon in self.daemons().values())

    def daemons(self) -> dict[str, Daemon]:
        home = self.settings.home
        return {
            name: Daemon(
                name=f"Airflow {name}",
                pid_file=home / "run" / f"airflow-{name}.pid",
                log_file=home / "logs" / f"airflow-{name}.log",
            )
            for name in COMPONENTS
        }

    def wait_until_healthy(self, timeout: float = 120) -> None:
        """Wait until API, scheduler, DAG processor and triggerer all report a heartbeat.

        Raises:
            ServiceError: a component ended or stayed silent; the message holds the end of its log.
        """
        deadline = time.monotonic() + timeout
        while not self._healthy():
            for daemon in self.daemons().values():
                if daemon.pid() is None:
                    raise ServiceError(f"{daemon.name} ended; the end of {daemon.log_file}:\n{daemon.last_lines()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"Airflow was not healthy after {timeout:.0f} s: see {self.settings.home / 'logs'}")
            time.sleep(0.5)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/monitor/health", timeout=5) as response:
                report = json.load(response)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False
        return all(
            report.get(part, {}).get("status") == "healthy"
            for part in ("metadatabase", "scheduler", "dag_processor", "triggerer")
        )

    def _run(self, *arguments: str) -> None:
        """Run one of Airflow's commands on its metadata database."""
        result = subprocess.run(
            [_airflow(), *arguments],
            env=airflow_environment(self.settings),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise ServiceError(f"`airflow {' '.join(arguments)}` failed:\n{result.stderr[-2000:]}")


def write_pools(settings: Settings) -> Path:
    """The vendors' pools, as `airflow pools import` reads them; a task whose pool does not exist is never started."""
    pools = {
        vendor_pool(code): {
            "slots": settings.vendor_slots,
            "description": f"Tasks that talk to {code}.",
            "include_deferred": False,
        }
        for code in vendor_codes()
    }
    path = settings.home / "airflow" / "pools.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(pools, indent=2))
    return path


def create_secrets(settings: Settings) -> None:
    """Make Airflow's signing keys and the demo users' passwords, once."""
    directory = settings.home / "secrets"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("airflow_jwt", "airflow_api", *(f"airflow_user_{user}" for user in DEMO_USERS)):
        path = directory / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32))
    passwords = {user: settings.secret(f"airflow_user_{user}") for user in DEMO_USERS}
    path = directory / "airflow_passwords.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(passwords))


def airflow_environment(settings: Settings) -> dict[str, str]:
    """The environment of every Airflow process: its configuration, our connections, our settings."""
    home = settings.home / "airflow"
    postgres = f"{settings.postgres_host}:{settings.postgres_port}"
    metadata = f"airflow:{settings.secret('postgres_airflow')}@{postgres}/{settings.airflow_database}"
    api = f"http://{settings.airflow_host}:{settings.airflow_port}"
    environment = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": settings.executor,
        "AIRFLOW__CORE__PARALLELISM": str(settings.parallelism),
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "UTC",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in DEMO_USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(settings.home / "secrets" / "airflow_passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api}/execution/",
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__HOST": settings.airflow_listen,
        "AIRFLOW__API__BASE_URL": api,
        "AIRFLOW__API__SECRET_KEY": settings.secret("airflow_api"),
        "AIRFLOW__API_AUTH__JWT_SECRET": settings.secret("airflow_jwt"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{metadata}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.home / "logs" / "tasks"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        # Two systems on one machine must not share Airflow's fixed log ports.
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(settings.airflow_port + 1),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(settings.airflow_port + 2),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        # A file that changed is read at the next refresh; to read all again, for what they import, takes seconds.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        # So long the keeper of a task may sleep when it missed, by a hair, that the task has ended: two in five times
        # it does, and its place stays taken (apache-airflow 3.3).
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        # How long it rests when it has nothing to do: some fifteen tasks of a day come one after the other.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "GX_ANALYTICS_ENABLED": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONUNBUFFERED": "1",
        # Whatever the caller says: each task is a process of its own, and without would compile all our modules anew.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    if settings.executor == "CeleryExecutor":
        environment.update(_celery_environment(settings, metadata))
    if settings.dbt_mode == "watcher":
        # Cosmos runs dbt itself, with the environment of the process.
        environment.update(dbt_environment(settings))
    environment.update(telemetry_environment(settings))
    environment.update(connection_environment(settings))
    environment.update({f"ARREARS_{name.upper()}": str(value) for name, value in _changed(settings).items()})
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    path = f"{Path(sys.executable).parent}:{inherited.get('PATH', '')}"
    return {**inherited, **environment, "PATH": path}


def _celery_environment(settings: Settings, metadata: str) -> dict[str, str]:
    return {
        "AIRFLOW__CELERY__BROKER_URL": settings.celery_broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{metadata}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(settings.parallelism),
        # A lost worker's task goes to another one after this long; longer than our longest task.
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "10800",
    }


def connection_environment(settings: Settings) -> dict[str, str]:
    """Airflow's connections of the demo, as the environment variables that Airflow reads them from."""
    connections = {
        "core_banking": _postgres_connection(settings, settings.core_banking_database),
        "warehouse": _postgres_connection(settings, settings.warehouse_database),
        **sftp.connections(settings),
    }
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection) for name, connection in connections.items()}


def _postgres_connection(settings: Settings, database: str) -> dict[str, object]:
    return {
        "conn_type": "postgres",
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "login": "pipeline",
        "password": settings.secret("postgres_pipeline"),
        "schema": database,
    }


def _changed(settings: Settings) -> dict[str, object]:
    """The settings that differ from their defaults, and the state directory: what child processes must be told."""
    changed = {
        name: value
        for name, value in settings.model_dump().items()
        if value != type(settings).model_fields[name].get_default() and not isinstance(value, tuple)
    }
    return {**changed, "home": settings.home}


def _airflow() -> str:
    return str(Path(sys.executable).parent / "airflow")
