-- Every legal duty to keep a candidate's data on a day. `until_on` null: until the duty ends.
-- Candidates are in pg_temp.candidate, the policy in pg_temp.retention_rule.
with loans as (
    select
        candidate.customer_id,
        loan.loan_id,
        loan.status,
        loan.closed_on
    from pg_temp.candidate
    inner join staging.stg_core_banking__loans as loan on candidate.customer_id = loan.customer_id
    union all
    select
        candidate.customer_id,
        loan.loan_id,
        loan.status,
        loan.closed_on
    from pg_temp.candidate
    inner join staging.stg_core_banking__loan_parties as party on candidate.customer_id = party.customer_id
    inner join staging.stg_core_banking__loans as loan on party.loan_id = loan.loan_id
),

flags as (
    select
        candidate.customer_id,
        flag.flag,
        flag.valid_to
    from pg_temp.candidate
    inner join staging.stg_core_banking__customer_flags as flag on candidate.customer_id = flag.customer_id
    where
        flag.flag in ('legal_proceedings', 'bankruptcy', 'disputed')
        and flag.valid_from <= %(as_of)s
        and (flag.valid_to is null or flag.valid_to > %(as_of)s)
),

items as (
    select
        candidate.customer_id,
        batch.channel,
        batch.state,
        batch.as_of,
        batch.valid_until,
        item.is_final
    from pg_temp.candidate
    inner join ops.delivery_item as item on candidate.customer_id in (item.customer_id, item.contact_customer_id)
    inner join ops.delivery_batch as batch on item.batch_id = batch.batch_id and batch.kind = 'contact_list'
),

activity as (
    select
        customer_id,
        closed_on as on_day
    from loans
    union all
    select
        loans.customer_id,
        movement.effective_on as on_day
    from loans
    inner join staging.stg_core_banking__loan_transactions as movement on loans.loan_id = movement.loan_id
    union all
    select
        candidate.customer_id,
        cast(interaction.occurred_at at time zone %(zone)s as date) as on_day
    from pg_temp.candidate
    inner join staging.stg_core_banking__customer_interactions as interaction
        on candidate.customer_id = interaction.customer_id
    union all
    select
        customer_id,
        as_of as on_day
    from items
    union all
    select
        candidate.customer_id,
        cast(customer.updated_at at time zone %(zone)s as date) as on_day
    from pg_temp.candidate
    inner join staging.stg_core_banking__customers as customer on candidate.customer_id = customer.customer_id
    where not exists (select from loans where loans.customer_id = candidate.customer_id)
),

last_activity as (
    select
        customer_id,
        max(on_day) as on_day
    from activity
    group by customer_id
),

rules as (
    select distinct on (candidate.customer_id)
        candidate.customer_id,
        rule.kept_at_least_days,
        rule.erased_after_days,
        rule.source
    from pg_temp.candidate
    left join staging.stg_core_banking__customers as customer on candidate.customer_id = customer.customer_id
    inner join pg_temp.retention_rule as rule
        on rule.data_class = 'customer' and rule.jurisdiction in (customer.jurisdiction, 'DEFAULT')
    order by candidate.customer_id, rule.jurisdiction = 'DEFAULT'
)

select
    customer_id,
    'OPEN_LOAN' as duty,
    null::date as until_on,
    count(*) || ' loan(s) not closed' as what
from loans
where status <> 'closed' or closed_on > %(as_of)s
group by customer_id
union all
select
    loans.customer_id,
    'ARREARS' as duty,
    null as until_on,
    'money is owed' as what
from loans
inner join intermediate.int_loans__delinquency as position on loans.loan_id = position.loan_id
where position.arrears_amount > 0
group by loans.customer_id
union all
select
    customer_id,
    case flag when 'disputed' then 'DISPUTED' else 'LEGAL_PROCEEDINGS' end as duty,
    max(valid_to) as until_on,
    'flag ' || flag as what
from flags
group by customer_id, flag
union all
select
    candidate.customer_id,
    'COMPLAINT_OPEN' as duty,
    null as until_on,
    'a complaint is not closed' as what
from pg_temp.candidate
inner join staging.stg_core_banking__complaints as complaint on candidate.customer_id = complaint.customer_id
where complaint.closed_at is null
group by candidate.customer_id
union all
select
    customer_id,
    'LEGAL_REFERRAL' as duty,
    null as until_on,
    'a lawyer works the case' as what
from items
where channel = 'legal' and state in ('uploaded', 'acknowledged') and not is_final
group by customer_id
union all
select
    customer_id,
    'ON_A_LIST' as duty,
    cast(max(valid_until) at time zone %(zone)s as date) + 1 as until_on,
    'a vendor has the customer on a list that is not over' as what
from items
where state in ('planned', 'written', 'uploaded', 'acknowledged') and valid_until >= %(midnight)s
group by customer_id
union all
select
    rules.customer_id,
    'RETENTION' as duty,
    last_activity.on_day + case when %(is_request)s then rules.kept_at_least_days else rules.erased_after_days end as until_on,
    rules.source as what
from rules
left join last_activity on rules.customer_id = last_activity.customer_id
where
    last_activity.on_day is null
    or last_activity.on_day + case when %(is_request)s then rules.kept_at_least_days else rules.erased_after_days end
    > %(as_of)s
order by customer_id, duty, what
