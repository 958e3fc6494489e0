-- A rejected row is kept as text; it speaks of a customer where it has the reference.
update quarantine.vendor_result as rejected
set row_text = ''
where
    rejected.row_text <> ''
    and exists (
        select from erasing_ref
        where position(erasing_ref.contact_ref in rejected.row_text) > 0
    )
