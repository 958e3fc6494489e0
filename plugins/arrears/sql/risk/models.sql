-- Versions of the newest generation, the newest first, and which of them decides on the day.
with newest as (
    select max(generation) as generation from ops.source_generation
),

champions as (
    select distinct on (purpose) purpose, model_version
    from ops.model_promotion
    where
        generation = (select newest.generation from newest)
        and valid_from <= %(day)s
    order by purpose, promotion_id desc
)

select
    model.model_version,
    model.purpose,
    model.kind,
    model.trained_as_of,
    model.observed_from,
    model.observed_to,
    model.features,
    model.intercept,
    model.figures,
    model.trained_at,
    champions.model_version is not null as is_champion
from ops.model
left join champions on model.purpose = champions.purpose and model.model_version = champions.model_version
where
    model.generation = (select newest.generation from newest)
    and (%(version)s::text is null or model.model_version = %(version)s)
order by model.purpose, model.trained_at desc, model.model_version
