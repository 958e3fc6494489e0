with versions as (
    {{ newest_version('collector_training', key=['collector_id', 'course', 'completed_on']) }}
)

select
    collector_id,
    course,
    completed_on,
    score,
    valid_until,
    updated_at,
    _batch_id
from versions
