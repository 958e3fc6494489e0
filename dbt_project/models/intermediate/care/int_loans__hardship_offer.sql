with debts as (
    select
        *,
        cast(owed_amount * minor_units as numeric(18, 0)) as owed_minor
    from {{ ref('int_loans__hardship_debt') }}
),

terms as (
    select * from {{ ref('int_customers__hardship_term') }}
),

factors as (
    select * from {{ ref('int_hardship__annuity_factor') }}
),

instalments as (
    select
        debts.*,
        terms.term_months,
        cast(
            {{ level_instalment('debts.owed_minor', 'debts.annual_rate', 'factors.factor', 'terms.term_months') }}
            as numeric(18, 0)
        ) as instalment_minor
    from debts
    inner join terms
        on
            debts.customer_id = terms.customer_id
            and debts.currency = terms.currency
    inner join factors
        on
            debts.annual_rate = factors.annual_rate
            and terms.term_months = factors.term_months
),

compared as (
    select
        *,
        first_value(offer_code) over worst_first as worst_offer_code,
        first_value(offer_kind) over worst_first as worst_offer_kind,
        count(*) over by_offer > count(present_instalment) over by_offer as has_ended_schedule,
        sum(instalment_minor) over by_offer as total_minor,
        sum(present_instalment * minor_units) over by_offer as present_minor
    from instalments
    window
        by_offer as (partition by customer_id, currency),
        worst_first as (
            partition by customer_id, currency
            order by days_past_due desc, owed_amount desc, loan_id asc
        )
)

-- Help must help: an offer that is not below what falls due a month now is none. After a schedule's end all is due.
select
    customer_id,
    currency,
    loan_id,
    annual_rate,
    minor_units,
    owed_amount,
    owed_minor,
    instalment_minor,
    worst_offer_code as offer_code,
    worst_offer_kind as offer_kind,
    term_months
from compared
where has_ended_schedule or total_minor < present_minor
