-- Decisions that other packs would change, with what is decided before and after. The two ledgers are of one day.
create temporary table changed on commit drop as
with decided_before as (
    select * from policy_intermediate.decided_before
),

decided_after as (
    select * from policy_intermediate.int_customers__contact_decision
),

compared as (
    select
        customer_id,
        channel,
        case
            when decided_before.decision is null then 'not in scope'
            else coalesce(decided_before.reason_code, 'contact')
        end as before,
        case
            when decided_after.decision is null then 'not in scope'
            when decided_after.decision = 'suppress' then decided_after.reason_code
            when decided_before.decision = 'contact' then
                concat_ws(
                    ', ',
                    'contact',
                    case
                        when
                            (decided_before.window_start, decided_before.window_end)
                            is distinct from (decided_after.window_start, decided_after.window_end)
                            then 'other hours'
                    end,
                    case when decided_before.attempts <> decided_after.attempts then 'other attempts' end,
                    case
                        when
                            (decided_before.template_or_offer, decided_before.tone, decided_before.requires)
                            is distinct from (decided_after.template_or_offer, decided_after.tone, decided_after.requires)
                            then 'other treatment'
                    end
                )
            else 'contact'
        end as after
    from decided_before
    full join decided_after using (customer_id, channel, currency)
)

select
    customer_id,
    channel,
    before,
    after
from compared
where before <> after
