"""Seeds that lie in the warehouse as their files say: a build need not load them again, nor read them in tests."""

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import psycopg2.errors
import psycopg2.extensions
from psycopg2 import sql

from arrears.files import fingerprint

_SCHEMA = "staging"


def seeds_are_there(connection: psycopg2.extensions.connection, project: Path) -> bool:
    """Whether the newest whole build loaded the seeds of this project, and every row of them is as it left it.

    Asks the rows, too: whoever changed one by hand, or was killed while loading, must not be believed.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("select files, rows from ops.loaded_seeds")
        noted = cursor.fetchall()
    return noted == [(_files(project), _rows(connection, _names(project)))]


def note_seeds(connection: psycopg2.extensions.connection, project: Path) -> None:
    """Remember what a build loaded whose tests have passed. Commits."""
    found = {"files": _files(project), "rows": _rows(connection, _names(project))}
    with connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.loaded_seeds")
        cursor.execute("insert into ops.loaded_seeds (files, rows) values (%(files)s, %(rows)s)", found)


def _names(project: Path) -> list[str]:
    return sorted(path.stem for path in (project / "seeds").rglob("*.csv"))


def _files(project: Path) -> str:
    """A fingerprint of what dbt makes the tables from, and of their tests."""
    made_of = [project / "dbt_project.yml", *(project / "seeds").rglob("*")]
    return fingerprint(project, made_of, metadata.version("dbt-core"))


def _rows(connection: psycopg2.extensions.connection, names: Sequence[str]) -> str | None:
    """A fingerprint of the tables' rows; None where a table is missing."""
    each = sql.SQL(
        "select {name} as name, string_agg(cast(seed as text), chr(10) order by cast(seed as text)) as rows"
        " from {table} as seed"
    )
    asked = [each.format(name=sql.Literal(name), table=sql.Identifier(_SCHEMA, name)) for name in names]
    statement = sql.SQL("select md5(string_agg(name || rows, chr(10) order by name)) from ({}) as seeds").format(
        sql.SQL(" union all ").join(asked)
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return str(cursor.fetchall()[0][0])
    except psycopg2.errors.UndefinedTable:
        return None
