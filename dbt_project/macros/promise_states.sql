{% macro promise_states(day) -%}
    {#-
        Every promise made by a day with what was paid for it by then: repayments and recoveries that count from the day of
        the promise to three days after it was due, less what of them was taken back by the day. A query; use it as a CTE.
    -#}
    select
        promises.*,
        greatest(0, coalesce(paid.amount, 0)) as paid_amount,
        case
            when promises.amount > 0 and greatest(0, coalesce(paid.amount, 0)) >= promises.amount then 'kept'
            when promises.last_day >= {{ day }} then 'open'
            when greatest(0, coalesce(paid.amount, 0)) > 0 then 'partly_kept'
            else 'broken'
        end as status
    from {{ ref('int_customers__promise') }} as promises
    left join (
        -- Summed apart: then the few promises lead to their payments, and not all payments to the promises.
        select
            made.promise_id,
            sum(payments.amount) as amount
        from {{ ref('int_customers__promise') }} as made
        inner join ({{ payment_effects(loans_of(ref('int_customers__promise'))) }}) as payments -- noqa: ST05
            on
                made.customer_id = payments.customer_id
                and made.currency = payments.currency
                and payments.paid_on >= made.promised_on
                and payments.paid_on <= made.last_day
                and payments.counts_from <= {{ day }}
        group by made.promise_id
    ) as paid on promises.promise_id = paid.promise_id
    where promises.promised_on <= {{ day }}
{%- endmacro %}
