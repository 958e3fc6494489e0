select count(*)
from quarantine.vendor_result
where row_text <> '' and cast(quarantined_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s
