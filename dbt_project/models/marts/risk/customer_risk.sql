-- depends_on: {{ ref('int_builds__horizon') }}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_unless_older_day() }}") }}

with loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

features as (
    select * from {{ ref('int_loans__risk_feature') }}
),

scores as (
    select * from {{ ref('int_loans__early_warning') }}
),

attributes as (
    select * from {{ ref('int_customers__risk_attribute') }} as kept
    where {{ in_force('kept') }}
),

customers as (
    select
        customer_id,
        segment
    from {{ ref('stg_core_banking__customers') }}
),

terms as (
    select * from {{ ref('risk_refresh') }}
),

-- The least safe of the loans speaks for the customer.
scored as (
    select
        customer_id,
        max(logit) as logit
    from scores
    group by customer_id
),

-- What falls due next on all open loans, over the income. Neither states a currency of income: with loans in several
-- currencies nothing is said.
owing as (
    select
        loans.customer_id,
        max(loans.as_of) as as_of,
        sum(features.instalment_to_income) as share_of_income,
        min(loans.currency) = max(loans.currency) as is_of_one_currency,
        bool_and(features.instalment_to_income is not null) as is_known
    from loans
    inner join features
        on loans.loan_id = features.loan_id
    group by loans.customer_id
),

aged as (
    select
        owing.*,
        attributes.credit_score,
        case
            when attributes.credit_score is not null and attributes.credit_score_on <= owing.as_of
                then owing.as_of - attributes.credit_score_on
        end as score_age_days
    from owing
    left join attributes
        on owing.customer_id = attributes.customer_id
)

select
    aged.as_of,
    aged.customer_id,
    {{ score_of('scored.logit') }} as behaviour_score,
    case when aged.score_age_days is not null then aged.credit_score end as bureau_score,
    cast(aged.score_age_days as integer) as bureau_score_age_days,
    coalesce(aged.score_age_days, terms.refresh_after_days + 1) > terms.refresh_after_days as is_bureau_score_due,
    cast(
        case when aged.is_known and aged.is_of_one_currency then aged.share_of_income end as numeric(18, 6)
    ) as affordability,
    customers.segment
from aged
cross join terms
left join customers
    on aged.customer_id = customers.customer_id
left join scored
    on aged.customer_id = scored.customer_id
where
    terms.name = 'bureau_score'
    {%- if is_incremental() %}
    and {{ is_newest_day() }}
    {%- endif %}
