-- The limits of the customer's pack on the day.
select
    rule.channel,
    rule.counted,
    rule.per,
    rule.days,
    rule.at_most,
    rule.strength,
    rule.source,
    rule.confidence,
    rule.valid_from,
    rule.valid_to
from staging.contact_limits as rule
where
    rule.jurisdiction = %(policy_id)s
    and rule.valid_from <= %(as_of)s
    and (rule.valid_to is null or rule.valid_to > %(as_of)s)
order by rule.channel nulls last, rule.days, rule.counted, rule.per
