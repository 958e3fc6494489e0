{% macro loan_delinquency(on_date) -%}
    {#-
        Every loan that is open or written off on a day, by what is known now, with the columns of fct_loan_delinquency: a
        query. No rows for days after the newest build. The one place where positions become days past due, tier and
        asset class.
    -#}
with remembered as (
    select * from {{ ref('int_loans__remembered') }}
),

-- The day that is asked for, if any mart may speak of it.
asked as (
    select {{ on_date }} as asked_on
    from {{ ref('int_builds__horizon') }}
    where {{ on_date }} <= known_until
),

schedules as (
    {{ loan_schedules('versions.in_force_from <= ' ~ on_date ~ ' and versions.in_force_to > ' ~ on_date) }}
),

write_offs as (
    select distinct loan_id
    from {{ ref('int_loans__write_offs') }}
    where written_off_from <= {{ on_date }} and written_off_to > {{ on_date }}
),

pauses as (
    select * from {{ ref('int_loans__pauses') }}
),

standing as (
    select * from {{ ref('int_loan_transactions__standing') }}
    where kind = 'repayment'
),

replayed_loans as (
    select distinct loan_id
    from {{ ref('int_loan_transactions__reversals') }}
    where kind = 'repayment'
),

data_holds as (
    select * from {{ ref('int_loans__data_hold') }}
),

tiers as (
    select * from {{ ref('int_policy__tiers') }}
    where valid_from <= {{ on_date }} and valid_to > {{ on_date }}
),

-- The ranges of tiers and classes cover all days without gap or overlap, so where a number of days lies is a position.
tier_scales as (
    select
        jurisdiction,
        product,
        is_written_off,
        {{ ordered_array('dpd_from', 'dpd_from') }} as days_from,
        {{ ordered_array('tier', 'dpd_from') }} as tiers,
        {{ ordered_array('rank', 'dpd_from') }} as ranks
    from tiers
    where due_within_days is null
    group by jurisdiction, product, is_written_off
),

class_scales as (
    select
        jurisdiction,
        product,
        {{ ordered_array('dpd_from', 'dpd_from') }} as days_from,
        {{ ordered_array('asset_class', 'dpd_from') }} as asset_classes
    from {{ ref('int_policy__asset_classes') }}
    where valid_from <= {{ on_date }} and valid_to > {{ on_date }}
    group by jurisdiction, product
),

paying as (
    select
        loan.*,
        asked.asked_on as as_of,
        {{ count_up_to('loan.repaid_on', 'asked.asked_on') }} as repayments,
        {{ money_on('loan', 'asked.asked_on') }}
    from schedules as loan
    cross join asked
    -- Keeps the planner from computing this step again for each use of it; so below.
    offset 0
),

settling as (
    select
        loan.*,
        {{ settled_by('loan') }}
    from paying as loan
    offset 0
),

owing as (
    select
        loan.*,
        {{ owed('loan') }}
    from settling as loan
),

placed as (
    select
        loan.*,
        {{ overdue('loan') }}
    from owing as loan
),

positions as (
    select
        placed.as_of,
        placed.loan_id,
        placed.schedule_version,
        placed.oldest_unpaid_due_date,
        placed.oldest_unpaid_contractual_date,
        placed.arrears_amount,
        placed.outstanding_principal,
        placed.unpaid_instalments,
        placed.paid_total,
        placed.has_materiality_limits,
        material.material_since,
        placed.customer_id,
        placed.product,
        placed.currency,
        placed.jurisdiction,
        placed.day_count,
        placed.restructured_on,
        placed.probation_until,
        placed.probation_began_on,
        placed.repaid_on[placed.repayments] as last_payment_on,
        placed.repaid_amounts[placed.repayments] as last_payment_amount,
        coalesce(placed.restructurings, 0) as restructurings,
        placed.restructured_on is not null as is_forborne,
        case
            when placed.newest_counted_due_on = placed.as_of then placed.as_of
            else placed.next_due_on
        end as next_due_date,
        {{ days_past_due(
            'placed.oldest_unpaid_due_date', 'placed.oldest_unpaid_counted_from', 'placed.as_of', 'placed.day_count'
        ) }} as days_past_due
    from placed
    left join remembered as material
        on
            placed.loan_id = material.loan_id
            and placed.as_of >= material.valid_from
            and (material.valid_to is null or placed.as_of < material.valid_to)
            and placed.has_materiality_limits
),

paused as (
    select
        positions.loan_id,
        sum(
            greatest(
                0,
                least(pauses.ends_on, positions.as_of) - greatest(pauses.starts_on, positions.oldest_unpaid_due_date)
            )
        ) as paused_days
    from positions
    inner join pauses
        on positions.loan_id = pauses.loan_id
    where positions.oldest_unpaid_due_date is not null
    group by positions.loan_id
),

-- The days at the end of each interval that ended since the probation began, the one before the restructuring
-- included: the asset class does not fall below the worst of them until the probation ends.
probation_floors as (
    select
        positions.loan_id,
        max(
            case
                when earlier.material_since is not null then earlier.valid_to - earlier.material_since
                when earlier.has_materiality_limits then 0
                else {{ days_past_due(
                    'earlier.oldest_unpaid_due_date',
                    'earlier.oldest_unpaid_counted_from',
                    '(earlier.valid_to - 1)',
                    'positions.day_count'
                ) }}
            end
        ) as days_past_due
    from positions
    inner join remembered as earlier
        on
            positions.loan_id = earlier.loan_id
            and positions.probation_began_on <= earlier.valid_to
            and positions.as_of >= earlier.valid_to
    where positions.probation_until > positions.as_of
    group by positions.loan_id
),

before_restructuring as (
    select
        positions.loan_id,
        {{ days_past_due(
            'earlier.oldest_unpaid_due_date',
            'earlier.oldest_unpaid_counted_from',
            'positions.restructured_on',
            'positions.day_count'
        ) }} as days_past_due
    from positions
    inner join remembered as earlier
        on
            positions.loan_id = earlier.loan_id
            and positions.restructured_on = earlier.valid_to
),

-- Where repayments were reversed: the latest of which a part still stands.
replayed as (
    select
        loan_id,
        effective_on,
        amount,
        row_number() over (
            partition by loan_id
            order by effective_on desc, recorded_at desc, transaction_id desc
        ) as recency
    from standing
    where
        stands_from <= {{ on_date }}
        and (stands_to is null or stands_to > {{ on_date }})
),

last_repayments as (
    select
        replayed_loans.loan_id,
        replayed.effective_on,
        replayed.amount
    from replayed_loans
    left join replayed
        on
            replayed_loans.loan_id = replayed.loan_id
            and replayed.recency = 1
),

counted as (
    select
        positions.*,
        write_offs.loan_id is not null as is_written_off,
        data_holds.loan_id is not null as is_data_hold,
        greatest(0, positions.days_past_due - coalesce(paused.paused_days, 0)) as days_past_due_counted,
        case
            when not positions.has_materiality_limits then positions.days_past_due
            when positions.material_since is null then 0
            else positions.as_of - positions.material_since + 1
        end as days_past_due_regulatory,
        coalesce(probation_floors.days_past_due, 0) as probation_floor
    from positions
    left join write_offs
        on positions.loan_id = write_offs.loan_id
    left join data_holds
        on positions.loan_id = data_holds.loan_id
    left join paused
        on positions.loan_id = paused.loan_id
    left join probation_floors
        on positions.loan_id = probation_floors.loan_id
),

-- Tiers for what falls due soon come before those of days past due.
due_soon as (
    select
        counted.loan_id,
        tiers.tier,
        tiers.rank,
        row_number() over (partition by counted.loan_id order by tiers.rank) as choice
    from counted
    inner join tiers
        on
            counted.jurisdiction = tiers.jurisdiction
            and counted.product = tiers.product
            and counted.is_written_off = tiers.is_written_off
            and counted.days_past_due_counted >= tiers.dpd_from
            and (tiers.dpd_to is null or counted.days_past_due_counted <= tiers.dpd_to)
            and counted.next_due_date - counted.as_of <= tiers.due_within_days
)

select
    counted.as_of,
    counted.loan_id,
    counted.customer_id,
    counted.product,
    counted.currency,
    counted.jurisdiction,
    coalesce(
        due_soon.tier, tier_scales.tiers[{{ count_up_to('tier_scales.days_from', 'counted.days_past_due_counted') }}]
    ) as tier,
    coalesce(
        due_soon.rank, tier_scales.ranks[{{ count_up_to('tier_scales.days_from', 'counted.days_past_due_counted') }}]
    ) as tier_rank,
    class_scales.asset_classes[{{ count_up_to(
        'class_scales.days_from', 'greatest(counted.days_past_due_regulatory, counted.probation_floor)'
    ) }}] as asset_class,
    cast(counted.days_past_due as integer) as days_past_due,
    cast(counted.days_past_due_counted as integer) as days_past_due_counted,
    cast(counted.days_past_due_regulatory as integer) as days_past_due_regulatory,
    counted.oldest_unpaid_due_date,
    counted.oldest_unpaid_contractual_date,
    counted.next_due_date,
    cast(counted.arrears_amount as numeric(18, 2)) as arrears_amount,
    cast(counted.outstanding_principal as numeric(18, 2)) as outstanding_principal,
    cast(counted.unpaid_instalments as integer) as unpaid_instalments,
    cast(counted.paid_total as numeric(18, 2)) as paid_total,
    case
        when last_repayments.loan_id is not null then last_repayments.effective_on
        else counted.last_payment_on
    end as last_payment_on,
    cast(
        case
            when last_repayments.loan_id is not null then last_repayments.amount
            else counted.last_payment_amount
        end as numeric(18, 2)
    ) as last_payment_amount,
    counted.is_written_off,
    counted.schedule_version,
    counted.is_forborne,
    counted.restructured_on,
    cast(counted.restructurings as integer) as restructurings,
    cast(before_restructuring.days_past_due as integer) as days_past_due_before_restructuring,
    counted.probation_until,
    counted.is_data_hold
from counted
left join due_soon
    on
        counted.loan_id = due_soon.loan_id
        and due_soon.choice = 1
left join tier_scales
    on
        counted.jurisdiction = tier_scales.jurisdiction
        and counted.product = tier_scales.product
        and counted.is_written_off = tier_scales.is_written_off
left join class_scales
    on
        counted.jurisdiction = class_scales.jurisdiction
        and counted.product = class_scales.product
left join before_restructuring
    on counted.loan_id = before_restructuring.loan_id
left join last_repayments
    on counted.loan_id = last_repayments.loan_id
{%- endmacro %}
