-- Loans that the newest published day and its rebuild show otherwise, with all that either says of them.
create temporary table compared on commit drop as
select
    loan_id,
    to_jsonb(published) as published,
    to_jsonb(rebuilt) as rebuilt
from (select * from marts.fct_loan_delinquency where as_of = %(as_of)s) as published
full join rebuild_marts.fct_loan_delinquency as rebuilt using (loan_id)
where row(published.*) is distinct from row(rebuilt.*)
