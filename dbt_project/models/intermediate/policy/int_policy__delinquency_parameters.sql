with terms as (
    select * from {{ ref('int_loans__terms') }}
),

parameters as (
    select * from {{ ref('delinquency_parameters') }}
),

kinds as (
    select distinct
        jurisdiction,
        product,
        currency
    from terms
),

candidates as (
    select
        kinds.jurisdiction,
        kinds.product,
        kinds.currency,
        parameters.tolerance,
        parameters.materiality_absolute,
        parameters.materiality_share,
        parameters.first_counted_day,
        parameters.due_date_shift,
        parameters.probation_months,
        parameters.valid_from,
        coalesce(parameters.valid_to, {{ far_future() }}) as valid_to,
        case when parameters.jurisdiction = kinds.jurisdiction then 0 else 1 end as jurisdiction_rank,
        case when parameters.product is not null then 0 else 1 end as product_rank,
        case when parameters.currency is not null then 0 else 1 end as currency_rank
    from kinds
    inner join parameters
        on
            parameters.jurisdiction in (kinds.jurisdiction, 'DEFAULT')
            and (parameters.product is null or kinds.product = parameters.product)
            and (parameters.currency is null or kinds.currency = parameters.currency)
),

boundaries as (
    select
        jurisdiction,
        product,
        currency,
        valid_from as slice_from
    from candidates
    union distinct
    select
        jurisdiction,
        product,
        currency,
        valid_to as slice_from
    from candidates
),

slices as (
    select
        jurisdiction,
        product,
        currency,
        slice_from,
        lead(slice_from) over (partition by jurisdiction, product, currency order by slice_from) as slice_to
    from boundaries
),

ranked as (
    select
        slices.jurisdiction,
        slices.product,
        slices.currency,
        slices.slice_from as valid_from,
        slices.slice_to as valid_to,
        candidates.tolerance,
        candidates.materiality_absolute,
        candidates.materiality_share,
        candidates.first_counted_day,
        candidates.due_date_shift,
        candidates.probation_months,
        row_number() over (
            partition by slices.jurisdiction, slices.product, slices.currency, slices.slice_from
            order by candidates.jurisdiction_rank, candidates.product_rank, candidates.currency_rank
        ) as specificity
    from slices
    inner join candidates
        on
            slices.jurisdiction = candidates.jurisdiction
            and slices.product = candidates.product
            and slices.currency = candidates.currency
            and slices.slice_from >= candidates.valid_from
            and slices.slice_from < candidates.valid_to
)

select
    jurisdiction,
    product,
    currency,
    valid_from,
    valid_to,
    tolerance,
    materiality_absolute,
    materiality_share,
    first_counted_day,
    due_date_shift,
    probation_months
from ranked
where specificity = 1
