select
    exists (
        -- Proposed, or proposed and approved by others meanwhile.
        select
        from marts.fct_contact_decision as decision
        where
            decision.as_of = %(as_of)s
            and decision.channel = 'legal'
            and decision.customer_id = %(customer_id)s
            and decision.currency = %(currency)s
            and (decision.reason_code = 'NOT_APPROVED' or decision.decision = 'contact')
    ) as is_proposed,
    exists (
        select
        from ops.delivery_batch as batch
        where
            batch.as_of = %(as_of)s
            and batch.kind = 'contact_list'
            and batch.channel = 'legal'
            and (batch.state in ('uploaded', 'acknowledged', 'closed') or batch.sending_since is not null)
    ) as is_sent,
    (
        select approval.is_approved
        from ops.legal_approval as approval
        where
            approval.generation = (select max(generation.generation) from ops.source_generation as generation)
            and approval.as_of = %(as_of)s
            and approval.customer_id = %(customer_id)s
            and approval.currency = %(currency)s
            and approval.approver = %(approver)s
    ) as earlier_answer
