-- Staging shows one version of each row of a touched loan: two would count an instalment or a payment twice.
with touched as (
    {{ some_touched() }}
),

schedule as (
    select * from {{ ref('stg_core_banking__repayment_schedule') }}
),

transactions as (
    select * from {{ ref('stg_core_banking__loan_transactions') }}
)

select
    schedule.loan_id,
    cast(schedule.schedule_version as text) as version_or_transaction,
    schedule.instalment_no
from schedule
inner join touched on schedule.loan_id = touched.loan_id
group by schedule.loan_id, schedule.schedule_version, schedule.instalment_no
having count(*) > 1
union all
select
    min(transactions.loan_id) as loan_id,
    transactions.transaction_id as version_or_transaction,
    null as instalment_no
from transactions
inner join touched on transactions.loan_id = touched.loan_id
group by transactions.transaction_id
having count(*) > 1
