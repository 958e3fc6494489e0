(
        select
            count(distinct approval.approver) filter (where approval.is_approved) >= 2
            and bool_and(approval.is_approved)
        from ops.legal_approval as approval
        where
            approval.generation = (select max(generation) from ops.source_generation)
            and approval.as_of = list.as_of
            and approval.customer_id = list.customer_id
            and approval.currency = list.currency
    )
