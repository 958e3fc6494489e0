with history as (
    select * from {{ ref('fct_delinquency_history') }}
),

-- The day that is asked for, if any mart may speak of it.
asked as (
    select on_date as asked_on
    from {{ ref('int_builds__horizon') }}
    where on_date <= known_until
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

versions as (
    select * from {{ ref('int_schedule_versions__in_force') }}
),

write_offs as (
    select distinct loan_id
    from {{ ref('int_loans__write_offs') }}
    where written_off_from <= on_date and written_off_to > on_date
),

pauses as (
    select * from {{ ref('int_loans__pauses') }}
),

repayments as (
    select * from {{ ref('int_loan_transactions__standing') }}
    where
        kind = 'repayment'
        and stands_from <= on_date
        and (stands_to is null or stands_to > on_date)
),

data_holds as (
    select * from {{ ref('int_loans__data_hold') }}
),

tiers as (
    select * from {{ ref('int_policy__tiers') }}
    where valid_from <= on_date and valid_to > on_date
),

asset_classes as (
    select * from {{ ref('int_policy__asset_classes') }}
    where valid_from <= on_date and valid_to > on_date
),

positions as (
    select
        asked.asked_on as as_of,
        history.loan_id,
        history.schedule_version,
        history.oldest_unpaid_due_date,
        history.oldest_unpaid_contractual_date,
        history.arrears_amount,
        history.outstanding_principal,
        history.unpaid_instalments,
        history.paid_total,
        history.has_materiality_limits,
        history.material_since,
        terms.customer_id,
        terms.product,
        terms.currency,
        terms.jurisdiction,
        versions.restructured_on,
        versions.probation_until,
        versions.probation_began_on,
        coalesce(versions.restructurings, 0) as restructurings,
        versions.restructured_on is not null as is_forborne,
        case
            when history.newest_counted_due_on = asked.asked_on then asked.asked_on
            else history.next_due_on
        end as next_due_date,
        {{ days_past_due(
            'history.oldest_unpaid_due_date', 'history.oldest_unpaid_counted_from', 'asked.asked_on', 'terms.day_count'
        ) }} as days_past_due
    from history
    inner join asked
        on
            history.valid_from <= asked.asked_on
            and (history.valid_to is null or history.valid_to > asked.asked_on)
    inner join terms
        on history.loan_id = terms.loan_id
    inner join versions
        on
            history.loan_id = versions.loan_id
            and history.schedule_version = versions.schedule_version
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
                    'terms.day_count'
                ) }}
            end
        ) as days_past_due
    from positions
    inner join terms
        on positions.loan_id = terms.loan_id
    inner join history as earlier
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
            'terms.day_count'
        ) }} as days_past_due
    from positions
    inner join terms
        on positions.loan_id = terms.loan_id
    inner join history as earlier
        on
            positions.loan_id = earlier.loan_id
            and positions.restructured_on = earlier.valid_to
),

last_repayments as (
    select
        loan_id,
        effective_on,
        amount,
        row_number() over (
            partition by loan_id
            order by effective_on desc, recorded_at desc, transaction_id desc
        ) as recency
    from repayments
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

tiered as (
    select
        counted.loan_id,
        tiers.tier,
        tiers.rank,
        row_number() over (
            partition by counted.loan_id
            order by case when tiers.due_within_days is not null then 0 else 1 end, tiers.rank
        ) as choice
    from counted
    inner join tiers
        on
            counted.jurisdiction = tiers.jurisdiction
            and counted.product = tiers.product
            and counted.is_written_off = tiers.is_written_off
            and counted.days_past_due_counted >= tiers.dpd_from
            and (tiers.dpd_to is null or counted.days_past_due_counted <= tiers.dpd_to)
            and (
                tiers.due_within_days is null
                or counted.next_due_date - counted.as_of <= tiers.due_within_days
            )
)

select
    counted.as_of,
    counted.loan_id,
    counted.customer_id,
    counted.product,
    counted.currency,
    counted.jurisdiction,
    tiered.tier,
    tiered.rank as tier_rank,
    asset_classes.asset_class,
    counted.days_past_due,
    counted.days_past_due_counted,
    counted.days_past_due_regulatory,
    counted.oldest_unpaid_due_date,
    counted.oldest_unpaid_contractual_date,
    counted.next_due_date,
    counted.arrears_amount,
    counted.outstanding_principal,
    counted.unpaid_instalments,
    counted.paid_total,
    last_repayments.effective_on as last_payment_on,
    last_repayments.amount as last_payment_amount,
    counted.is_written_off,
    counted.schedule_version,
    counted.is_forborne,
    counted.restructured_on,
    counted.restructurings,
    before_restructuring.days_past_due as days_past_due_before_restructuring,
    counted.probation_until,
    counted.is_data_hold
from counted
left join tiered
    on
        counted.loan_id = tiered.loan_id
        and tiered.choice = 1
left join asset_classes
    on
        counted.jurisdiction = asset_classes.jurisdiction
        and counted.product = asset_classes.product
        and greatest(counted.days_past_due_regulatory, counted.probation_floor) >= asset_classes.dpd_from
        and (
            asset_classes.dpd_to is null
            or greatest(counted.days_past_due_regulatory, counted.probation_floor) <= asset_classes.dpd_to
        )
left join before_restructuring
    on counted.loan_id = before_restructuring.loan_id
left join last_repayments
    on
        counted.loan_id = last_repayments.loan_id
        and last_repayments.recency = 1
