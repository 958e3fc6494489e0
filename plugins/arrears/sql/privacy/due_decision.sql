select count(*)
from intermediate.int_customers__contact_decision
where as_of + %(days)s <= %(as_of)s
