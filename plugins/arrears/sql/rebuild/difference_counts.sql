-- How many loans differ in which figure, and how many by which table's rows (empty: no row explains them).
select 'figure', figure, count(*)
from rebuild_marts.differences
group by figure
union all
select 'cause', coalesce(causes.table_name, ''), count(distinct differences.loan_id)
from rebuild_marts.differences as differences
left join lateral jsonb_object_keys(differences.because) as causes (table_name) on true
group by causes.table_name
order by 1, 3 desc, 2
