-- Models of risk whose newest figures of drift call for somebody, with what they are.
select
    drift.purpose,
    drift.model_version,
    count(*) as figures,
    string_agg(
        case drift.measure when 'calibration' then 'outcomes of ' || drift.name else drift.name end,
        ', ' order by drift.measure, drift.name
    ) as names
from marts.model_drift as drift
where
    drift.is_alarming
    and drift.as_of = (select max(newest.as_of) from marts.model_drift as newest)
group by drift.purpose, drift.model_version
