-- The first loans that differ, by id: a row per figure.
select
    loan_id,
    figure,
    published,
    rebuilt,
    because
from rebuild_marts.differences
where loan_id in (select distinct loan_id from rebuild_marts.differences order by loan_id limit %(loans)s)
order by loan_id, figure
