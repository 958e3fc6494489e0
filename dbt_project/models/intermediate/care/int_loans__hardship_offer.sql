with recursive

debts as (
    select
        *,
        cast(owed_amount * minor_units as numeric(18, 0)) as owed_minor,
        cast(lowest_instalment * minor_units as numeric(18, 0)) as lowest_minor
    from {{ ref('int_loans__hardship_debt') }}
),

-- A customer gets one offer in a currency, for all loans in trouble together: what each of them may have, and no more.
limits as (
    select
        customer_id,
        currency,
        min(longest_term_months) as longest_term_months,
        max(lowest_minor) as lowest_minor
    from debts
    group by customer_id, currency
    having count(offer_code) = count(*) and count(annual_rate) = count(*)
),

worst as (
    {{ first_of_each('debts', 'customer_id, currency', 'days_past_due desc, owed_amount desc, loan_id asc') }}
),

terms as (
    select 1 as term_months
    union all
    select term_months + 1 as term_months
    from terms
    where term_months < (select max(limits.longest_term_months) from limits)
),

rates as (
    select distinct annual_rate
    from debts
    where annual_rate > 0
),

factors as (
    select
        rates.annual_rate,
        terms.term_months,
        {{ annuity_factor('rates.annual_rate', 'terms.term_months') }} as factor
    from rates
    cross join terms
),

instalments as (
    select
        debts.customer_id,
        debts.currency,
        debts.loan_id,
        terms.term_months,
        cast(
            {{ level_instalment('debts.owed_minor', 'debts.annual_rate', 'factors.factor', 'terms.term_months') }}
            as numeric(18, 0)
        ) as instalment_minor
    from debts
    inner join limits
        on
            debts.customer_id = limits.customer_id
            and debts.currency = limits.currency
    inner join terms on limits.longest_term_months >= terms.term_months
    left join factors
        on
            debts.annual_rate = factors.annual_rate
            and terms.term_months = factors.term_months
),

totals as (
    select
        customer_id,
        currency,
        term_months,
        sum(instalment_minor) as instalment_minor
    from instalments
    group by customer_id, currency, term_months
),

-- The longest term whose instalment is not below the lowest; where less than that is owed, one instalment clears it.
chosen as (
    select
        totals.customer_id,
        totals.currency,
        coalesce(
            max(case when totals.instalment_minor >= limits.lowest_minor then totals.term_months end), 1
        ) as term_months
    from totals
    inner join limits
        on
            totals.customer_id = limits.customer_id
            and totals.currency = limits.currency
    group by totals.customer_id, totals.currency
),

-- Help must help: an offer that is not below what falls due a month now is none. After a schedule's end all is due.
helpful as (
    select
        chosen.customer_id,
        chosen.currency,
        chosen.term_months
    from chosen
    inner join debts
        on
            chosen.customer_id = debts.customer_id
            and chosen.currency = debts.currency
    inner join instalments
        on
            debts.loan_id = instalments.loan_id
            and chosen.term_months = instalments.term_months
    group by chosen.customer_id, chosen.currency, chosen.term_months
    having
        count(debts.present_instalment) < count(*)
        or sum(instalments.instalment_minor) < sum(debts.present_instalment * debts.minor_units)
)

select
    debts.customer_id,
    debts.currency,
    debts.loan_id,
    debts.annual_rate,
    debts.minor_units,
    debts.owed_amount,
    debts.owed_minor,
    instalments.instalment_minor,
    worst.offer_code,
    worst.offer_kind,
    helpful.term_months
from helpful
inner join worst
    on
        helpful.customer_id = worst.customer_id
        and helpful.currency = worst.currency
inner join debts
    on
        helpful.customer_id = debts.customer_id
        and helpful.currency = debts.currency
inner join instalments
    on
        debts.loan_id = instalments.loan_id
        and helpful.term_months = instalments.term_months
