with debts as (
    select * from {{ ref('int_loans__hardship_debt') }}
),

factors as (
    select * from {{ ref('int_hardship__annuity_factor') }}
),

-- A customer gets one offer in a currency, for all loans in trouble together: what each of them may have, and no more.
limited as (
    select
        customer_id,
        currency,
        annual_rate,
        owed_amount * minor_units as owed_minor,
        min(longest_term_months) over by_offer as longest_term_months,
        max(lowest_instalment * minor_units) over by_offer as lowest_minor,
        count(*) over by_offer = count(offer_code) over by_offer
        and count(*) over by_offer = count(annual_rate) over by_offer as is_possible
    from debts
    window by_offer as (partition by customer_id, currency)
),

-- Mostly the longest term will do; the shorter ones are tried where its instalment is too low.
at_longest as (
    select
        limited.*,
        sum(
            {{ level_instalment(
                'limited.owed_minor', 'limited.annual_rate', 'factors.factor', 'factors.term_months'
            ) }}
        ) over (partition by limited.customer_id, limited.currency) >= limited.lowest_minor as is_longest
    from limited
    inner join factors
        on
            limited.annual_rate = factors.annual_rate
            and limited.longest_term_months = factors.term_months
    where limited.is_possible
),

totals as (
    select
        at_longest.customer_id,
        at_longest.currency,
        factors.term_months,
        max(at_longest.lowest_minor) as lowest_minor,
        sum(
            {{ level_instalment(
                'at_longest.owed_minor', 'at_longest.annual_rate', 'factors.factor', 'factors.term_months'
            ) }}
        ) as instalment_minor
    from at_longest
    inner join factors
        on
            at_longest.annual_rate = factors.annual_rate
            and at_longest.longest_term_months > factors.term_months
    where not at_longest.is_longest
    group by at_longest.customer_id, at_longest.currency, factors.term_months
)

select distinct
    customer_id,
    currency,
    longest_term_months as term_months
from at_longest
where is_longest
union all
-- The longest term whose instalment is not below the lowest; where less than that is owed, one instalment clears it.
select
    customer_id,
    currency,
    coalesce(max(case when instalment_minor >= lowest_minor then term_months end), 1) as term_months
from totals
group by customer_id, currency
