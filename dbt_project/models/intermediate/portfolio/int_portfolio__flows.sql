{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_revised_months() }}",
    post_hook="{{ record_loan_state() }}",
    tags=['per_loan'],
) }}

with months as (
    select * from {{ ref('int_portfolio__months') }}
    {% if is_incremental() -%}
    where month not in (select kept.month from {{ this }} as kept)
    {%- endif %}
),

loans as (
    select * from {{ ref('int_loans__month_end') }}
    where state is not null
),

moved as (
    select
        months.month,
        months.month_end,
        months.month_end_after_1,
        months.month_end_after_3,
        months.revision,
        loans.loan_id,
        loans.product,
        loans.jurisdiction,
        loans.currency,
        loans.opening_state,
        loans.state,
        loans.opening_principal,
        loans.outstanding_principal,
        loans.arrears_amount,
        loans.is_rescheduled,
        {{ is_delinquent('loans.opening_state', 'loans.opening_days_past_due') }} as was_delinquent,
        {{ is_delinquent('loans.state', 'loans.days_past_due') }} as is_delinquent
    from months
    inner join loans
        on months.month_end = loans.month_end
),

-- Cured: nothing overdue any more, and not because a new schedule says so.
cured as (
    select
        late.loan_id,
        late.month_end,
        months.month_end_after_1,
        coalesce(months.month_end_after_3, {{ far_future() }}) as watched_until
    from months
    inner join {{ ref('int_loans__month_end') }} as late
        on months.month_end = late.month_end
    where
        {{ is_delinquent('late.opening_state', 'late.opening_days_past_due') }}
        and late.days_past_due = 0
        and late.state not in ('closed', 'written_off')
        and not late.is_rescheduled
),

watched as (
    select
        cured.loan_id,
        cured.month_end,
        1 as relapses_after_3,
        max(case when later.month_end = cured.month_end_after_1 then 1 else 0 end) as relapses_after_1
    from cured
    inner join {{ ref('int_loans__month_end') }} as later
        on
            cured.loan_id = later.loan_id
            and cured.month_end < later.month_end
            and cured.watched_until >= later.month_end
    where later.state = 'written_off' or {{ is_delinquent('later.state', 'later.days_past_due') }}
    group by cured.loan_id, cured.month_end
)

select
    moved.month,
    moved.revision,
    moved.product,
    moved.jurisdiction,
    moved.currency,
    moved.opening_state,
    moved.state,
    moved.was_delinquent,
    moved.is_delinquent,
    moved.is_rescheduled,
    count(*) as loans,
    sum(moved.opening_principal) as opening_principal,
    sum(moved.outstanding_principal) as outstanding_principal,
    sum(moved.arrears_amount) as arrears_amount,
    case
        when moved.month_end_after_1 is not null then coalesce(sum(watched.relapses_after_1), 0)
    end as relapses_after_1,
    case
        when moved.month_end_after_3 is not null then coalesce(sum(watched.relapses_after_3), 0)
    end as relapses_after_3
from moved
left join watched
    on
        moved.loan_id = watched.loan_id
        and moved.month_end = watched.month_end
group by
    moved.month,
    moved.month_end_after_1,
    moved.month_end_after_3,
    moved.revision,
    moved.product,
    moved.jurisdiction,
    moved.currency,
    moved.opening_state,
    moved.state,
    moved.was_delinquent,
    moved.is_delinquent,
    moved.is_rescheduled
