-- Rows of the list that are over: a final result came, the vendor will not work them, or they were called back.
update ops.delivery_item as item
set is_final = true
where
    item.batch_id = %(batch_id)s
    and not item.is_final
    and (
        exists (
            select 1
            from landing.vendor_result as result
            where
                result.batch_id = item.batch_id
                and result.contact_ref = item.contact_ref
                and result.disposition = any(%(final_dispositions)s)
        )
        or exists (
            select 1
            from landing.vendor_ack as ack
            cross join lateral jsonb_to_recordset(ack.rejected) as rejected (contact_ref text)
            where ack.batch_id = item.batch_id and rejected.contact_ref = item.contact_ref
        )
        or exists (
            select 1
            from ops.delivery_item as recalled
            inner join ops.delivery_batch as recall on recalled.batch_id = recall.batch_id
            where
                recalled.contact_ref = item.contact_ref
                and recall.kind in ('stop', 'recall')
                and recall.state in ('acknowledged', 'closed')
        )
    )
