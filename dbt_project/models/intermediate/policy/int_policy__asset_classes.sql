with terms as (
    select * from {{ ref('int_loans__terms') }}
),

asset_classes as (
    select * from {{ ref('asset_classes') }}
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
        asset_classes.asset_class,
        asset_classes.dpd_from,
        asset_classes.dpd_to,
        asset_classes.rank,
        asset_classes.valid_from,
        coalesce(asset_classes.valid_to, {{ far_future() }}) as valid_to,
        case when asset_classes.jurisdiction = kinds.jurisdiction then 0 else 2 end as generality
    from kinds
    inner join asset_classes
        on asset_classes.jurisdiction in (kinds.jurisdiction, 'DEFAULT')
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
        candidates.asset_class,
        candidates.dpd_from,
        candidates.dpd_to,
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
    asset_class,
    dpd_from,
    dpd_to,
    rank,
    valid_from,
    valid_to
from ranked
where specificity = 1
