{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id', 'schedule_version', 'known_from'], 'unique': true}],
    tags=['per_loan'],
) }}

with versions as (
    select * from {{ ref('int_schedule_versions__in_force') }}
    where {{ only_touched('loan_id') }}
),

due as (
    select * from {{ ref('int_schedule_versions__due') }}
    where {{ only_touched('loan_id') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
    where {{ only_touched('loan_id') }}
),

rules as (
    select * from {{ ref('int_policy__delinquency_rules') }}
),

effects as (
    {{ known_effects(only_touched('loan_id')) }}
),

payments as (
    select * from effects
    where not is_reversal
),

reversals as (
    select * from effects
    where is_reversal
),

-- A stretch of days ends where a reversal becomes known: from then on the payment was none, and until then it was one.
moments as (
    select
        loan_id,
        known_on
    from reversals
    group by loan_id, known_on
),

began as (
    select
        loan_id,
        cast('0001-01-01' as date) as known_from
    from terms
    union all
    select
        loan_id,
        known_on as known_from
    from moments
),

stretches as (
    select
        loan_id,
        known_from,
        coalesce(lead(known_from) over (partition by loan_id order by known_from), {{ far_future() }}) as known_to
    from began
),

taken_back as (
    select
        moments.known_on as known_from,
        reversals.original_transaction_id,
        sum(reversals.amount) as amount
    from moments
    inner join reversals
        on
            moments.loan_id = reversals.loan_id
            and moments.known_on >= reversals.known_on
    group by moments.known_on, reversals.original_transaction_id
),

returned as (
    select
        moments.loan_id,
        moments.known_on as known_from,
        {{ ordered_array('reversals.known_on', 'reversals.known_on') }} as returned_on
    from moments
    inner join reversals
        on
            moments.loan_id = reversals.loan_id
            and moments.known_on >= reversals.known_on
    where
        reversals.kind = 'repayment'
        and reversals.amount < 0
    group by moments.loan_id, moments.known_on
),

-- What was paid on a day as a stretch knows it, under the version in force; what came before is there on its first day.
credited as (
    select
        versions.loan_id,
        versions.schedule_version,
        stretches.known_from,
        greatest(versions.in_force_from, payments.known_on) as credited_on,
        sum(payments.amount + coalesce(taken_back.amount, 0)) as amount
    from payments
    inner join stretches
        on payments.loan_id = stretches.loan_id
    inner join versions
        on
            payments.loan_id = versions.loan_id
            and payments.known_on < versions.in_force_to
            and (versions.payments_from is null or payments.original_effective_on >= versions.payments_from)
    left join taken_back
        on
            stretches.known_from = taken_back.known_from
            and payments.original_transaction_id = taken_back.original_transaction_id
    group by
        versions.loan_id, versions.schedule_version, stretches.known_from,
        greatest(versions.in_force_from, payments.known_on)
    having sum(payments.amount + coalesce(taken_back.amount, 0)) > 0
),

running as (
    select
        *,
        sum(amount) over (
            partition by loan_id, schedule_version, known_from
            order by credited_on
            rows between unbounded preceding and current row
        ) as credited_total
    from credited
),

listed as (
    select
        loan_id,
        schedule_version,
        known_from,
        {{ ordered_array('credited_on', 'credited_on') }} as credited_on,
        {{ ordered_array('credited_total', 'credited_on') }} as credited_totals,
        max(credited_total) as credited_total
    from running
    group by loan_id, schedule_version, known_from
),

settling as (
    select
        listed.loan_id,
        listed.schedule_version,
        listed.known_from,
        listed.credited_on,
        settled.settled_on,
        settled.late_places,
        partly.part_paid_on
    from listed
    inner join terms
        on listed.loan_id = terms.loan_id
    inner join rules
        on
            terms.jurisdiction = rules.jurisdiction
            and terms.product = rules.product
            and terms.currency = rules.currency
    inner join due
        on
            listed.loan_id = due.loan_id
            and listed.schedule_version = due.schedule_version
    cross join lateral {{ days_of_settlement('listed', 'due', 'rules') }} as settled -- noqa: ST05
    cross join lateral {{ days_without_settlement('listed', 'settled') }} as partly -- noqa: ST05
)

select
    versions.loan_id,
    versions.schedule_version,
    stretches.known_from,
    stretches.known_to,
    settling.settled_on,
    settling.late_places,
    settling.credited_on,
    settling.part_paid_on,
    returned.returned_on
from versions
inner join stretches
    on
        versions.loan_id = stretches.loan_id
        and versions.in_force_to >= stretches.known_from
left join settling
    on
        versions.loan_id = settling.loan_id
        and versions.schedule_version = settling.schedule_version
        and stretches.known_from = settling.known_from
left join returned
    on
        versions.loan_id = returned.loan_id
        and stretches.known_from = returned.known_from
