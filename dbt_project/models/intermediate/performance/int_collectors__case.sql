with attempts as (
    select * from {{ ref('fct_contact_attempt') }}
),

payments as (
    select * from {{ ref('int_payments__attributed') }}
),

assignments as (
    select * from {{ ref('stg_core_banking__collector_assignments') }}
),

collectors as (
    select * from {{ ref('stg_core_banking__collectors') }}
),

loans as (
    select * from {{ ref('int_loans__terms') }}
),

history as (
    select * from {{ ref('fct_delinquency_history') }}
),

write_offs as (
    select
        loan_id,
        min(written_off_from) as written_off_from,
        max(written_off_to) as written_off_to
    from {{ ref('int_loans__write_offs') }}
    group by loan_id
),

horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

customer_currencies as (
    select distinct
        customer_id,
        currency
    from loans
),

talks as (
    {{ talks() }}
),

lasting as (
    select
        talks.*,
        months.month
    from talks
    cross join horizon
    cross join lateral {{ months_from(
        'talks.talked_on', 'least(talks.talked_on + ' ~ attribution_days() ~ ', horizon.known_until)', 'month'
    ) }} as months
    where months.month > talks.talked_on
),

-- Who spoke last with a customer before a month would be credited with what comes in it.
carried as (
    {{ first_of_each('lasting', 'customer_id, month', latest_talk_first()) }}
),

-- A case is a customer's debt in one currency in the hands of one collector in one month: by an attempt, by a talk of
-- the month before, or by an assignment; whether anything was paid makes no case. Money counts where it was credited,
-- so what was earned by a talk about another currency has its case, too.
touches as (
    select
        collector_id,
        customer_id,
        currency,
        attempted_month as month,
        cast(attempted_at at time zone {{ bank_time_zone() }} as date) as touched_on,
        channel,
        vendor,
        tier
    from attempts
    where collector_id is not null
    union all
    select
        collector_id,
        customer_id,
        currency,
        month,
        month as touched_on,
        channel,
        vendor,
        tier
    from carried
    union all
    select
        payments.collector_id,
        payments.customer_id,
        payments.currency,
        payments.paid_month as month,
        payments.paid_on as touched_on,
        payments.channel,
        payments.vendor,
        payments.tier
    from payments
    where payments.collector_id is not null
    union all
    select
        assignments.collector_id,
        assignments.customer_id,
        customer_currencies.currency,
        months.month,
        greatest(assignments.assigned_on, months.month) as touched_on,
        collectors.channel,
        collectors.vendor,
        null as tier
    from assignments
    left join collectors on assignments.collector_id = collectors.collector_id
    inner join customer_currencies on assignments.customer_id = customer_currencies.customer_id
    cross join horizon
    cross join lateral {{ months_from(
        'assignments.assigned_on',
        'least(coalesce(assignments.released_on - 1, horizon.known_until), horizon.known_until)',
        'month'
    ) }} as months
),

cases as (
    select
        collector_id,
        customer_id,
        currency,
        month,
        min(touched_on) as begun_on
    from touches
    group by collector_id, customer_id, currency, month
),

-- Whose team has the case, and in which tier: as the first contact in it said, or an assignment where there is none.
first_touches as (
    {{ first_of_each(
        'touches', 'collector_id, customer_id, currency, month',
        'case when tier is null then 1 else 0 end, touched_on asc, channel asc nulls last, vendor asc nulls last, tier asc'
    ) }}
),

-- How the case stood on the evening before it began, before anything that the collector did.
standing as (
    select
        cases.collector_id,
        cases.customer_id,
        cases.currency,
        cases.month,
        coalesce(max(cases.begun_on - history.oldest_unpaid_due_date), 0) as days_past_due,
        coalesce(sum(history.arrears_amount), 0) as arrears_amount,
        coalesce(bool_or(write_offs.loan_id is not null), false) as is_written_off,
        ({{ ordered_array(
            'loans.product', 'history.arrears_amount desc nulls last, loans.loan_id asc'
        ) }})[1] as product,
        min(loans.disbursed_on) as disbursed_on,
        max(cases.begun_on) as begun_on
    from cases
    inner join loans
        on
            cases.customer_id = loans.customer_id
            and cases.currency = loans.currency
    left join history
        on
            loans.loan_id = history.loan_id
            and history.valid_from <= cases.begun_on - 1
            and (history.valid_to is null or history.valid_to > cases.begun_on - 1)
    left join write_offs
        on
            loans.loan_id = write_offs.loan_id
            and write_offs.written_off_from <= cases.begun_on - 1
            and write_offs.written_off_to > cases.begun_on - 1
    group by cases.collector_id, cases.customer_id, cases.currency, cases.month
),

recovered as (
    select
        collector_id,
        customer_id,
        currency,
        paid_month as month,
        sum(amount) as amount
    from payments
    where collector_id is not null
    group by collector_id, customer_id, currency, paid_month
),

