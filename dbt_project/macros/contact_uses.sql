{#- What uses up the limits on contacts: the same for the decision and for what measures it afterwards. -#}

{% macro limits_in_force() -%}
    {#- The limits that packs set on the business date, each with a number. A query; use it as a CTE called `limits`. -#}
    select
        seeded.jurisdiction as policy_id,
        seeded.channel,
        seeded.counted,
        seeded.per,
        seeded.days,
        seeded.at_most,
        row_number() over (
            order by
                seeded.jurisdiction, seeded.channel, seeded.counted, seeded.per, seeded.days, seeded.at_most,
                seeded.valid_from
        ) as limit_id
    from {{ ref('contact_limits') }} as seeded
    where {{ in_force('seeded') }}
{%- endmacro %}

{% macro contact_uses() -%}
    {#-
        What happened within the longest of the CTE `limits`, and what is planned and may still happen. A planned attempt may
        turn out either way: it counts for every kind. A query; use it as a CTE called `uses`.
    -#}
    select
        customer_id,
        currency,
        loan_id,
        contact_point_id,
        channel,
        medium,
        occurred_on as used_on,
        1 as times,
        direction = 'outbound' as is_attempt,
        direction = 'outbound' and is_contact as is_answered,
        direction = 'outbound' and not is_contact as is_unanswered,
        is_right_party and medium not in ('sms', 'legal') as is_conversation
    from {{ ref('int_customers__contact_event') }}
    where
        occurred_on <= {{ as_of_date() }}
        and occurred_on > {{ as_of_date() }} - (select max(limits.days) from limits)
    union all
    select
        customer_id,
        currency,
        null as loan_id,
        contact_point_id,
        channel,
        medium,
        planned_on as used_on,
        attempts as times,
        true as is_attempt,
        true as is_answered,
        true as is_unanswered,
        true as is_conversation
    from {{ ref('int_customers__planned_contact') }}
{%- endmacro %}

{% macro counts_towards(limits, channel, currency, loan_ids) -%}
    {#-
        Condition: a row of `uses`, of the same customer, counts towards a limit. `limits` has the limit's `days`, `counted`
        and `per`; `channel` is the channel that it names, `currency` and `loan_ids` are those of the row that is limited.
    -#}
    uses.used_on > {{ as_of_date() }} - {{ limits }}.days
            and ({{ channel }} is null or {{ channel }} in (uses.channel, uses.medium))
            and case {{ limits }}.counted
                when 'attempt' then uses.is_attempt
                when 'answered' then uses.is_answered
                when 'unanswered' then uses.is_unanswered
                when 'conversation' then uses.is_conversation
            end
            and (
                {{ limits }}.per <> 'loan'
                or (uses.loan_id is null and (uses.currency is null or {{ currency }} = uses.currency))
                or {{ holds(loan_ids, 'uses.loan_id') }}
            )
{%- endmacro %}
