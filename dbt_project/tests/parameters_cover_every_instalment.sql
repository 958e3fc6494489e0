-- Every kind of loan has parameters from its first to its last day: without, its instalments would silently be missing.
with terms as (
    select * from {{ ref('int_loans__terms') }}
),

parameters as (
    select * from {{ ref('int_policy__delinquency_parameters') }}
),

covered as (
    select
        jurisdiction,
        product,
        currency,
        min(valid_from) as covered_from,
        max(valid_to) as covered_to,
        sum(valid_to - valid_from) as covered_days
    from parameters
    group by jurisdiction, product, currency
)

select
    terms.jurisdiction,
    terms.product,
    terms.currency
from terms
left join covered
    on
        terms.jurisdiction = covered.jurisdiction
        and terms.product = covered.product
        and terms.currency = covered.currency
where
    covered.covered_from is null
    or covered.covered_from > terms.disbursed_on
    or covered.covered_to < {{ far_future() }}
    or covered.covered_days <> covered.covered_to - covered.covered_from
