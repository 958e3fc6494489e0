-- Every contact with the customer that a limit may count on the day, newest first, every promise that may be open, and all that
-- was ever said that works as a flag: it holds until it is lifted, however long ago it was.
-- `loan_id` and `contact_point_id` say whom a limit per loan or number counts it for; null: for each of them.
with reported as (
    select
        interaction.occurred_at,
        interaction.direction,
        interaction.channel,
        interaction.disposition,
        interaction.loan_id,
        null::text as contact_point_id,
        interaction.promise_on,
        interaction.promise_amount,
        interaction.currency
    from staging.stg_core_banking__customer_interactions as interaction
    where interaction.customer_id = %(customer_id)s
    union all
    select
        result.attempted_at as occurred_at,
        'outbound' as direction,
        batch.channel,
        result.disposition,
        null as loan_id,
        item.contact_point_id,
        result.promise_on,
        result.promise_amount,
        coalesce(result.currency, item.currency) as currency
    from ops.delivery_item as item
    inner join ops.delivery_batch as batch
        on
            item.batch_id = batch.batch_id
            and batch.kind = 'contact_list'
            and batch.generation = (select max(newest.generation) from ops.source_generation as newest)
    inner join lateral (
        -- A vendor who reports an attempt again has corrected it.
        select distinct on (version.attempted_at, version.contact_point_ref) version.*
        from landing.vendor_result as version
        where version.contact_ref = item.contact_ref and version.batch_id = item.batch_id
        order by version.attempted_at, version.contact_point_ref, version._loaded_at desc, version._row_id desc
    ) as result on true
    where item.customer_id = %(customer_id)s
)

select
    reported.occurred_at,
    cast(reported.occurred_at at time zone %(zone)s as date) as occurred_on,
    reported.direction,
    reported.channel,
    coalesce(channel.medium, reported.channel) as medium,
    reported.disposition,
    reported.loan_id,
    reported.contact_point_id,
    case when coalesce(disposition.is_promise, false) then reported.promise_on end as promise_on,
    reported.promise_amount,
    reported.currency,
    reported.direction = 'outbound' as is_attempt,
    reported.direction = 'outbound' and coalesce(disposition.is_contact, true) as is_answered,
    reported.direction = 'outbound' and not coalesce(disposition.is_contact, true) as is_unanswered,
    coalesce(disposition.is_right_party, true)
    and coalesce(channel.medium, reported.channel) not in ('sms', 'legal') as is_conversation
from reported
left join staging.channels as channel on reported.channel = channel.channel
left join staging.dispositions as disposition on reported.disposition = disposition.disposition
where
    cast(reported.occurred_at at time zone %(zone)s as date) <= %(as_of)s
    and (
        reported.occurred_at >= %(since)s
        or (disposition.is_promise and reported.promise_on + 3 >= %(as_of)s)
        or disposition.suppresses is not null
        or disposition.disposition is null
    )
order by reported.occurred_at desc, reported.channel
