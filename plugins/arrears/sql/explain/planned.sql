-- Contacts that earlier lists plan and nobody has reported yet: they count until the list's end and the reporting deadline.
select
    batch.as_of as planned_on,
    batch.channel,
    channel.medium,
    item.currency,
    item.contact_point_id,
    -- Where the ledger does not know the row, the most that its channel plans.
    coalesce(ledger.attempts, channel.planned_attempts)
    - (
        select count(distinct (result.attempted_at, result.contact_point_ref))
        from landing.vendor_result as result
        where result.contact_ref = item.contact_ref and result.batch_id = item.batch_id
    ) as attempts
from ops.delivery_item as item
inner join ops.delivery_batch as batch on item.batch_id = batch.batch_id
inner join staging.channels as channel on batch.channel = channel.channel
left join intermediate.int_customers__contact_decision as ledger
    on
        batch.as_of = ledger.as_of
        and batch.channel = ledger.channel
        and item.customer_id = ledger.customer_id
        and item.currency = ledger.currency
        and ledger.attempts > 0
where
    item.customer_id = %(customer_id)s
    and batch.kind = 'contact_list'
    and batch.state not in ('refused', 'superseded', 'expired')
    and batch.generation = (select max(newest.generation) from ops.source_generation as newest)
    and not item.is_final
    and not exists (
        select
        from landing.vendor_result as result
        inner join staging.dispositions as disposition on result.disposition = disposition.disposition
        where result.contact_ref = item.contact_ref and result.batch_id = item.batch_id and disposition.is_final
    )
    and batch.as_of < %(as_of)s
    and batch.valid_until + make_interval(hours => %(reporting_deadline_hours)s) >= %(midnight)s
order by batch.as_of, batch.channel
