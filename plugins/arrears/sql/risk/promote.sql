insert into ops.model_promotion (generation, purpose, model_version, valid_from, promoted_by, reason)
select
    max(generation),
    %(purpose)s,
    %(version)s,
    %(valid_from)s,
    %(by)s,
    %(reason)s
from ops.source_generation
