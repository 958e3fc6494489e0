{% macro arrears_band(days) -%}
    {#- Thirty-day steps for comparing equal cases: 0, then 1 for 1 to 30 days, up to 7 for more than 180. -#}
    least(7, ceil({{ days }} / 30.0))
{%- endmacro %}

{% macro rate(part, whole, digits=6) -%}
    {#-
        A rate as a fraction; null where there is nothing to divide by. Engines that divide in binary have what was lost
        rounded off before the digits are.
    -#}
    cast(
        round(
            cast(cast({{ part }} as numeric(24, 6)) / nullif({{ whole }}, 0) as numeric(30, 15)), {{ digits }}
        ) as numeric(18, {{ digits }})
    )
{%- endmacro %}

{% macro cost_of_all() -%}
    {#- What attempts cost together; null where one of them has no cost in the currency of its row: part of a cost is none. -#}
    case when count(cost) = count(*) then sum(cost) end
{%- endmacro %}

{% macro minimum_cases() -%}
    {#- Fewer cases than this are no comparison: they join a coarser group. -#}
    20
{%- endmacro %}

{% macro attribution_days() -%}
    {#- How many days after a right-party contact a payment is credited to it. -#}
    {{ env_var('ARREARS_ATTRIBUTION_DAYS', '30') }}
{%- endmacro %}

{% macro talks() -%}
    {#- The right-party contacts of collectors: what payments are credited to. A query. -#}
    select
        customer_id,
        currency,
        collector_id,
        vendor,
        channel,
        tier,
        attempted_at,
        contact_ref,
        cast(attempted_at at time zone {{ bank_time_zone() }} as date) as talked_on
    from {{ ref('fct_contact_attempt') }}
    where
        is_right_party
        and collector_id is not null
{%- endmacro %}

{% macro latest_talk_first() -%}
    {#- Which of several talks is credited: an order of rows of `talks()`. -#}
    {{ return('attempted_at desc, collector_id asc nulls last, contact_ref asc') }}
{%- endmacro %}

{% macro chance_bound(total, variance, deviations) -%}
    {#-
        Where a sum of payments may lie by chance, so many standard deviations away: the quantile of a gamma distribution
        with this mean and variance (Wilson and Hilferty's approximation). Few payments of unequal size lie to one side,
        which a normal distribution does not know.
    -#}
    {{ total }} * power(
        greatest(
            0, 1 - {{ variance }} / (9 * {{ total }} * {{ total }}) + {{ deviations }} * sqrt({{ variance }}) / (3 * {{ total }})
        ),
        3
    )
{%- endmacro %}
