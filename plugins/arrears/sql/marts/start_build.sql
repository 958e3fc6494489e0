-- K is the instant at which the build starts: everything that passed the landing gate by then is used.
insert into ops.mart_build (as_of, generation, known_at, policy_version, run_id)
values (%(as_of)s, %(generation)s, coalesce(%(known_at)s, clock_timestamp()), %(policy_version)s, %(run_id)s)
returning build_id, known_at
