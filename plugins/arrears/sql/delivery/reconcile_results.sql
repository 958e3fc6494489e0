-- Rows of the files in which vendors reported on the day's lists, against where each of them is.
with files as (
    select
        file.vendor,
        file.sha256,
        file.state,
        file.row_count,
        file.repeated_rows
    from ops.vendor_file as file
    inner join ops.delivery_batch as batch on file.batch_id = batch.batch_id
    where
        batch.as_of = %(as_of)s
        and batch.kind = 'contact_list'
        and batch.generation = (select max(generation.generation) from ops.source_generation as generation)
        and (file.kind = 'results' or file.state = 'refused')
        and file.state <> 'seen_before'
),

loaded as (
    select distinct
        vendor,
        sha256
    from files
    where state = 'loaded'
)

select
    (select coalesce(sum(row_count), 0)::bigint from files) as received,
    (
        select count(*)
        from loaded
        inner join landing.vendor_result as result
            on loaded.vendor = result._vendor and loaded.sha256 = result._file_sha256
    ) as loaded,
    (
        select count(distinct (rejected.vendor, rejected.file_sha256, rejected.line_number))
        from loaded
        inner join quarantine.vendor_result as rejected
            on loaded.vendor = rejected.vendor and loaded.sha256 = rejected.file_sha256
    ) as quarantined,
    (select coalesce(sum(repeated_rows), 0)::bigint from files where state = 'loaded') as repeated,
    (select coalesce(sum(row_count), 0)::bigint from files where state = 'refused') as refused
