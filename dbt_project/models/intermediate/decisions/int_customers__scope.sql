with loans as {{ inline() }} (
    select * from {{ ref('int_loans__delinquency') }}
),

schedules as (
    select * from {{ ref('int_schedule_versions__due') }}
),

customers as (
    select * from {{ ref('int_customers__in_scope') }}
),

policies as (
    select * from {{ ref('int_customers__policy') }}
),

warned as (
    select * from {{ ref('int_loans__warned') }}
),

self_cures as (
    select * from {{ ref('int_customers__self_cure') }}
),

-- Two queries: of one that asks for the one or the other, a planner expects nearly all loans.
falling_due as (
    select
        loan_id,
        schedule_version,
        next_due_date,
        paid_total
    from loans
    where tier = 'pre_due'
    union all
    select
        loans.loan_id,
        loans.schedule_version,
        loans.next_due_date,
        loans.paid_total
    from loans
    inner join warned on loans.loan_id = warned.loan_id
    where loans.tier <> 'pre_due'
),

-- What falls due next and is not covered by what was paid ahead.
next_amounts as (
    select
        falling_due.loan_id,
        greatest(0, {{ due_up_to('schedules', 'falling_due.next_due_date') }} - falling_due.paid_total)
            as next_amount_due
    from falling_due
    inner join schedules
        on
            falling_due.loan_id = schedules.loan_id
            and falling_due.schedule_version = schedules.schedule_version
),

-- Written-off loans speak only where no open loan does: theirs is another treatment.
classed as (
    select
        loans.*,
        loans.days_past_due > 0 as is_in_arrears,
        warned.loan_id is not null as is_warned,
        {{ is_in_scope('loans', 'warned') }} as is_in_scope
    from loans
    inner join customers on loans.customer_id = customers.customer_id
    left join warned on loans.loan_id = warned.loan_id
),

spoken_for as (
    select
        classed.*,
        bool_or(classed.is_in_scope and not classed.is_written_off) over by_currency as has_open_case,
        bool_or(classed.is_written_off) over by_currency as has_written_off
    from classed
    window by_currency as (partition by classed.customer_id, classed.currency)
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, currency
            order by tier_rank desc, days_past_due desc, loan_id asc
        ) as worst_rank,
        row_number() over (
            partition by customer_id, currency
            order by last_payment_on desc nulls last, last_payment_amount desc, loan_id asc
        ) as payment_rank
    from spoken_for
    where case when has_written_off and not has_open_case then is_written_off else not is_written_off end
)

select
    ranked.customer_id,
    ranked.currency,
    policies.jurisdiction,
    policies.policy_id,
    policies.time_zone,
    policies.clock_zone,
    cast(sum(ranked.arrears_amount) as numeric(18, 2)) as arrears_amount,
    cast(
        case
            when bool_or(ranked.is_in_arrears) then sum(ranked.arrears_amount)
            else sum(coalesce(next_amounts.next_amount_due, 0))
        end as numeric(18, 2)
    ) as amount_due,
    cast(sum(ranked.outstanding_principal) as numeric(18, 2)) as outstanding_principal,
    cast(
        max(ranked.last_payment_amount) filter (where ranked.payment_rank = 1) as numeric(18, 2)
    ) as last_payment_amount,
    bool_or(ranked.is_in_arrears) as is_in_arrears,
    bool_or(ranked.is_written_off) as is_written_off,
    bool_or(ranked.tier = 'pre_due') as is_pre_due,
    bool_or(ranked.is_warned) and not bool_or(ranked.is_in_arrears) as is_warned,
    bool_and(coalesce(self_cures.is_likely, false)) as is_likely_to_pay,
    min(coalesce(self_cures.probability, 0)) as self_cure_probability,
    max(ranked.tier) filter (where ranked.worst_rank = 1) as tier,
    max(ranked.product) filter (where ranked.worst_rank = 1) as product,
    max(ranked.days_past_due) as days_past_due,
    max(ranked.days_past_due_counted) as days_past_due_counted,
    min(ranked.oldest_unpaid_due_date) as oldest_unpaid_due_date,
    min(ranked.next_due_date) filter (where ranked.tier = 'pre_due' or ranked.is_warned) as next_due_date,
    max(ranked.last_payment_on) as last_payment_on,
    {{ ordered_array('ranked.loan_id', 'ranked.loan_id') }} as loan_ids
from ranked
inner join policies on ranked.customer_id = policies.customer_id
left join next_amounts on ranked.loan_id = next_amounts.loan_id
left join self_cures
    on
        ranked.customer_id = self_cures.customer_id
        and ranked.currency = self_cures.currency
group by
    ranked.customer_id, ranked.currency, policies.jurisdiction, policies.policy_id, policies.time_zone,
    policies.clock_zone
