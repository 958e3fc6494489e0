"""Airflow imports this in each of its processes when it starts: load once what every task would load again.

Tasks are forked from the scheduler (LocalExecutor) or from a Celery worker, and share what those have imported: half of
what a day's tasks ask of a core would be imports. Libraries only: our own modules are read anew by each task, so that
a change of them needs no restart.
"""

import importlib
import sys

SLOW_TO_IMPORT = (
    "airflow.providers.standard.operators.hitl",
    "airflow.sdk.definitions.decorators",
    "dbt.cli.main",
    "fpdf",
    "great_expectations",
    "holidays",
    "openlineage.client",
    "pandas",
    "paramiko",
    "pydantic_settings",
    "pysequoia",
)

if {"scheduler", "celery"} & set(sys.argv):
    for name in SLOW_TO_IMPORT:
        importlib.import_module(name)
