-- Apart from what `int_customers__scope` works out of them: what asks only for these customers need not wait for that.
select distinct loans.customer_id
from {{ ref('int_loans__delinquency') }} as loans
left join {{ ref('int_loans__warned') }} as warned on loans.loan_id = warned.loan_id
where {{ is_in_scope('loans', 'warned') }}
