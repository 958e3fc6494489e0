with versions as (
    select * from {{ ref('int_schedule_versions__in_force') }}
),

instalments as (
    select * from {{ ref('int_instalments__cumulative') }}
),

effects as (
    select * from {{ ref('int_loan_transactions__effects') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

parameters as (
    select * from {{ ref('int_policy__delinquency_parameters') }}
),

horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

-- Everything that moves a position, by the day on which it does. What moved before the version came into force is
-- there on its first day.
movements as (
    select
        versions.loan_id,
        versions.schedule_version,
        versions.in_force_from as moved_on,
        0 as paid,
        0 as due,
        0 as instalments,
        cast(null as date) as counted_due_on,
        cast(null as date) as next_due_on
    from versions
    union all
    select
        versions.loan_id,
        versions.schedule_version,
        greatest(versions.in_force_from, effects.counts_from) as moved_on,
        effects.amount as paid,
        0 as due,
        0 as instalments,
        null as counted_due_on,
        null as next_due_on
    from effects
    inner join versions
        on
            effects.loan_id = versions.loan_id
            and effects.counts_from < versions.in_force_to
            and (versions.payments_from is null or effects.original_effective_on >= versions.payments_from)
    where effects.kind in ('repayment', 'waiver', 'recovery')
    union all
    select
        versions.loan_id,
        versions.schedule_version,
        greatest(versions.in_force_from, instalments.counted_from) as moved_on,
        0 as paid,
        instalments.amount_due as due,
        1 as instalments,
        instalments.due_on as counted_due_on,
        coalesce(instalments.next_due_on, {{ far_future() }}) as next_due_on
    from instalments
    inner join versions
        on
            instalments.loan_id = versions.loan_id
            and instalments.schedule_version = versions.schedule_version
            and instalments.counted_from < versions.in_force_to
    union all
    select
        versions.loan_id,
        versions.schedule_version,
        versions.in_force_from as moved_on,
        0 as paid,
        0 as due,
        0 as instalments,
        null as counted_due_on,
        instalments.due_on as next_due_on
    from instalments
    inner join versions
        on
            instalments.loan_id = versions.loan_id
            and instalments.schedule_version = versions.schedule_version
    where instalments.position = 1
    union all
    -- A new rule moves the position of every loan under it.
    select
        versions.loan_id,
        versions.schedule_version,
        parameters.valid_from as moved_on,
        0 as paid,
        0 as due,
        0 as instalments,
        null as counted_due_on,
        null as next_due_on
    from parameters
    inner join terms
        on
            parameters.jurisdiction = terms.jurisdiction
            and parameters.product = terms.product
            and parameters.currency = terms.currency
    inner join versions
        on
            terms.loan_id = versions.loan_id
            and parameters.valid_from > versions.in_force_from
            and parameters.valid_from < versions.in_force_to
),

totals as (
    select
        movements.loan_id,
        movements.schedule_version,
        movements.moved_on,
        greatest(0, sum(sum(movements.paid)) over so_far) as paid_total,
        sum(sum(movements.due)) over so_far as due_total,
        sum(sum(movements.instalments)) over so_far as counted_instalments,
        max(max(movements.counted_due_on)) over so_far as counted_due_on,
        nullif(max(max(movements.next_due_on)) over so_far, {{ far_future() }}) as uncounted_due_on
    from movements
    inner join horizon
        on movements.moved_on <= horizon.known_until
    group by movements.loan_id, movements.schedule_version, movements.moved_on
    window so_far as (
        partition by movements.loan_id, movements.schedule_version
        order by movements.moved_on
    )
),

ruled as (
    select
        totals.loan_id,
        totals.schedule_version,
        totals.moved_on,
        totals.paid_total,
        totals.due_total,
        totals.counted_instalments,
        totals.counted_due_on,
        totals.uncounted_due_on,
        parameters.tolerance,
        parameters.materiality_absolute,
        parameters.materiality_share
    from totals
    inner join terms
        on totals.loan_id = terms.loan_id
    inner join parameters
        on
            terms.jurisdiction = parameters.jurisdiction
            and terms.product = parameters.product
            and terms.currency = parameters.currency
            and totals.moved_on >= parameters.valid_from
            and totals.moved_on < parameters.valid_to
),

-- Which instalment a sum of money reaches is found by laying sums and instalments on one scale, the cumulative amount
-- due, and walking it downwards: the last instalment met before a sum is the first that the sum does not pay in full.
-- One sort per loan, where a join of sums to instalments would cost their product.
marks as (
    select
        loan_id,
        schedule_version,
        paid_total as reach,
        'reached' as mark,
        moved_on,
        due_total,
        counted_instalments,
        counted_due_on,
        uncounted_due_on,
        tolerance,
        materiality_absolute,
        materiality_share,
        cast(null as bigint) as position,
        cast(null as date) as due_on,
        cast(null as date) as due_date,
        cast(null as date) as counted_from,
        cast(null as numeric) as principal_left_before,
        cast(null as numeric) as principal_settled_from
    from ruled
    union all
    select
        loan_id,
        schedule_version,
        paid_total + tolerance as reach,
        'tolerated' as mark,
        moved_on,
        null as due_total,
        null as counted_instalments,
        null as counted_due_on,
        null as uncounted_due_on,
        null as tolerance,
        null as materiality_absolute,
        null as materiality_share,
        null as position,
        null as due_on,
        null as due_date,
        null as counted_from,
        null as principal_left_before,
        null as principal_settled_from
    from ruled
    where tolerance > 0
    union all
    select
        loan_id,
        schedule_version,
        cumulative_due as reach,
        'instalment' as mark,
        null as moved_on,
        null as due_total,
        null as counted_instalments,
        null as counted_due_on,
        null as uncounted_due_on,
        null as tolerance,
        null as materiality_absolute,
        null as materiality_share,
        position,
        due_on,
        due_date,
        counted_from,
        principal_left_before,
        cumulative_due - principal_due as principal_settled_from
    from instalments
),

walked as (
    select
        loan_id,
        schedule_version,
        mark,
        moved_on,
        reach,
        due_total,
        counted_instalments,
        counted_due_on,
        uncounted_due_on,
        tolerance,
        materiality_absolute,
        materiality_share,
        min(position) over downwards as unpaid_position,
        min(due_on) over downwards as unpaid_due_on,
        min(due_date) over downwards as unpaid_due_date,
        min(counted_from) over downwards as unpaid_counted_from,
        max(principal_left_before) over downwards as principal_left_before,
        min(principal_settled_from) over downwards as principal_settled_from
    from marks
    window downwards as (
        partition by loan_id, schedule_version
        -- A sum that pays an instalment to the cent comes before it: what it does not pay is the one met earlier.
        order by reach desc, case when mark = 'instalment' then 1 else 0 end
        rows between unbounded preceding and current row
    )
),

reached as (
    select * from walked
    where mark = 'reached'
),

tolerated as (
    select * from walked
    where mark = 'tolerated'
),

settled as (
    select
        reached.loan_id,
        reached.schedule_version,
        reached.moved_on,
        reached.reach as paid_total,
        reached.counted_due_on,
        reached.materiality_absolute,
        reached.materiality_share,
        greatest(0, reached.due_total - reached.reach) as arrears_amount,
        case
            when reached.unpaid_counted_from <= reached.moved_on
                then reached.counted_instalments - reached.unpaid_position + 1
            else 0
        end as unpaid_instalments,
        coalesce(
            reached.principal_left_before - greatest(0, reached.reach - reached.principal_settled_from), 0
        ) as outstanding_principal,
        case
            when reached.unpaid_counted_from <= reached.moved_on then reached.uncounted_due_on
            else reached.unpaid_due_on
        end as next_due_on,
        case when reached.tolerance > 0 then tolerated.unpaid_due_on else reached.unpaid_due_on end as oldest_due_on,
        case
            when reached.tolerance > 0 then tolerated.unpaid_due_date else reached.unpaid_due_date
        end as oldest_due_date,
        case
            when reached.tolerance > 0 then tolerated.unpaid_counted_from else reached.unpaid_counted_from
        end as oldest_counted_from
    from reached
    left join tolerated
        on
            reached.loan_id = tolerated.loan_id
            and reached.schedule_version = tolerated.schedule_version
            and reached.moved_on = tolerated.moved_on
)

select
    loan_id,
    schedule_version,
    moved_on,
    paid_total,
    arrears_amount,
    outstanding_principal,
    unpaid_instalments,
    next_due_on,
    case when unpaid_instalments > 0 then counted_due_on end as newest_counted_due_on,
    case when oldest_counted_from <= moved_on then oldest_due_on end as oldest_unpaid_due_date,
    case when oldest_counted_from <= moved_on then oldest_due_date end as oldest_unpaid_contractual_date,
    case when oldest_counted_from <= moved_on then oldest_counted_from end as oldest_unpaid_counted_from,
    materiality_absolute is not null or materiality_share is not null as has_materiality_limits,
    arrears_amount > coalesce(materiality_absolute, 0)
    and arrears_amount > coalesce(materiality_share, 0) * outstanding_principal as is_material
from settled
