"""Each secret has one reader, and `docs/keys.md` names it: whoever adds another has to say so there."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from arrears.settings import PROJECT_ROOT

SOURCES = [*(PROJECT_ROOT / "plugins").rglob("*.py"), *(PROJECT_ROOT / "dags").rglob("*.py")]

READERS = {
    "an Airflow connection": {"hooks/postgres.py", "hooks/vendor_sftp.py", "hooks/web_hook.py"},
    "Settings.secret": {
        *("dbt_build.py", "delivery/references.py", "erasure_register.py", "settings.py"),
        # The demo's own services and their clients.
        *("hooks/airflow_api.py", "services/airflow.py", "services/postgres.py", "services/superset.py"),
    },
    "the directory of secrets": {
        *("settings.py", "delivery/references.py"),
        # They make the demo's secrets, play the demo's vendors, or say where a password lies.
        *("services/airflow.py", "services/openpgp_keys.py", "services/postgres.py", "services/sftp.py"),
        *("simulator/vendors.py", "cli/main.py", "tapes/check.py", "services/superset.py"),
    },
    "the environment": {
        *("settings.py", "dbt_build.py", "quality/engine.py"),
        *("services/airflow.py", "services/sftp.py", "services/superset.py"),
        *("cli/forget.py", "cli/deliveries.py", "cli/alerts.py"),
    },
}
"""By what is read: the modules that read it."""


def readers() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in SOURCES:
        for what in _asked_for(ast.parse(path.read_text(encoding="utf-8"))):
            found[what].add(_name(path))
    return found


def _name(path: Path) -> str:
    package = PROJECT_ROOT / "plugins" / "arrears"
    return str(path.relative_to(package if path.is_relative_to(package) else PROJECT_ROOT))


def _asked_for(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="secret")):
                yield "Settings.secret"
            case ast.Call(func=ast.Attribute(attr="get_connection" | "get_connection_from_secrets")):
                yield "an Airflow connection"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="Variable"), attr="get")):
                yield "an Airflow variable"
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "getenv" | "environb"):
                yield "the environment"
            case ast.BinOp(op=ast.Div(), right=ast.Constant(value="secrets")):
                yield "the directory of secrets"


def test_secrets_are_read_where_the_page_of_keys_says() -> None:
    assert readers() == READERS


def test_no_secret_is_written_into_the_code() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert "PRIVATE KEY-----" not in text, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.keyword) and node.arg in ("password", "private_key", "passphrase"):
                assert not (isinstance(node.value, ast.Constant) and node.value.value), (
                    f"{path}, line {node.value.lineno}"
                )
