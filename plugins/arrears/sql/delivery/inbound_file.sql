-- What became of a file. A file that was refused is judged afresh when it comes again; one that was loaded stays so.
insert into ops.vendor_file (
    sha256, vendor, file_name, kind, batch_id, state, row_count, rejected_rows, repeated_rows, reason,
    read_at
)
values (
    %(sha256)s, %(vendor)s, %(file_name)s, %(kind)s, %(batch_id)s, %(state)s, %(rows)s, %(rejected)s, %(repeated)s,
    %(reason)s, %(read_at)s
)
on conflict (vendor, sha256, file_name) do update set
    kind = excluded.kind,
    batch_id = excluded.batch_id,
    state = excluded.state,
    row_count = excluded.row_count,
    rejected_rows = excluded.rejected_rows,
    repeated_rows = excluded.repeated_rows,
    reason = excluded.reason,
    read_at = excluded.read_at
where ops.vendor_file.state <> 'loaded'
