{% if is_rebuild() -%}
select
    {{ as_of_date() }} as known_until,
    cast(null as date) as published_until
{%- else -%}
with builds as (
    select * from {{ source('ops', 'mart_build') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
)

select
    coalesce(greatest({{ as_of_date() }}, max(builds.as_of)), {{ as_of_date() }}) as known_until,
    max(case when builds.state = 'passed' then builds.as_of end) as published_until
from builds
where
    builds.state <> 'failed'
    and builds.generation = (select max(generations.generation) from generations)
{%- endif %}
