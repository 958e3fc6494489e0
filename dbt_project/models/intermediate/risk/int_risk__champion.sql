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
    select *
    from promotions
    where
        valid_from <= {{ as_of_date() }}
        and generation = (select max(generations.generation) from generations)
        and {{ is_known('promoted_at') }}
),

-- The last word first, and only then its model: a roll-back may say that none decides.
champions as (
    {{ first_of_each('in_force', 'purpose', 'promotion_id desc') }}
)

select
    champions.purpose,
    models.model_version,
    models.kind,
    models.intercept,
    models.observed_from,
    models.observed_to,
    champions.valid_from
from champions
inner join models
    on champions.model_version = models.model_version
