{% macro promise_states(day) -%}
    {#-
        Every promise made by a day with what was paid for it by then: repayments and recoveries that count from the day of
        the promise to three days after it was due, less what of them was taken back by the day. A query; use it as a CTE.
    -#}
    select
        promises.*,
        greatest(0, coalesce(sum(payments.amount), 0)) as paid_amount,
        case
            when promises.amount > 0 and greatest(0, coalesce(sum(payments.amount), 0)) >= promises.amount then 'kept'
            when promises.last_day >= {{ day }} then 'open'
            when greatest(0, coalesce(sum(payments.amount), 0)) > 0 then 'partly_kept'
            else 'broken'
        end as status
    from {{ ref('int_customers__promise') }} as promises
    left join {{ ref('int_payments__effect') }} as payments
        on
            promises.customer_id = payments.customer_id
            and promises.currency = payments.currency
            and payments.paid_on >= promises.promised_on
            and payments.paid_on <= promises.last_day
            and payments.counts_from <= {{ day }}
    where promises.promised_on <= {{ day }}
    group by
        promises.promise_id, promises.customer_id, promises.currency, promises.promised_on, promises.due_on,
        promises.amount, promises.collector_id, promises.vendor, promises.channel, promises.batch_id,
        promises.contact_ref, promises.occurred_at, promises.last_day
{%- endmacro %}
