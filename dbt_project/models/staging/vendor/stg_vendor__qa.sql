with reviews as (
    select * from {{ source('vendor', 'vendor_qa') }}
    where {{ is_known('_loaded_at') }}
),

ranked as (
    select
        reviews.*,
        row_number() over (
            partition by reviews._vendor, reviews.recording_ref
            order by reviews._loaded_at desc, reviews._row_id desc
        ) as version_rank
    from reviews
)

select
    _row_id as review_id,
    _vendor as vendor,
    recording_ref,
    collector_id,
    reviewed_on,
    score,
    breach_code,
    reviewer,
    _loaded_at as loaded_at
from ranked
where version_rank = 1
