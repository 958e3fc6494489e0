-- Apart from what `int_customers__scope` works out of them: what asks only for these customers need not wait for that.
select distinct customer_id
from {{ ref('int_loans__delinquency') }}
where arrears_amount > 0 or tier = 'pre_due' or is_written_off
