with terms as (
    select * from {{ ref('int_loans__terms') }}
),

tiers as (
    select * from {{ ref('delinquency_tiers') }}
),

kinds as (
    select distinct
        jurisdiction,
        product
    from terms
),

candidates as (
    select
        kinds.jurisdiction,
        kinds.product,
        tiers.tier,
        tiers.dpd_from,
        tiers.dpd_to,
        tiers.due_within_days,
        tiers.is_written_off,
        tiers.rank,
        tiers.valid_from,
        coalesce(tiers.valid_to, {{ far_future() }}) as valid_to,
        case when tiers.jurisdiction = kinds.jurisdiction then 0 else 2 end
        + case when tiers.product is not null then 0 else 1 end as generality
    from kinds
    inner join tiers
        on
            tiers.jurisdiction in (kinds.jurisdiction, 'DEFAULT')
            and (tiers.product is null or kinds.product = tiers.product)
),

boundaries as (
    select
        jurisdiction,
        product,
        valid_from as slice_from
    from candidates
    union distinct
    select
        jurisdiction,
        product,
        valid_to as slice_from
    from candidates
),

slices as (
    select
        jurisdiction,
        product,
        slice_from,
        lead(slice_from) over (partition by jurisdiction, product order by slice_from) as slice_to
    from boundaries
),

-- The most specific table in force replaces the more general ones as a whole.
ranked as (
    select
        slices.jurisdiction,
        slices.product,
        candidates.tier,
        candidates.dpd_from,
        candidates.dpd_to,
        candidates.due_within_days,
        candidates.is_written_off,
        candidates.rank,
        slices.slice_from as valid_from,
        slices.slice_to as valid_to,
        rank() over (
            partition by slices.jurisdiction, slices.product, slices.slice_from
            order by candidates.generality
        ) as specificity
    from slices
    inner join candidates
        on
            slices.jurisdiction = candidates.jurisdiction
            and slices.product = candidates.product
            and slices.slice_from >= candidates.valid_from
            and slices.slice_from < candidates.valid_to
)

select
    jurisdiction,
    product,
    tier,
    dpd_from,
    dpd_to,
    due_within_days,
    is_written_off,
    rank,
    valid_from,
    valid_to
from ranked
where specificity = 1
