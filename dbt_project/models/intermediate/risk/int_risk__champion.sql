with promotions as (
    select * from {{ source('ops', 'model_promotion') }}
),

models as (
    select * from {{ source('ops', 'model') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
),

in_force as (
    select
        promotions.purpose,
        promotions.promotion_id,
        promotions.valid_from,
        models.model_version,
        models.kind,
        models.intercept,
        models.observed_from,
        models.observed_to
    from promotions
    inner join models
        on promotions.model_version = models.model_version
    where
        promotions.valid_from <= {{ as_of_date() }}
        and models.generation = (select max(generations.generation) from generations)
        and {{ is_known('promotions.promoted_at') }}
),

champions as (
    {{ first_of_each('in_force', 'purpose', 'promotion_id desc') }}
)

select
    purpose,
    model_version,
    kind,
    intercept,
    observed_from,
    observed_to,
    valid_from
from champions
