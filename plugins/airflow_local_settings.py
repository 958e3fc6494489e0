"""Airflow imports this in each of its processes when it starts: load once what every task would load again.

Tasks are forked from the scheduler (LocalExecutor) or from a Celery worker, and share what those have imported. Great
Expectations alone takes five seconds of a core, in some twenty tasks a day.
"""

import sys

if {"scheduler", "celery"} & set(sys.argv):
    import dbt.cli.main
    import great_expectations
    import pandas
    import paramiko

    __all__ = ["dbt", "great_expectations", "pandas", "paramiko"]
