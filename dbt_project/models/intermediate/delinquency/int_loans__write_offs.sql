with terms as (
    select * from {{ ref('int_loans__terms') }}
),

standing as (
    select * from {{ ref('int_loan_transactions__standing') }}
)

select
    loan_id,
    written_off_on as written_off_from,
    {{ far_future() }} as written_off_to
from terms
where written_off_on is not null
union all
select
    loan_id,
    stands_from as written_off_from,
    coalesce(stands_to, {{ far_future() }}) as written_off_to
from standing
where kind = 'write_off'
