with parameters as (
    select * from {{ ref('int_policy__delinquency_parameters') }}
)

select
    jurisdiction,
    product,
    currency,
    {{ ordered_array('valid_from', 'valid_from') }} as rules_from,
    {{ ordered_array('tolerance', 'valid_from') }} as tolerances,
    {{ ordered_array('materiality_absolute', 'valid_from') }} as limits_absolute,
    {{ ordered_array('materiality_share', 'valid_from') }} as limits_share,
    {{ ordered_array("case when first_counted_day = 'due_date' then 0 else 1 end", 'valid_from') }} as days_to_count,
    {{ ordered_array("due_date_shift = 'next_business_day'", 'valid_from') }} as shifts,
    {{ ordered_array('probation_months', 'valid_from') }} as probation_months,
    max(case when due_date_shift = 'next_business_day' then 1 else 0 end) = 1
    or count(distinct first_counted_day) > 1 as has_moving_dates,
    max(case when materiality_absolute is not null or materiality_share is not null then 1 else 0 end) = 1
        as has_limits
from parameters
group by jurisdiction, product, currency
