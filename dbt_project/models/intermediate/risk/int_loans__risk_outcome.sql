{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ delete_unobserved() }}",
    indexes=[{'columns': ['loan_id', 'as_of_date'], 'unique': true}],
) }}

with observed as (
    select
        loan_id,
        customer_id,
        as_of_date,
        population as purpose,
        as_of_date + case population when 'early_warning' then 90 when 'self_cure' then 30 end as last_day
    from {{ ref('int_loans__risk_history') }}
    where population is not null
),

{% if is_incremental() -%}
kept as (
    select * from {{ this }}
),
{%- endif %}

-- Only windows that have passed in full, and whose outcome is not kept yet.
matured as (
    select observed.*
    from observed
    {% if is_incremental() -%}
    left join kept
        on
            observed.loan_id = kept.loan_id
            and observed.as_of_date = kept.as_of_date
    {%- endif %}
    where
        observed.last_day <= {{ as_of_date() }}
        {{ 'and kept.loan_id is null' if is_incremental() }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

charge_offs as (
    select * from {{ ref('int_loans__charge_offs') }}
),

history as (
    select * from {{ ref('fct_delinquency_history') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

-- Reaches 30 days past due -------------------------------------------------------------------------------------------
fallen as (
    select distinct
        matured.loan_id,
        matured.as_of_date
    from matured
    inner join terms
        on matured.loan_id = terms.loan_id
    inner join history
        on
            matured.loan_id = history.loan_id
            and matured.last_day >= history.valid_from
            and (history.valid_to is null or matured.as_of_date + 1 < history.valid_to)
    where
        matured.purpose = 'early_warning'
        and history.oldest_unpaid_due_date is not null
        and greatest(matured.as_of_date + 1, history.valid_from, {{ first_day_past_due(
            'history.oldest_unpaid_due_date', 'history.oldest_unpaid_counted_from', 30, 'terms.day_count'
        ) }}) < least(matured.last_day + 1, coalesce(history.valid_to, {{ far_future() }}))
),

-- Is at 0 days again, or paid off, without a talk before -------------------------------------------------------------
paid_up as (
    select
        matured.loan_id,
        matured.as_of_date,
        greatest(matured.as_of_date + 1, history.valid_from) as cured_on
    from matured
    inner join history
        on
            matured.loan_id = history.loan_id
            and matured.last_day >= history.valid_from
            and (history.valid_to is null or matured.as_of_date + 1 < history.valid_to)
    where
        matured.purpose = 'self_cure'
        and history.oldest_unpaid_due_date is null
    union all
    select
        matured.loan_id,
        matured.as_of_date,
        terms.closed_on as cured_on
    from matured
    inner join terms
        on
            matured.loan_id = terms.loan_id
            and matured.as_of_date < terms.closed_on
            and matured.last_day >= terms.closed_on
    left join charge_offs
        on
            matured.loan_id = charge_offs.loan_id
            and terms.closed_on >= charge_offs.charged_off_on
            and (charge_offs.reinstated_on is null or terms.closed_on < charge_offs.reinstated_on)
    where
        matured.purpose = 'self_cure'
        and charge_offs.loan_id is null
),

cured as (
    select
        matured.loan_id,
        matured.customer_id,
        matured.as_of_date,
        min(paid_up.cured_on) as cured_on
    from matured
    inner join paid_up
        on
            matured.loan_id = paid_up.loan_id
            and matured.as_of_date = paid_up.as_of_date
    group by matured.loan_id, matured.customer_id, matured.as_of_date
),

talked as (
    select distinct
        cured.loan_id,
        cured.as_of_date
    from cured
    inner join events
        on
            cured.customer_id = events.customer_id
            and cured.as_of_date < events.occurred_on
            and cured.cured_on >= events.occurred_on
    where
        events.is_right_party
        and events.medium not in ('sms', 'legal')
)

select
    matured.loan_id,
    matured.as_of_date,
    matured.purpose,
    matured.last_day as known_on,
    case matured.purpose
        when 'early_warning' then fallen.loan_id is not null
        else cured.loan_id is not null and talked.loan_id is null
    end as outcome
from matured
left join fallen
    on
        matured.loan_id = fallen.loan_id
        and matured.as_of_date = fallen.as_of_date
left join cured
    on
        matured.loan_id = cured.loan_id
        and matured.as_of_date = cured.as_of_date
left join talked
    on
        matured.loan_id = talked.loan_id
        and matured.as_of_date = talked.as_of_date
