-- When each row of a list may be worked, as the decision said.
select
    contact_ref,
    window_start,
    window_end
from marts.fct_contact_decision
where batch_id = %(batch_id)s
