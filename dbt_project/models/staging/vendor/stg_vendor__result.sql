with results as (
    select * from {{ source('vendor', 'vendor_result') }}
    where {{ is_known('_loaded_at') }}
),

plans as (
    select * from {{ ref('stg_vendor__plan') }}
),

-- An attempt is its reference, its instant and its number: a vendor who reports it again has corrected it.
ranked as (
    select
        results.*,
        row_number() over (
            partition by
                results.batch_id, results.contact_ref, results.attempted_at, results.contact_point_ref
            order by results._loaded_at desc, results._row_id desc
        ) as version_rank
    from results
)

select
    ranked._row_id as result_id,
    ranked.batch_id,
    ranked.contact_ref,
    ranked.contact_point_ref,
    plans.customer_id,
    plans.contact_point_id,
    plans.channel,
    plans.vendor,
    plans.as_of,
    ranked.collector_id,
    ranked.attempted_at,
    ranked.disposition,
    ranked.nonpayment_reason,
    ranked.talk_seconds,
    ranked.promise_amount,
    ranked.promise_on,
    ranked.amount_collected,
    ranked.cost,
    ranked.satisfaction,
    ranked.recording_ref,
    ranked._loaded_at as loaded_at,
    coalesce(ranked.currency, plans.currency) as currency,
    coalesce(ranked.complaint, false) as is_complaint
from ranked
inner join plans
    on
        ranked.batch_id = plans.batch_id
        and ranked.contact_ref = plans.contact_ref
        and ranked._vendor = plans.vendor
where ranked.version_rank = 1
