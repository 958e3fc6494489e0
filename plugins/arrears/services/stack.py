"""The services together, in the order in which they need each other."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg2

from arrears.services.airflow import AirflowService
from arrears.services.postgres import PostgresService
from arrears.services.sftp import SftpService
from arrears.services.superset import SupersetService
from arrears.settings import Settings
from arrears.source.load import create_source
from arrears.warehouse import migrate, migrate_if_changed, require_set_up


@dataclass(frozen=True)
class ServiceStatus:
    """What `arrears status` shows of one service."""

    name: str
    is_running: bool
    address: str


def start_databases(settings: Settings) -> None:
    """Start PostgreSQL, and set up the source and the warehouse where that is needed. Idempotent.

    Raises:
        ServiceError: Airflow runs, and other code than this set up the warehouse.
    """
    PostgresService(settings).start()
    _prepare(settings, require_set_up if _runs_tasks(settings) else migrate_if_changed)


def prepare_databases(settings: Settings) -> None:
    """Set up the source and the warehouse on a server that runs already, all rights included. Idempotent."""
    _prepare(settings, migrate)


def _prepare(settings: Settings, set_up_warehouse: Callable[[psycopg2.extensions.connection], None]) -> None:
    with closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as core_banking:
        create_source(core_banking)
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        set_up_warehouse(warehouse)


def start_all(settings: Settings) -> Iterator[str]:
    """Start everything; yields the name of each service as it is ready. Idempotent.

    Raises:
        ServiceError: a service did not start; or Airflow runs, and other code than this set up the warehouse.
    """
    PostgresService(settings).start()
    _prepare(settings, require_set_up if _runs_tasks(settings) else migrate)
    yield "PostgreSQL"
    SftpService(settings, play=True).start()
    yield "SFTP vendors"
    AirflowService(settings).start()
    yield "Airflow"


def _runs_tasks(settings: Settings) -> bool:
    """Whether any part of Airflow is up.

    To set up the warehouse locks tables, one after the other: a task would wait for it, and it for the task.
    """
    return any(daemon.pid() for daemon in AirflowService(settings).daemons().values())


def stop_all(settings: Settings) -> Iterator[str]:
    """Stop everything, the last started first; yields the name of each service as it is gone."""
    dashboards = SupersetService(settings)
    if dashboards.is_running():
        dashboards.stop()
        yield "Superset"
    AirflowService(settings).stop()
    yield "Airflow"
    SftpService(settings).stop()
    yield "SFTP vendors"
    PostgresService(settings).stop()
    yield "PostgreSQL"


def status(settings: Settings) -> list[ServiceStatus]:
    """The state of each service, without starting any."""
    airflow = AirflowService(settings)
    dashboards = SupersetService(settings)
    services = [
        ServiceStatus(
            "PostgreSQL",
            PostgresService(settings).is_running(),
            f"{settings.postgres_host}:{settings.postgres_port}",
        ),
        ServiceStatus(
            "SFTP vendors", SftpService(settings, play=True).is_running(), f"{settings.sftp_host}:{settings.sftp_port}"
        ),
        ServiceStatus("Airflow", airflow.is_running(), airflow.url),
    ]
    # Nobody misses dashboards that were not asked for.
    return services + [ServiceStatus("Superset", True, dashboards.url)] * dashboards.is_running()
