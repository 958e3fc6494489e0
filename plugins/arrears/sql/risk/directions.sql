-- How the outcome of a purpose moves as each feature grows. Who cures is who has no risk: there all is the other way round.
select
    feature,
    case
        when %(purpose)s = 'early_warning' or expected_direction = 'none' then expected_direction
        when expected_direction = 'up' then 'down'
        else 'up'
    end as direction
from staging.risk_features
where %(purpose)s = any(string_to_array(purposes, ' '))
order by position
