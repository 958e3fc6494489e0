select distinct tier
from intermediate.int_policy__tiers
where dpd_from > 0 and not is_written_off
order by tier
