-- What the newest run of a day's retention erased and left.
select
    run.finished_at,
    sum(result.erased) as erased,
    sum(result.still_due) as still_due
from ops.retention_run as run
inner join ops.retention_result as result on run.run_id = result.run_id
where run.as_of = %(day)s
group by run.run_id
order by run.run_id desc
limit 1
