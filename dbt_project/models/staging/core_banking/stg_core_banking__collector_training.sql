select
    collector_id,
    course,
    completed_on,
    score,
    valid_until,
    updated_at,
    _batch_id
from (
    {{ newest_version('collector_training', key=['collector_id', 'course', 'completed_on']) }}
) as versions
