-- Why the newest run of enforce_retention is no proof; no row where it is one. Before the first run nothing is said.
select
    run.as_of,
    coalesce((
        select sum(result.still_due)
        from ops.retention_result as result
        where result.run_id = run.run_id
    ), 0) as still_due,
    run.finished_at is null as is_unfinished,
    run.started_at
from ops.retention_run as run
where run.run_id = (select max(newest.run_id) from ops.retention_run as newest)
