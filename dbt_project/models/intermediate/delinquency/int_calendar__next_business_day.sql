with calendar as (
    select * from {{ source('ops', 'calendar_day') }}
)

select
    jurisdiction,
    day,
    min(case when is_business_day then day end) over (
        partition by jurisdiction
        order by day desc
        rows between unbounded preceding and current row
    ) as next_business_day
from calendar
