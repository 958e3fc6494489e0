-- What was promoted for a purpose in the newest generation, the last word first.
select
    promotion_id,
    model_version,
    valid_from,
    promoted_by,
    reason,
    promoted_at
from ops.model_promotion
where
    purpose = %(purpose)s
    and generation = (select max(generation) from ops.source_generation)
order by promotion_id desc
