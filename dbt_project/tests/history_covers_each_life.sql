-- The history of a loan that was computed anew has one interval for each of its days: from its first to the last before
-- it was closed or, of an open loan, to the horizon. A gap would be days of which nobody can say anything.
with touched as (
    select * from {{ ref('int_loans__touched') }}
),

horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

history as (
    select * from {{ ref('fct_delinquency_history') }}
),

lives as (
    select
        history.loan_id,
        min(history.valid_from) as begins_on,
        nullif(max(coalesce(history.valid_to, {{ far_future() }})), {{ far_future() }}) as ends_on,
        sum(coalesce(history.valid_to, horizon.known_until + 1) - history.valid_from) as covered_days,
        max(coalesce(history.valid_to, horizon.known_until + 1)) - min(history.valid_from) as days
    from history
    cross join horizon
    inner join touched
        on history.loan_id = touched.loan_id
    group by history.loan_id
)

select
    terms.loan_id,
    terms.disbursed_on,
    lives.begins_on,
    lives.ends_on,
    lives.covered_days
from terms
cross join horizon
inner join touched
    on terms.loan_id = touched.loan_id
left join lives
    on terms.loan_id = lives.loan_id
where
    terms.disbursed_on <= horizon.known_until
    and (
        lives.loan_id is null
        or lives.covered_days <> lives.days
        or lives.begins_on <> terms.disbursed_on
        or lives.ends_on is distinct from case when terms.closed_on <= horizon.known_until then terms.closed_on end
    )
