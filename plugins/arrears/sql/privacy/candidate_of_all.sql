-- Everybody without a loan that is not closed: whom the policy may ask us to forget.
insert into pg_temp.candidate
select customer.customer_id
from staging.stg_core_banking__customers as customer
where
    not exists (
        select from staging.stg_core_banking__loans as loan
        where
            loan.customer_id = customer.customer_id
            and (loan.status <> 'closed' or loan.closed_on > %(as_of)s)
    )
    and not exists (select from ops.erasure where erasure.erasure_id = customer.customer_id)
