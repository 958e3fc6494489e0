"""The day on which days past due reach a number is found by arithmetic: it is the first, by any day count."""

from pathlib import Path
from string import Template

import pytest
from dbt.cli.main import dbtRunner
from marts_warehouse import Warehouse

from arrears.dbt_build import dbt_environment, in_environment, stage_project

pytestmark = pytest.mark.postgres

# Every due date of four years, a leap year among them.
COUNTED = Template("""
with due as (
    select
        cast(day as date) as due_on,
        cast(day as date) + days_to_count as counted_from,
        day_count
    from generate_series(date '2023-01-01', date '2026-12-31', interval '1 day') as day
    cross join (values (0), (1)) as rule (days_to_count)
    cross join (values ('actual'), ('30/360')) as convention (day_count)
),

found as (
    select
        due.*,
        {{ first_day_past_due('due_on', 'counted_from', $days, 'day_count') }} as first_day
    from due
)

select
    count(*) as due_dates,
    count(*) filter (where {{ days_past_due('due_on', 'counted_from', 'first_day', 'day_count') }} < $days)
        as too_early,
    count(*) filter (where {{ days_past_due('due_on', 'counted_from', '(first_day - 1)', 'day_count') }} >= $days)
        as too_late
from found
""")


@pytest.mark.parametrize("days", [30, 31, 60, 90])
def test_first_day_is_the_first(marts: Warehouse, tmp_path: Path, days: int) -> None:
    [row] = marts.rows(_compiled(marts, tmp_path, COUNTED.substitute(days=days)))
    assert row == {"due_dates": 4 * 1461, "too_early": 0, "too_late": 0}


def _compiled(warehouse: Warehouse, target: Path, statement: str) -> str:
    project = str(stage_project(warehouse.settings))
    command = ["compile", "--inline", statement, "--project-dir", project, "--profiles-dir", project]
    command += ["--target-path", str(target), "--log-path", str(target), "--log-level", "none"]
    with in_environment(dbt_environment(warehouse.settings)):
        outcome = dbtRunner().invoke(command)
    assert outcome.success, outcome.exception
    [result] = outcome.result.results
    return str(result.node.compiled_code)
