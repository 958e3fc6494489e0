-- One row per loan and figure that differ, with the rows that explain it: those that only one of the two has used.
-- Published was from what had passed its gate when the build began, rebuilt is from what was recorded by K.
create table rebuild_marts.differences as
with batches as (
    select
        batch_id,
        decided_at > %(published_at)s as is_later
    from ops.load_batch
    where
        state = 'passed'
        and generation = (select max(generation) from ops.source_generation)
),

landed as (
    -- Of a transaction every loan that any version was booked on.
    select
        versions.loan_id,
        'loan_transactions' as table_name,
        versions.transaction_id as row_key,
        booked.recorded_at as changed_at,
        booked._batch_id
    from landing.loan_transactions as versions
    inner join landing.loan_transactions as booked on versions.transaction_id = booked.transaction_id
    where
        versions.loan_id in (select loan_id from compared)
        and versions.effective_on <= %(as_of)s
    union all
    select
        loan_id,
        'repayment_schedule',
        schedule_version::text,
        updated_at,
        _batch_id
    from landing.repayment_schedule
    where
        loan_id in (select loan_id from compared)
        and effective_from <= %(as_of)s
    union all
    select
        loan_id,
        'loans',
        loan_id,
        updated_at,
        _batch_id
    from landing.loans
    where loan_id in (select loan_id from compared)
    union all
    select
        loan_id,
        'hardship_arrangements',
        arrangement_id,
        updated_at,
        _batch_id
    from landing.hardship_arrangements
    where
        loan_id in (select loan_id from compared)
        and starts_on <= %(as_of)s
),

causes as (
    select
        landed.loan_id,
        landed.table_name,
        jsonb_agg(distinct landed.row_key) as row_keys
    from landed
    inner join batches on landed._batch_id = batches.batch_id
    where
        batches.is_later
        = (%(known_at)s::timestamptz is null or landed.changed_at <= %(known_at)s::timestamptz)
    group by landed.loan_id, landed.table_name
),

because as (
    select
        loan_id,
        jsonb_object_agg(table_name, row_keys) as tables
    from causes
    group by loan_id
)

select
    %(as_of)s::date as as_of,
    compared.loan_id,
    figures.figure,
    figures.published,
    figures.rebuilt,
    coalesce(because.tables, '{}') as because
from compared
cross join lateral (
    select
        'exists' as figure,
        (compared.published is not null)::text as published,
        (compared.rebuilt is not null)::text as rebuilt
    where compared.published is null or compared.rebuilt is null
    union all
    select
        figure,
        published.value,
        rebuilt.value
    from jsonb_each_text(compared.published) as published (figure, value)
    inner join jsonb_each_text(compared.rebuilt) as rebuilt (figure, value) using (figure)
    where published.value is distinct from rebuilt.value
) as figures
left join because on compared.loan_id = because.loan_id
order by compared.loan_id, figures.figure
