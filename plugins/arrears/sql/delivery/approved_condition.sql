(
        -- What the ledger lets go once approved, and here again: two people for it and nobody against.
        (list.customer_id, list.currency) in (
            -- Materialised: the mart is asked once and not for each row.
            with permitted as materialized (
                select
                    decision.customer_id,
                    decision.currency
                from marts.fct_contact_decision as decision
                where
                    decision.as_of = %(as_of)s
                    and decision.channel = 'legal'
                    and decision.decision = 'contact'
            )

            select
                permitted.customer_id,
                permitted.currency
            from permitted
        )
        and (
            select
                count(distinct approval.approver) filter (where approval.is_approved) >= 2
                and bool_and(approval.is_approved)
            from ops.legal_approval as approval
            where
                approval.generation = (select max(generation.generation) from ops.source_generation as generation)
                and approval.as_of = list.as_of
                and approval.customer_id = list.customer_id
                and approval.currency = list.currency
        )
    )
