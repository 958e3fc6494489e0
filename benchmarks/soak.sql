-- name: overdue_on_a_list
-- Loan, customer and what is overdue, of customers whose list may still be worked in the afternoon. A list speaks of what is
-- owed in one currency: who pays in another is still to be reminded.
with overdue as (
    select
        loan_id,
        customer_id,
        currency,
        arrears_amount
    from marts.fct_loan_delinquency
    where arrears_amount > 0
),

payers as (
    select distinct
        item.customer_id,
        item.currency
    from ops.delivery_batch as batch
    inner join ops.delivery_item as item on batch.batch_id = item.batch_id
    inner join overdue on item.customer_id = overdue.customer_id and item.currency = overdue.currency
    where
        batch.kind = 'contact_list'
        and batch.channel in ('sms', 'phone')
        and batch.as_of = %(as_of)s
        and batch.state in ('uploaded', 'acknowledged')
        and not item.is_final
    order by item.customer_id, item.currency
    limit %(payers)s
)

select
    overdue.loan_id,
    overdue.customer_id,
    overdue.arrears_amount
from overdue
inner join payers on overdue.customer_id = payers.customer_id and overdue.currency = payers.currency

-- name: of_payers
-- Customers who paid after the lists of a day had left: of whom a vendor took a recall, and of whom none had to, because
-- their list asks for nothing that they paid. Who pays on a loan that was written off is still to be reminded of another.
with payers as (
    select *
    from unnest(%(days)s::date[], %(customers)s::text[], %(currencies)s::text[]) as payer (as_of, customer_id, currency)
),

judged as (
    select
        payers.as_of,
        exists (
            select 1
            from ops.delivery_batch as batch
            inner join ops.delivery_item as item on batch.batch_id = item.batch_id
            where
                batch.kind = 'recall'
                and batch.as_of = payers.as_of
                and batch.state in ('uploaded', 'acknowledged', 'closed')
                and item.customer_id = payers.customer_id
        ) as is_recalled,
        exists (
            select 1
            from marts.fct_contact_decision as decision
            where
                decision.as_of = payers.as_of
                and decision.customer_id = payers.customer_id
                and decision.currency = payers.currency
                and decision.batch_id is not null
                and decision.arrears_amount > 0
        ) as is_asked
    from payers
)

select
    as_of,
    count(*) as payers,
    count(*) filter (where is_recalled) as recalled,
    count(*) filter (where not is_recalled and not is_asked) as reminded
from judged
group by as_of
order by as_of

-- name: portfolio
select
    sum(loans)::integer as loans,
    (sum(loans) filter (where tier not in ('current', 'pre_due')))::integer as behind
from marts.delinquency_tier
where as_of = %(as_of)s

-- name: in_all
-- What the days must add up to, whatever day anything belongs to.
select
    (select count(*) from marts.fct_contact_decision where as_of <= %(last)s) as decisions,
    (select count(*) from landing.vendor_result) as results

-- name: misconduct
select
    case state
        when 'loaded' then 'files read'
        when 'refused' then 'files refused as a whole'
        else 'files sent a second time'
    end as what,
    count(*) as times
from ops.vendor_file
group by state
union all
select
    'rows set aside' as what,
    count(distinct (vendor, file_sha256, line_number)) as times
from quarantine.vendor_result
union all
select
    'lists never acknowledged' as what,
    count(*) as times
from ops.delivery_batch
where kind = 'contact_list' and state = 'uploaded'
union all
select
    'attempts outside their window or after a recall, told in so many alerts' as what,
    count(*) as times
from ops.delivery_event
where detail like 'compliance breach:%'
