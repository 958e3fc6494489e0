with builds as (
    select * from {{ source('ops', 'mart_build') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
)

select coalesce(greatest({{ as_of_date() }}, max(builds.as_of)), {{ as_of_date() }}) as known_until
from builds
where
    builds.state <> 'failed'
    and builds.generation = (select max(generations.generation) from generations)
