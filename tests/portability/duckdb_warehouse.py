"""The same dbt project on DuckDB: a file with the tables that the models read, copied from a warehouse."""

import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg2.extensions
from dbt.cli.main import dbtRunner
from psycopg2 import sql

from arrears.dbt_build import dbt_environment, in_environment, policy_version, stage_project
from arrears.settings import Settings

POSTGRES_ONLY = "postgres_only"
"""The tag of what runs on PostgreSQL alone."""
TYPES = {"jsonb": "json", "numeric": "numeric(18, 8)"}
"""Types that DuckDB calls otherwise; a number of any precision it has not."""

Connection = psycopg2.extensions.connection
Table = tuple[str, str]
"""Schema and name."""
Rows = list[tuple[tuple[str, Any], ...]]
"""Each row as its columns in order, with their names."""


class DuckDBWarehouse:
    """A DuckDB file that dbt builds, beside the warehouse that it is compared with."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self.path = directory / "arrears.duckdb"
        # Read once: it takes longer than a build, and neither day changes it.
        self.manifest = self._dbt("parse").result

    def sources(self) -> list[Table]:
        return sorted((source.schema, source.identifier) for source in self.manifest.sources.values())

    def models(self) -> list[Table]:
        """Every model and seed that is not for PostgreSQL alone."""
        return sorted(
            (node.schema, node.alias)
            for node in self.manifest.nodes.values()
            if node.resource_type in ("model", "seed") and POSTGRES_ONLY not in node.tags
        )

    def postgres_only(self) -> set[str]:
        nodes = [*self.manifest.nodes.values(), *self.manifest.functions.values()]
        return {node.name for node in nodes if POSTGRES_ONLY in node.tags}

    def dispatched_macros(self) -> set[str]:
        """The project's own macros of which an engine may have its form, but the hooks that do nothing elsewhere."""
        names = self._macros().keys()
        return {name for name in names if f"default__{name}" in names} - self.macros_that_do_nothing()

    def macros_that_do_nothing(self) -> set[str]:
        """Where the engine is not PostgreSQL."""
        return {
            name.removeprefix("default__")
            for name, sql in self._macros().items()
            if name.startswith("default__") and not re.sub(r"{%.*?%}", "", sql).strip()
        }

    def _macros(self) -> dict[str, str]:
        macros = self.manifest.macros.values()
        return {
            macro.name: macro.macro_sql for macro in macros if macro.package_name == self.manifest.metadata.project_name
        }

    def copy(self, postgres: Connection, tables: list[Table]) -> None:
        """Make the tables anew as they are on PostgreSQL now, with the same columns, types and rows."""
        with postgres, postgres.cursor() as cursor, self._connect() as duck:
            for schema, name in tables:
                duck.execute(f'create schema if not exists "{schema}"')
                duck.execute(f'create or replace table "{schema}"."{name}" ({_columns(cursor, schema, name)})')
                _copy_rows(cursor, duck, schema, name)

    def build(self, as_of: date) -> None:
        """Build every model and seed that is not for PostgreSQL alone."""
        outcome = self._dbt(
            "build",
            *("--exclude", f"tag:{POSTGRES_ONLY}", "--exclude-resource-type", "test", "unit_test"),
            as_of=as_of,
        )
        messages = [
            f"{result.node.name}: {result.message}" for result in outcome.result or () if result.status == "error"
        ]
        assert outcome.success, "\n".join([str(outcome.exception or ""), *messages])

    def rows(self, table: Table) -> Rows:
        with self._connect() as duck:
            found = duck.execute('select * from "{}"."{}"'.format(*table))
            columns = [column[0] for column in found.description]
            return [tuple(zip(columns, row, strict=True)) for row in found.fetchall()]

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.path))
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def _dbt(self, verb: str, *arguments: str, as_of: date | None = None) -> Any:
        project = str(stage_project(self.settings))
        directory = str(self.directory / "dbt")
        command = [verb, "--project-dir", project, "--profiles-dir", project, "--target", "duckdb"]
        command += ["--target-path", directory, "--log-path", directory, "--log-level", "none", "--no-use-colors"]
        command += ["--no-write-json", *arguments]
        environment = {
            "ARREARS_DUCKDB_PATH": str(self.path),
            "ARREARS_AS_OF": as_of.isoformat() if as_of else "",
            "ARREARS_POLICY_VERSION": policy_version(self.settings.policy_dir),
        }
        with in_environment(dbt_environment(self.settings) | environment):
            return dbtRunner(manifest=getattr(self, "manifest", None)).invoke(command)


def _columns(cursor: psycopg2.extensions.cursor, schema: str, name: str) -> str:
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        (f"{schema}.{name}",),
    )
    return ", ".join(f'"{column}" {TYPES.get(type_, type_)}' for column, type_ in cursor.fetchall())


def _copy_rows(cursor: psycopg2.extensions.cursor, duck: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        cursor.execute(
            "select attname, attndims > 0 from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
            (f"{schema}.{name}",),
        )
        # DuckDB writes arrays as JSON does.
        columns = sql.SQL(", ").join(
            sql.SQL("to_json({0}) as {0}" if is_array else "{0}").format(sql.Identifier(column))
            for column, is_array in cursor.fetchall()
        )
        table = sql.Identifier(schema, name)
        query = sql.SQL("copy (select {} from {}) to stdout (format csv, header, null '\\N')").format(columns, table)
        cursor.copy_expert(query, file)
        file.flush()
        duck.execute(f"copy \"{schema}\".\"{name}\" from '{file.name}' (format csv, header, nullstr '\\N')")
