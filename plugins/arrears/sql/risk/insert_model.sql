-- A new version; no row where it is there already.
insert into ops.model (
    model_version, generation, purpose, kind, trained_as_of, observed_from, observed_to, features, intercept, figures
)
select
    %(model_version)s,
    max(generation),
    %(purpose)s,
    %(kind)s,
    %(trained_as_of)s,
    %(observed_from)s,
    %(observed_to)s,
    %(features)s,
    %(intercept)s,
    %(figures)s
from ops.source_generation
on conflict (model_version) do nothing
returning model_version