described as (
    select
        standing.collector_id,
        standing.customer_id,
        standing.currency,
        standing.month,
        standing.product,
        standing.arrears_amount,
        coalesce(first_touches.channel, 'unknown') as channel,
        coalesce(first_touches.vendor, 'unknown') as vendor,
        coalesce(first_touches.tier, 'unknown') as tier,
        coalesce(recovered.amount, 0) as amount_recovered,
        case
            when standing.is_written_off then 8
            else cast({{ arrears_band('greatest(standing.days_past_due, 0)') }} as integer)
        end as tier_band,
        cast(floor(log(greatest(standing.arrears_amount, 1))) as integer) as size_band,
        least(3, greatest(0, cast(floor((standing.begun_on - standing.disbursed_on) / 365.0) as integer))) as age_band,
        -- What begins late in the month has less time to recover anything in it.
        least(2, cast(floor((extract(day from standing.begun_on) - 1) / 10.0) as integer)) as start_band
    from standing
    inner join first_touches
        on
            standing.collector_id = first_touches.collector_id
            and standing.customer_id = first_touches.customer_id
            and standing.currency = first_touches.currency
            and standing.month = first_touches.month
    left join recovered
        on
            standing.collector_id = recovered.collector_id
            and standing.customer_id = recovered.customer_id
            and standing.currency = recovered.currency
            and standing.month = recovered.month
),

-- Cases are compared within the finest group that has enough of them; what is left over is compared in coarser ones, so
-- that every case is compared once and the expectations of a month add up to what was recovered in it.
finest as (
    select
        *,
        count(*) over (
            partition by month, currency, tier_band, size_band, start_band, product, age_band
        ) >= {{ minimum_cases() }} as is_enough
    from described
),

coarser as (
    select
        *,
        count(*) over (partition by month, currency, is_enough, tier_band, size_band, start_band)
        >= {{ minimum_cases() }} as is_enough_of_size
    from finest
),

coarsest as (
    select
        *,
        count(*) over (partition by month, currency, is_enough, is_enough_of_size, tier_band)
        >= {{ minimum_cases() }} as is_enough_of_tier
    from coarser
),

grouped as (
    select
        *,
        case
            when is_enough then concat_ws('/', tier_band, size_band, start_band, product, age_band)
            when is_enough_of_size then concat_ws('/', tier_band, size_band, start_band)
            when is_enough_of_tier then cast(tier_band as text)
            else 'all'
        end as comparison_group
    from coarsest
),

-- What is overdue can be recovered: within a group a case of twice the arrears is expected to bring twice as much.
-- Where nothing is overdue, and between tiers, cases count alike.
weighed as (
    select
        *,
        case
            when tier_band = 0 or comparison_group = 'all' then 1
            else greatest(arrears_amount, 1)
        end as weight
    from grouped
),

expected as (
    select
        *,
        weight * sum(amount_recovered) over (partition by month, currency, comparison_group)
        / sum(weight) over (partition by month, currency, comparison_group) as expected_recovery
    from weighed
),

deviating as (
    select
        *,
        cast(amount_recovered as double precision) * amount_recovered as squared_recovery,
        power(cast(amount_recovered - expected_recovery as double precision), 2) as squared_deviation
    from expected
),

-- What of each group's expectation is a unit's own, and what chance did to the others': a unit is a collector, or a
-- team's cases of a tier.
compared as (
    select
        *,
        {% for unit, columns in {'own': 'collector_id', 'team': 'channel, vendor, tier'}.items() -%}
        count(*) over (partition by month, currency, comparison_group, {{ columns }}) as {{ unit }}_cases,
        cast(sum(weight) over (partition by month, currency, comparison_group, {{ columns }}) as double precision)
        / sum(weight) over (partition by month, currency, comparison_group) as {{ unit }}_share,
        sum(squared_deviation) over (partition by month, currency, comparison_group)
        - sum(squared_deviation) over (partition by month, currency, comparison_group, {{ columns }})
            as deviation_besides_{{ unit }},
        {% endfor -%}
        count(*) over (partition by month, currency, comparison_group, channel, vendor) as cases_of_team,
        count(*) over (partition by month, currency, comparison_group) as group_cases,
        sum(squared_recovery) over (partition by month, currency, comparison_group)
        / nullif(sum(amount_recovered) over (partition by month, currency, comparison_group), 0) as typical_recovery
    from deviating
)

select
    collector_id,
    customer_id,
    currency,
    month,
    channel,
    vendor,
    tier,
    tier_band,
    size_band,
    product,
    age_band,
    start_band,
    comparison_group,
    amount_recovered,
    expected_recovery,
    own_share,
    team_share,
    own_cases < group_cases as has_peers,
    greatest(0, deviation_besides_own) * own_share * own_share / own_cases as variance_of_peers,
    -- Another tier of the same team is nobody to compare it with.
    cases_of_team < group_cases as team_has_peers,
    greatest(0, deviation_besides_team) * team_share * team_share / team_cases as variance_of_other_teams,
    coalesce(typical_recovery, 0) as typical_recovery
from compared
