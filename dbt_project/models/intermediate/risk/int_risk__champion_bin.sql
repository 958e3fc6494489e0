with champions as (
    select * from {{ ref('int_risk__champion') }}
),

bins as (
    select * from {{ source('ops', 'model_bin') }}
)

select
    champions.purpose,
    bins.model_version,
    bins.feature,
    bins.bin,
    bins.is_missing,
    bins.weight,
    bins.expected_share,
    bins.upper as bin_to,
    coalesce(bins.lower, cast('-infinity' as double precision)) as bin_from,
    sum(bins.weight * bins.expected_share) over (partition by bins.model_version, bins.feature)
    / nullif(sum(bins.expected_share) over (partition by bins.model_version, bins.feature), 0) as neutral_weight
from champions
inner join bins
    on champions.model_version = bins.model_version
