"""Every setting that is not an Airflow connection or variable, with defaults that work for the demo.

Read from environment variables `ARREARS_<NAME>` and, below them, from `arrears.toml` in the state directory.
`docs/configuration.md` lists them; a test keeps that page in step with this class.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

PROJECT_ROOT = Path(__file__).resolve().parents[2]

Database = Literal["core_banking", "warehouse", "airflow", "superset"]
"""The databases: the bank's (source), ours, and the metadata of Airflow and of Superset."""


def _home() -> Path:
    return Path(os.environ.get("ARREARS_HOME") or PROJECT_ROOT / ".arrears").resolve()


class Settings(BaseSettings):
    """One instance per process: use `get_settings()`."""

    model_config = SettingsConfigDict(env_prefix="ARREARS_", extra="forbid")

    home: Path = Field(default_factory=_home, description="State directory: data, logs, keys, process ids.")
    postgres_host: str = Field(
        default="127.0.0.1", description="PostgreSQL host; another host means it is not ours to start."
    )
    postgres_port: int = Field(default=15432, description="PostgreSQL port.")
    core_banking_database: str = Field(default="core_banking", description="The bank's database (the source).")
    warehouse_database: str = Field(default="warehouse", description="Our database.")
    airflow_database: str = Field(default="airflow", description="Airflow's metadata database.")
    superset_database: str = Field(default="superset", description="Superset's metadata database.")
    sftp_host: str = Field(default="127.0.0.1", description="Host of the demo vendors' SFTP server.")
    sftp_port: int = Field(default=12222, description="Port of the demo vendors' SFTP server.")
    airflow_host: str = Field(default="127.0.0.1", description="Host of Airflow's API, as its other parts reach it.")
    airflow_listen: str = Field(default="127.0.0.1", description="Address that Airflow's web page and API listen on.")
    airflow_port: int = Field(default=18080, description="Port of Airflow's web page and API.")
    superset_host: str = Field(default="127.0.0.1", description="Host of the dashboards, as browsers reach it.")
    superset_listen: str = Field(default="127.0.0.1", description="Address that Superset listens on.")
    superset_port: int = Field(default=18088, description="Port of the dashboards (Superset, `make bi`).")
    executor: Literal["LocalExecutor", "CeleryExecutor"] = Field(
        default="LocalExecutor", description="Where Airflow's tasks run: on this machine, or on Celery workers."
    )
    celery_broker: str = Field(default="redis://redis:6379/0", description="Broker of the CeleryExecutor.")
    parallelism: int = Field(default=4, description="Airflow tasks at once; two cores gain nothing from more.")
    bank_time_zone: str = Field(
        default="Asia/Shanghai", description="The bank's time zone: a date as an instant ends there."
    )
    policy_dir: Path = Field(
        default=PROJECT_ROOT / "dbt_project" / "seeds" / "policy",
        description="Policy packs (a directory of seed files).",
    )
    follow_clock: bool = Field(
        default=True, description="Whether the clock starts the daily runs; off in the demo, which runs past days."
    )
    overlap_minutes: int = Field(
        default=60, ge=0, description="How far before the last load's newest row an incremental load looks again."
    )
    reject_share_limit: float = Field(
        default=0.005, description="Rejected rows of a table above this share and the count stop."
    )
    reject_count_limit: int = Field(default=20, description="See reject_share_limit; both must be exceeded.")
    volume_drop_limit: float = Field(
        default=0.05, description="A source table that shrank by more than this share stops a load."
    )
    feed_tables: tuple[str, ...] = Field(
        default=("loan_transactions",),
        description="Tables that must bring a new row on each business date (feed mode).",
    )
    flag_feed_max_age_hours: int = Field(default=26, description="Flags older than this keep every list at home.")
    dbt_mode: Literal["build", "watcher"] = Field(
        default="build",
        description="build: one task runs dbt once. watcher: Cosmos shows every model as a task, at more cost.",
    )
    dbt_threads: int = Field(default=4, description="Models that dbt builds at once.")
    stop_ack_timeout_seconds: int = Field(
        default=1800, description="How long a list waits for the vendor to take its stop file."
    )
    reporting_deadline_hours: int = Field(
        default=48, description="Planned contacts that nobody reported count this long after their list has ended."
    )
    ack_deadline_minutes: int = Field(
        default=60, description="A batch without acknowledgement after this raises an alert."
    )
    vendor_failures_to_open: int = Field(
        default=3, ge=1, description="So many failures in a row open a vendor's circuit: it is then tried rarely."
    )
    vendor_longest_wait_minutes: int = Field(
        default=10, ge=1, description="How long a vendor that fails is left alone between two tries, at most."
    )
    vendor_slots: int = Field(
        default=2, ge=1, description="Airflow tasks at one vendor at once: its pool. Two let a recall pass a long list."
    )
    vendor_file_max_bytes: int = Field(
        default=50_000_000, description="A vendor's file above this is refused unread; it bounds the memory of a read."
    )
    data_docs_days: int = Field(
        default=35,
        ge=1,
        description="Business dates whose pages of Data Docs are kept; what gates found stays for good.",
    )
    visits_per_tour: int = Field(default=12, ge=1, description="Visits that one visitor makes in a day, at most.")
    tour_hours: int = Field(default=8, ge=1, description="How long a visitor's day is, drives and visits together.")
    visit_minutes: int = Field(default=20, ge=1, description="How long a visit takes.")
    travel_kmh: float = Field(default=25, gt=0, description="How fast a visitor drives between visits.")
    lineage_to: str = Field(
        default="", description="Where OpenLineage events go: a file, or an http(s) address. Empty: nowhere."
    )
    metrics_to: str = Field(
        default="",
        description="Where metrics go: statsd://host:port, or an OpenTelemetry collector's http(s) address."
        " Empty: nowhere.",
    )
    attribution_days: int = Field(
        default=30, description="Days after a right-party contact in which money is credited to it."
    )

    alert_mail_to: str = Field(
        default="",
        description="Addresses that get alerts, separated by commas, through the Airflow connection `smtp_default`."
        " Empty: no mail.",
    )
    alert_web_hook: str = Field(
        default="", description="Airflow connection (HTTP) to which alerts are posted as JSON. Empty: none."
    )
    alert_repeat_minutes: int = Field(
        default=240, ge=1, description="An alert that lasts is told again after so many minutes."
    )
    run_book_url: str = Field(
        default="docs/runbook", description="Where the run-book is: what alerts link to begins with this."
    )
    landing_due_minutes: float = Field(
        default=120,
        gt=0,
        description="The night's load is late so long after 02:00 of the bank, or after its run was queued.",
    )
    marts_due_minutes: float = Field(default=180, gt=0, description="The same for the marts.")
    lists_due_minutes: float = Field(
        default=300, gt=0, description="The same for the contact lists; legal ones wait for people and do not count."
    )
    recall_late_minutes: int = Field(
        default=15, ge=1, description="A recall that did not leave after this, or a source not read that long, is late."
    )
    policy_end_notice_days: int = Field(
        default=30, ge=1, description="A policy row that ends without a successor is told so many days ahead."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _home() / "arrears.toml")

    @cached_property
    def bank_tz(self) -> ZoneInfo:
        return ZoneInfo(self.bank_time_zone)

    def secret(self, name: str) -> str:
        """A secret kept outside the settings: `$ARREARS_SECRET_<NAME>`, else the file `secrets/<name>` in `home`.

        Raises:
            FileNotFoundError: neither exists (set-up creates the demo's).
        """
        return os.environ.get(f"ARREARS_SECRET_{name.upper()}") or (self.home / "secrets" / name).read_text().strip()

    def dsn(self, database: Database, role: str) -> str:
        """A libpq connection string for one of our databases as one of our roles (see `services/postgres.py`)."""
        name: str = getattr(self, f"{database}_database")
        search_path = " options='-c search_path=marts,public'" if database == "warehouse" else ""
        return (
            f"host={self.postgres_host} port={self.postgres_port} dbname={name} user={role} "
            f"password={self.secret('postgres_' + role)} application_name=arrears{search_path}"
        )


def get_settings() -> Settings:
    """The settings of this process, read afresh (cheap), so that tests can point them elsewhere."""
    return Settings()
