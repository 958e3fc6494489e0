{#-
    Facts dated by the day on which the bank knew them, so that what is said of a past day can be said from what was known
    then: a payment that was booked later, a reversal that came later or a result that was loaded later is not seen by it.
-#}

{% macro day_known(happened_on, recorded_at) -%}
    {#- The first day whose build can know of something: the day it happened on, or that of its record where it is later. -#}
    greatest({{ happened_on }}, cast({{ recorded_at }} at time zone {{ bank_time_zone() }} as date))
{%- endmacro %}

{% macro known_effects(condition='true') -%}
    {#-
        What each payment, and each reversal of one, does to a loan's money, and since when it was known: a query.
        `condition` may speak of loan_id.
    -#}
    select
        effects.original_transaction_id,
        effects.loan_id,
        effects.kind,
        effects.original_effective_on,
        {{ day_known('effects.counts_from', 'coalesce(effects.recorded_at, records.recorded_at)') }} as known_on,
        effects.amount,
        effects.is_reversal
    from (
        {{ transaction_effects(condition) }}
    ) as effects
    left join (
        select
            transaction_id,
            recorded_at
        from {{ ref('stg_core_banking__loan_transactions') }}
        where
            kind = 'reversal'
            and {{ condition }}
    ) as records
        on
            effects.is_reversal
            and effects.transaction_id = records.transaction_id
    where effects.kind in ('repayment', 'waiver', 'recovery')
{%- endmacro %}

{% macro days_of_settlement(money, due, rules) -%}
    {#-
        The days on which money settled instalments up to the tolerance, in their order, and which of them were late: a query
        of one row, for use in a lateral join. Half a cent less than what is due, since money that reaches it exactly settles
        it.
    -#}
    (
        select
            {{ ordered_array('days.settled_on', 'days.place') }} as settled_on,
            {{ ordered_array('days.place', 'days.place', 'days.settled_on > ' ~ due ~ '.due_on[days.place]') }} as late_places
        from (
            select
                owed.place,
                {{ money }}.credited_on[{{ count_up_to(money ~ '.credited_totals', 'owed.amount') }} + 1] as settled_on
            from (
                select
                    places.place,
                    {{ due }}.cumulative_due[places.place]
                    - {{ rules }}.tolerances[{{ count_up_to(rules ~ '.rules_from', due ~ '.due_on[places.place]') }}]
                    - 0.005 as amount
                from {{ positions_of(due ~ '.cumulative_due', 'place') }} as places
            ) as owed
            where owed.amount < {{ money }}.credited_total
        ) as days
    )
{%- endmacro %}

{% macro days_without_settlement(money, settled) -%}
    {#- The days on which money came in and settled no instalment: the same. -#}
    (
        select {{ ordered_array('days.credited_on', 'days.credited_on') }} as part_paid_on
        from ({{ rows_of(money ~ '.credited_on', 'credited_on') }}) as days
        where {{ settled }}.settled_on is null or not {{ holds(settled ~ '.settled_on', 'days.credited_on') }}
    )
{%- endmacro %}
