with recursive

debts as (
    select * from {{ ref('int_loans__hardship_debt') }}
),

terms as (
    select 1 as term_months
    union all
    select term_months + 1 as term_months
    from terms
    where term_months < (select max(debts.longest_term_months) from debts)
),

rates as (
    select distinct annual_rate
    from debts
    where annual_rate is not null
)

select
    rates.annual_rate,
    terms.term_months,
    case
        when rates.annual_rate > 0 then {{ annuity_factor('rates.annual_rate', 'terms.term_months') }}
    end as factor
from rates
cross join terms
