insert into ops.alert (
    code, subject, severity, summary, run_book, log_url, as_of, raised_by, opened_at, last_seen_at
)
values (
    %(code)s, %(subject)s, %(severity)s, %(summary)s, %(run_book)s, %(log_url)s, %(as_of)s, %(raised_by)s, %(now)s, %(now)s
)
on conflict (code, subject) where closed_at is null do update set
severity = excluded.severity,
summary = excluded.summary,
run_book = excluded.run_book,
log_url = excluded.log_url,
as_of = excluded.as_of,
raised_by = excluded.raised_by,
last_seen_at = excluded.last_seen_at
