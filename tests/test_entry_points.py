"""What resolves does not always run: every program and library that we rely on is started or imported once."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = {
    "arrears": ["--help"],
    "airflow": ["version"],
    "dbt": ["--version"],
}
MODULES = [
    # The executor of docker-compose.yml: with a celery that is too new, only this import shows it.
    "airflow.providers.celery.executors.celery_executor",
    "airflow.executors.local_executor",
    "airflow.providers.sftp.hooks.sftp",
    "airflow.providers.standard.operators.hitl",
    "airflow.api_fastapi.main",
    "cosmos",
    "dbt.cli.main",
    "dbt.adapters.postgres",
    "great_expectations",
    "pandas",
    "psycopg2",
    "pysequoia",
    "asyncssh",
    "fpdf",
    "holidays",
    "optbinning",
    "phonenumbers",
    "pyvrp",
    "sklearn.ensemble",
]


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_starts(program: str) -> None:
    path = Path(sys.executable).parent / program
    result = subprocess.run([path, *PROGRAMS[program]], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_modules_import() -> None:
    """In a process of their own, one after the other: most of them share what they import."""
    root = Path(importlib.import_module("arrears").__file__ or "").parent
    paths = [path.relative_to(root).with_suffix("") for path in sorted(root.rglob("*.py"))]
    own = [".".join(("arrears", *path.parts)).removesuffix(".__init__") for path in paths]
    code = f"""
import importlib, sys, traceback

failed = []
for name in {[*MODULES, *own]!r}:
    try:
        importlib.import_module(name)
    except Exception:
        failed.append(f"{{name}}: {{traceback.format_exc()}}")
sys.exit("\\n".join(failed) or None)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
