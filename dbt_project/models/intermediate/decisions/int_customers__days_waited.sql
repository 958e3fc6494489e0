with sealed_days as (
    select * from {{ source('ops', 'sealed_day') }}
),

ledger as (
    {{ published_decisions() }}
),

-- Apart from the rows: a query that is spoken of twice is kept as a whole, and the ledger holds years.
ledger_days as (
    {{ published_decisions() }}
),

current_build as (
    {{ unsealed_generation() }}
),

-- Days on which the customer could have been contacted and was not: for want of capacity, or because the list never
-- left. Each day adds to the figure of the last one before it, so only that day is read.
last_day as (
    select
        ledger.customer_id,
        ledger.currency,
        ledger.channel,
        case
            when ledger.decision = 'contact' and sealed_days.as_of is not null then 0
            when ledger.decision = 'contact' or {{ holds('ledger.all_reasons', "'CAPACITY'") }}
                then coalesce(ledger.days_waited, 0) + 1
            else coalesce(ledger.days_waited, 0)
        end as days_waited
    from ledger
    inner join current_build on ledger.generation = current_build.generation
    left join sealed_days
        on
            ledger.generation = sealed_days.generation
            and ledger.as_of = sealed_days.as_of
    where
        ledger.as_of = (
            select max(ledger_days.as_of)
            from ledger_days
            where ledger_days.as_of < {{ as_of_date() }}
        )
)

-- Most rows wait for nothing.
select
    customer_id,
    currency,
    channel,
    days_waited
from last_day
where days_waited > 0
