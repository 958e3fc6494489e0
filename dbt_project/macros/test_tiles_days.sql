{% test tiles_days(model, group_by, condition='true') %}
{#-
    The ranges dpd_from to dpd_to of each group and day of validity cover 0, 1, 2 … without gap or overlap: otherwise a
    loan would have no class, or two. Fails with the ranges after which something is wrong.
-#}
with ranges as (
    select
        {{ group_by | join(', ') }},
        dpd_from,
        dpd_to,
        valid_from,
        coalesce(valid_to, {{ far_future() }}) as valid_to
    from {{ model }}
    where {{ condition }}
),

-- What is in force changes only on these days, so it is enough to look at each of them.
days as (
    select distinct
        {{ group_by | join(', ') }},
        valid_from as day
    from ranges
),

in_force as (
    select
        {% for column in group_by -%}
        days.{{ column }},
        {% endfor -%}
        days.day,
        ranges.dpd_from,
        ranges.dpd_to
    from days
    inner join ranges
        on
            {% for column in group_by -%}
            days.{{ column }} is not distinct from ranges.{{ column }}
            and {% endfor -%}
            days.day >= ranges.valid_from
            and days.day < ranges.valid_to
),

compared as (
    select
        *,
        lead(dpd_from) over in_order as next_dpd_from,
        row_number() over in_order as place
    from in_force
    window in_order as (partition by {{ group_by | join(', ') }}, day order by dpd_from)
)

select *
from compared
where
    (place = 1 and dpd_from <> 0)
    or next_dpd_from is distinct from dpd_to + 1
{% endtest %}
