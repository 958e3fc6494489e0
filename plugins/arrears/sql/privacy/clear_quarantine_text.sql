update quarantine.vendor_result
set row_text = ''
where row_text <> '' and cast(quarantined_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s
