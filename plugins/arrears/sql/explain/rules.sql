-- What the pack says of reasons, hours and treatment on the day: every row that may stand behind an outcome.
select
    'rule' as kind,
    rule.reason_code as subject,
    rule.applies_to_channel as channel,
    case when rule.blocks_until = 'lifted' then null else cast(rule.blocks_until as integer) end as blocks_days,
    rule.parameter as detail,
    rule.source,
    rule.confidence,
    rule.valid_from,
    rule.valid_to
from staging.contact_rules as rule
where
    rule.jurisdiction = %(policy_id)s
    and rule.valid_from <= %(as_of)s
    and (rule.valid_to is null or rule.valid_to > %(as_of)s)
union all
select
    'hours' as kind,
    coalesce(hours.weekday, 'every day') as subject,
    hours.channel,
    null as blocks_days,
    case
        when hours.closes is null then 'closed'
        else to_char(hours.opens, 'HH24:MI') || '–' || to_char(hours.closes, 'HH24:MI')
    end as detail,
    hours.source,
    hours.confidence,
    hours.valid_from,
    hours.valid_to
from staging.contact_windows as hours
where
    hours.jurisdiction = %(policy_id)s
    and hours.valid_from <= %(as_of)s
    and (hours.valid_to is null or hours.valid_to > %(as_of)s)
union all
select
    'treatment' as kind,
    treatment.tier as subject,
    treatment.channel,
    null as blocks_days,
    concat_ws(', ', treatment.template_or_offer, treatment.tone, 'needs ' || treatment.requires) as detail,
    treatment.source,
    treatment.confidence,
    treatment.valid_from,
    treatment.valid_to
from staging.treatments as treatment
where
    treatment.valid_from <= %(as_of)s
    and (treatment.valid_to is null or treatment.valid_to > %(as_of)s)
union all
select
    'reason' as kind,
    reason.reason_code as subject,
    null as channel,
    null as blocks_days,
    reason.text as detail,
    reason.source,
    reason.confidence,
    reason.valid_from,
    reason.valid_to
from staging.suppression_reasons as reason
where
    reason.valid_from <= %(as_of)s
    and (reason.valid_to is null or reason.valid_to > %(as_of)s)
union all
select
    'arm' as kind,
    experiment.experiment || ' ' || experiment.arm as subject,
    null as channel,
    null as blocks_days,
    experiment.treatment as detail,
    experiment.source,
    experiment.confidence,
    experiment.valid_from,
    experiment.valid_to
from staging.experiments as experiment
where experiment.experiment = any(%(experiments)s)
union all
select
    'treatment' as kind,
    challenger.tier as subject,
    challenger.channel,
    null as blocks_days,
    concat_ws(', ', challenger.template_or_offer, challenger.tone, 'needs ' || challenger.requires) as detail,
    challenger.source,
    challenger.confidence,
    challenger.valid_from,
    challenger.valid_to
from staging.challenger_treatments as challenger
where
    exists (
        select 1
        from staging.experiments as experiment
        where
            experiment.experiment = any(%(experiments)s)
            and experiment.treatment = challenger.treatment
    )
    and challenger.valid_from <= %(as_of)s
    and (challenger.valid_to is null or challenger.valid_to > %(as_of)s)
order by kind, subject, channel nulls last, valid_from
