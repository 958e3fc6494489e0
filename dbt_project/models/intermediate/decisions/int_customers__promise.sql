with events as (
    select * from {{ ref('int_customers__contact_event') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

promisers as (
    select distinct customer_id
    from events
    where is_promise
),

loans_of_promisers as (
    select loans.*
    from loans
    inner join promisers on loans.customer_id = promisers.customer_id
),

-- Where nobody said the currency of a promise it is that of the customer's largest loan.
main_currencies as (
    {{ first_of_each('loans_of_promisers', 'customer_id', 'principal desc nulls first, loan_id asc') }}
),

promises as (
    select
        events.customer_id,
        events.occurred_on as promised_on,
        events.promise_on as due_on,
        events.promise_amount as amount,
        events.collector_id,
        events.vendor,
        events.channel,
        events.batch_id,
        events.contact_ref,
        events.occurred_at,
        events.known_on,
        case when events.source = 'vendor_result' then cast(events.source_key as bigint) end as result_id,
        coalesce(events.currency, main_currencies.currency) as currency,
        row_number() over (
            partition by
                events.customer_id, coalesce(events.currency, main_currencies.currency), events.occurred_on,
                events.promise_on, events.promise_amount
            -- The bank's note of a promise and the vendor's report of it are one promise.
            order by events.source desc, events.occurred_at asc, events.source_key asc
        ) as copy_number
    from events
    inner join main_currencies on events.customer_id = main_currencies.customer_id
    where
        events.is_promise
        and events.promise_on is not null
)

select
    customer_id,
    currency,
    promised_on,
    due_on,
    amount,
    collector_id,
    vendor,
    channel,
    batch_id,
    contact_ref,
    occurred_at,
    known_on,
    result_id,
    md5(concat_ws('|', customer_id, currency, promised_on, due_on, amount)) as promise_id,
    due_on + 3 as last_day
from promises
where copy_number = 1
