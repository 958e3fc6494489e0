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

{% macro breaches_of_attempts() -%}
    {#- Attempts that broke a rule; one that broke two counts once. -#}
    count(*) filter (where is_outside_window or is_after_stop)
{%- endmacro %}

{% macro score_of_reviews() -%}
    {#-
        The score of rows of `heard_reviews`: that of recordings that chance drew, where there are any. Others were chosen
        because something was wrong with them, or by the vendor.
    -#}
    cast(
        round(coalesce(avg(score) filter (where is_random), avg(score)), 2) as numeric(18, 2)
    )
{%- endmacro %}

{% macro heard_reviews() -%}
    {#-
        Reviews with the attempt that reported the recording: a query over CTEs called `attempts`, `reviews` and `requests`.
        Who is judged is who made the attempt, whoever the review names. What no attempt reported, or was reviewed before
        it was said, is nobody's; the vendor's day may be a day behind the bank's.
    -#}
    with recorded as (
        select * from attempts
        where recording_ref is not null
    ),

    recordings as (
        {{ first_of_each('recorded', 'vendor, recording_ref', 'attempted_at desc, result_id desc') }}
    )

    select
        recordings.channel,
        recordings.vendor,
        recordings.tier,
        recordings.currency,
        reviews.score,
        reviews.breach_code,
        requests.is_random,
        coalesce(recordings.collector_id, reviews.collector_id) as collector_id,
        cast(date_trunc('month', reviews.reviewed_on) as date) as month
    from reviews
    inner join recordings
        on
            reviews.vendor = recordings.vendor
            and reviews.recording_ref = recordings.recording_ref
    left join requests
        on
            reviews.vendor = requests.vendor
            and reviews.recording_ref = requests.recording_ref
    where reviews.reviewed_on >= cast(recordings.attempted_at at time zone {{ bank_time_zone() }} as date) - 1
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

{% macro indexed_recovery(unit, share='own_share', has_peers='has_peers', variance_of_peers='variance_of_peers') -%}
    {#-
        What the cases of each unit, month and currency recovered and were expected to, and the index of both with the ends of
        its 95 % interval. A query over a CTE called `cases`: rows of int_collectors__case, of which the arguments name the
        columns that say what of a group is the unit's own.
    -#}
    {%- set key = unit ~ ', month, currency' -%}
    with indexed as (
        -- Recovered over expected: 1 is what equal cases recover on average.
        select
            *,
            sum(amount_recovered) over (partition by {{ key }})
            / nullif(sum(expected_recovery) over (partition by {{ key }}), 0) as recovery_index
        from cases
    ),

    -- The chance in the index: that of the unit's own cases, which are part of what they are compared with, and that of the
    -- others' in the expectation.
    summed as (
        select
            {{ key }},
            count(*) as cases,
            sum(amount_recovered) as amount_recovered,
            sum(expected_recovery) as expected_recovery,
            min(recovery_index) as recovery_index,
            bool_and({{ has_peers }}) as has_peers,
            sum(
                power((1 - recovery_index * {{ share }}) * (amount_recovered - recovery_index * expected_recovery), 2)
                + recovery_index * recovery_index * {{ variance_of_peers }}
            ) * count(*) / nullif(count(*) - 1.0, 0) as variance,
            sum(expected_recovery * typical_recovery) / nullif(sum(expected_recovery), 0) as typical_recovery
        from indexed
        group by {{ key }}
    ),

    -- No interval where nothing was expected, nor where a case had nobody to be compared with.
    comparable as (
        select
            *,
            has_peers and expected_recovery > 0 and cases > 1 as is_comparable
        from summed
    ),

    -- One payment more might have come as well as not: the upper end allows for it, and has a value where nothing came.
    bounded as (
        select
            *,
            case
                when is_comparable and amount_recovered > 0
                    then {{ chance_bound('amount_recovered', 'variance', -1.96) }} / expected_recovery
                when is_comparable then 0
            end as lower_end,
            case
                when is_comparable
                    then
                        {{ chance_bound(
                            '(amount_recovered + typical_recovery)',
                            '(variance + typical_recovery * typical_recovery)',
                            1.96
                        ) }} / expected_recovery
            end as upper_end
        from comparable
    )

    select
        {{ key }},
        cases,
        amount_recovered,
        cast(round(recovery_index, 6) as numeric(18, 6)) as recovery_index,
        cast(round(cast(lower_end as numeric(30, 12)), 6) as numeric(18, 6)) as recovery_index_low,
        cast(round(cast(upper_end as numeric(30, 12)), 6) as numeric(18, 6)) as recovery_index_high,
        round(expected_recovery, 2) as expected_recovery
    from bounded
{%- endmacro %}
