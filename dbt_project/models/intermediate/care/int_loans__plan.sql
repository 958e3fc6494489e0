with arrangements as (
    select * from {{ ref('stg_core_banking__hardship_arrangements') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

instalments as (
    select * from {{ ref('int_instalments__cumulative') }}
),

-- An accepted plan protects from its acceptance, even where it begins later. One that ended early protected until then.
in_force as (
    select
        arrangements.*,
        least(arrangements.starts_on, arrangements.accepted_on) as protects_from,
        least(arrangements.ends_on, arrangements.ended_on) as protects_to
    from arrangements
    where
        (arrangements.status = 'accepted' or arrangements.ended_on is not null)
        and arrangements.status in ('accepted', 'completed', 'broken')
        and least(arrangements.starts_on, arrangements.accepted_on) <= {{ as_of_date() }}
        and least(arrangements.ends_on, arrangements.ended_on) > {{ as_of_date() }}
),

-- A reduced payment is owed on each due date within the plan that lies three days back.
reduced as (
    select
        in_force.arrangement_id,
        count(distinct instalments.due_on) * max(in_force.reduced_amount) as owed
    from in_force
    inner join loans on in_force.loan_id = loans.loan_id
    inner join instalments
        on
            loans.loan_id = instalments.loan_id
            and loans.schedule_version = instalments.schedule_version
            and in_force.starts_on <= instalments.due_on
            and in_force.protects_to > instalments.due_on
            and instalments.due_on <= {{ as_of_date() }} - 3
    where in_force.kind = 'reduced_payment'
    group by in_force.arrangement_id
),

payments as (
    {{ payment_effects('select in_force.loan_id from in_force') }}
),

paid as (
    select
        in_force.arrangement_id,
        sum(payments.amount) as amount
    from in_force
    inner join payments
        on
            in_force.loan_id = payments.loan_id
            and in_force.starts_on <= payments.paid_on
            and payments.counts_from <= {{ as_of_date() }}
    where in_force.kind = 'reduced_payment'
    group by in_force.arrangement_id
)

select
    in_force.arrangement_id,
    in_force.loan_id,
    loans.customer_id,
    in_force.kind,
    in_force.protects_from,
    in_force.protects_to,
    case in_force.kind
        when 'payment_pause' then true
        when 'reduced_payment' then coalesce(paid.amount, 0) >= coalesce(reduced.owed, 0)
        -- Of a schedule that is not yet in force nothing is due; what the earlier one left unpaid breaks no plan.
        when 'term_extension'
            then
                in_force.schedule_version > loans.schedule_version
                or (in_force.schedule_version is null and in_force.starts_on > {{ as_of_date() }})
                or loans.oldest_unpaid_due_date is null
                or loans.oldest_unpaid_due_date > {{ as_of_date() }} - 3
        else false
    end is true as is_kept
from in_force
inner join loans on in_force.loan_id = loans.loan_id
left join reduced on in_force.arrangement_id = reduced.arrangement_id
left join paid on in_force.arrangement_id = paid.arrangement_id
