with members as (
    select * from {{ ref('int_experiments__member') }}
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

write_offs as (
    select * from {{ ref('int_loans__write_offs') }}
),

attempts as (
    select
        *,
        cast(attempted_at at time zone {{ bank_time_zone() }} as date) as attempted_on
    from {{ ref('fct_contact_attempt') }}
),

complaints as (
    select
        customer_id,
        cast(received_at at time zone {{ bank_time_zone() }} as date) as received_on
    from {{ ref('stg_core_banking__complaints') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

windows as (
    select
        members.*,
        members.entered_on + {{ outcome_days() }} - 1 as last_day,
        members.entered_on + {{ outcome_days() }} <= horizon.known_until as is_complete
    from members
    cross join horizon
),

effects as (
    {{ payment_effects(loans_of('members')) }}
),

-- Behind on the last day of the window, or given up.
behind as (
    select distinct
        windows.experiment,
        windows.customer_id
    from windows
    inner join terms
        on
            windows.customer_id = terms.customer_id
            and windows.currency = terms.currency
    left join history
        on
            terms.loan_id = history.loan_id
            and windows.last_day >= history.valid_from
            and (history.valid_to is null or windows.last_day < history.valid_to)
    left join write_offs
        on
            terms.loan_id = write_offs.loan_id
            and windows.last_day >= write_offs.written_off_from
            and windows.last_day < write_offs.written_off_to
    where
        windows.is_complete
        and (history.oldest_unpaid_due_date is not null or write_offs.loan_id is not null)
),

paid as (
    select
        windows.experiment,
        windows.customer_id,
        sum(effects.amount) as recovered
    from windows
    inner join effects
        on
            windows.customer_id = effects.customer_id
            and windows.currency = effects.currency
            and windows.entered_on <= effects.paid_on
            and windows.last_day >= effects.paid_on
    inner join horizon on effects.counts_from <= horizon.known_until
    group by windows.experiment, windows.customer_id
),

tried as (
    select
        windows.experiment,
        windows.customer_id,
        bool_or(attempts.is_complaint) as has_complained,
        {{ cost_of_all() }} as cost
    from windows
    inner join attempts
        on
            windows.customer_id = attempts.customer_id
            and windows.currency = attempts.currency
            and windows.entered_on <= attempts.attempted_on
            and windows.last_day >= attempts.attempted_on
    group by windows.experiment, windows.customer_id
),

complained as (
    select distinct
        windows.experiment,
        windows.customer_id
    from windows
    inner join complaints
        on
            windows.customer_id = complaints.customer_id
            and windows.entered_on <= complaints.received_on
            and windows.last_day >= complaints.received_on
),

opted_out as (
    select distinct
        windows.experiment,
        windows.customer_id
    from windows
    inner join events
        on
            windows.customer_id = events.customer_id
            and windows.entered_on <= events.occurred_on
            and windows.last_day >= events.occurred_on
    where events.suppresses in ('CHANNEL_REFUSED', 'CEASE_CONTACT')
)

select
    windows.experiment,
    windows.customer_id,
    windows.arm,
    windows.currency,
    windows.entered_on,
    {{ month_of('windows.entered_on') }} as month,
    windows.is_complete,
    windows.is_complete and behind.customer_id is null as is_cured,
    cast(coalesce(paid.recovered, 0) as numeric(18, 2)) as recovered,
    cast(case when tried.customer_id is null then 0 else tried.cost end as numeric(18, 4)) as cost,
    tried.customer_id is not null as is_contacted,
    complained.customer_id is not null or coalesce(tried.has_complained, false) as has_complained,
    opted_out.customer_id is not null as has_opted_out
from windows
left join behind
    on
        windows.experiment = behind.experiment
        and windows.customer_id = behind.customer_id
left join paid
    on
        windows.experiment = paid.experiment
        and windows.customer_id = paid.customer_id
left join tried
    on
        windows.experiment = tried.experiment
        and windows.customer_id = tried.customer_id
left join complained
    on
        windows.experiment = complained.experiment
        and windows.customer_id = complained.customer_id
left join opted_out
    on
        windows.experiment = opted_out.experiment
        and windows.customer_id = opted_out.customer_id
