{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_day() }}") }}

with attempts as (
    select * from {{ ref('fct_contact_attempt') }}
),

dispositions as (
    select * from {{ ref('dispositions') }}
),

reasons as (
    select * from {{ ref('review_reasons') }}
),

promises as (
    select * from {{ ref('fct_promise') }}
),

promise_facts as (
    select * from {{ ref('int_customers__promise') }}
),

complaints as (
    select * from {{ ref('stg_core_banking__complaints') }}
),

collectors as (
    select * from {{ ref('stg_core_banking__collectors') }}
),

reviews as (
    select * from {{ ref('stg_vendor__qa') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
),

-- A day asks about the days before it only: built again after its own results came, it asks for the same.
dated as (
    select
        *,
        cast(attempted_at at time zone {{ bank_time_zone() }} as date) as attempted_on
    from attempts
    where
        -- No vendor knows what stands in for an erased recording.
        recording_ref not like 'erased-%'
        and collector_id is not null
),

recorded as (
    select
        *,
        vendor || '|' || recording_ref as recording
    from dated
    where
        attempted_on < {{ as_of_date() }}
        and attempted_on >= {{ as_of_date() }} - 30
),

recordings as (
    {{ first_of_each('recorded', 'recording', 'attempted_at desc, result_id desc') }}
),

complained as (
    select distinct recordings.recording
    from recordings
    inner join complaints
        on
            recordings.customer_id = complaints.customer_id
            and (complaints.collector_id is null or recordings.collector_id = complaints.collector_id)
            and recordings.attempted_at <= complaints.received_at
            and recordings.attempted_at >= complaints.received_at - interval '30 days'
    where cast(complaints.received_at at time zone {{ bank_time_zone() }} as date) < {{ as_of_date() }}
),

broken as (
    select distinct
        promise_facts.batch_id,
        promise_facts.contact_ref,
        promise_facts.occurred_at
    from promise_facts
    inner join promises on promise_facts.promise_id = promises.promise_id
    where
        promises.status = 'broken'
        and promise_facts.last_day < {{ as_of_date() }}
),

watched as (
    select collector_id
    from reviews
    where
        breach_code is not null
        and reviewed_on < {{ as_of_date() }}
        and reviewed_on >= {{ as_of_date() }} - 30
    union distinct
    select collector_id
    from collectors
    where
        hired_on <= {{ as_of_date() }}
        and hired_on > {{ as_of_date() }} - 30
),

speaking as (
    select
        recordings.recording,
        recordings.vendor,
        recordings.recording_ref,
        recordings.collector_id,
        recordings.attempted_on,
        reasons.reason,
        reasons.position,
        reasons.share,
        -- Who knows only the references cannot work out which of them will be asked for.
        {{ share_of(
            "concat_ws('|', salt.salt, recordings.attempted_on, recordings.recording, reasons.reason)"
        ) }} as draw
    from recordings
    cross join reasons
    cross join salt
    left join dispositions on recordings.disposition = dispositions.disposition
    left join complained on recordings.recording = complained.recording
    left join broken
        on
            recordings.batch_id = broken.batch_id
            and recordings.contact_ref = broken.contact_ref
            and recordings.attempted_at = broken.occurred_at
    left join watched on recordings.collector_id = watched.collector_id
    where
        case reasons.reason
            when 'outside_hours' then recordings.is_outside_window
            when 'after_stop' then recordings.is_after_stop
            when 'complaint' then recordings.is_complaint or complained.recording is not null
            when 'low_rating' then recordings.satisfaction <= 2
            when 'quick_promise' then recordings.is_promise and recordings.talk_seconds < 30
            when 'broken_promise' then broken.batch_id is not null
            when 'consequence' then recordings.disposition = 'refused' or dispositions.suppresses is not null
            when 'watched_collector' then watched.collector_id is not null
            when 'random' then true
        end
),

placed as (
    select
        *,
        row_number() over (
            partition by vendor, collector_id, attempted_on, reason
            order by draw, recording_ref
        ) as place,
        count(*) over (partition by vendor, collector_id, attempted_on, reason) as recording_count
    from speaking
),

drawn as (
    select
        *,
        bool_or(reason = 'random') over (partition by recording) as is_random
    from placed
    where
        case
            when reason = 'random' then place <= ceil(share * recording_count)
            else draw < share
        end
),

-- Nothing is asked twice, nor what the vendor reviewed by itself.
known as (
    select vendor || '|' || recording_ref as recording
    from reviews
    where reviewed_on < {{ as_of_date() }}
    {% if is_incremental() %}
    union distinct
    select asked.vendor || '|' || asked.recording_ref as recording
    from {{ this }} as asked
    where asked.as_of <> {{ as_of_date() }}
    {% endif %}
),

told as (
    {{ first_of_each('drawn', 'recording', 'position asc') }}
)

select
    {{ as_of_date() }} as as_of,
    told.vendor,
    told.recording_ref,
    told.collector_id,
    told.reason,
    told.is_random
from told
left join known on told.recording = known.recording
where known.recording is null
