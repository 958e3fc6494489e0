-- The DAG runs of a business date's chain in the order in which they began, with their tasks that ran. From Airflow's
-- metadata.
select
    run.dag_id,
    run.queued_at,
    run.end_date,
    task.task_id,
    task.start_date,
    task.end_date
from dag_run as run
inner join task_instance as task on run.dag_id = task.dag_id and run.run_id = task.run_id
where
    run.partition_key = %(as_of)s
    and run.dag_id = any(%(chain)s)
    and task.state = 'success'
    and task.start_date is not null
order by run.queued_at, task.start_date
