{% macro risk_features(asked) -%}
    {#-
        What is known of each loan on a day, as numbers that models of risk may use: a query. `asked` is a query of loan_id
        and as_of_date; all open loans of a customer that it names must be in it, and none that is written off. The seed
        risk_features says what each feature means and which purposes may use it. Training and scoring read this one query,
        so they cannot differ.

        Only what was known on the day is seen: money by the day on which its record was written, results by the first build
        after they were read, versions of a customer by the day on which the bank changed him. What cannot be known: what the
        source overwrote before it first landed (income, rate, score), when a version of a schedule was written, and since
        when a loan that is closed now was known to be. A null is a value that nobody knows, never a zero.
    -#}
{%- set last_credited = 'standing.credited_on[' ~ count_up_to('standing.credited_on', 'standing.as_of_date') ~ ']' -%}
with asked as {{ inline() }} (
    {{ asked }}
),

attributes as {{ inline() }} (
    select * from {{ ref('int_customers__risk_attribute') }}
),

contact_days as (
    select * from {{ ref('int_customers__contact_day') }}
),

loans as (
    select
        loan_id,
        annual_rate
    from {{ ref('stg_core_banking__loans') }}
),

standing as (
    select
        asked.loan_id,
        asked.as_of_date,
        asked.as_of_date as last_day,
        {{ add_months('asked.as_of_date', -3) }} as three_months_ago,
        {{ add_months('asked.as_of_date', -6) }} as six_months_ago,
        {{ add_months('asked.as_of_date', -12) }} as year_ago,
        terms.customer_id,
        terms.product,
        terms.day_count,
        terms.disbursed_on,
        versions.restructurings,
        due.due_on,
        due.counted_from,
        due.cumulative_due,
        due.cumulative_principal,
        settled.settled_on,
        settled.late_places,
        settled.credited_on,
        settled.part_paid_on,
        settled.returned_on,
        {{ count_up_to('due.counted_from', 'asked.as_of_date') }} as counted,
        {{ count_up_to('settled.settled_on', 'asked.as_of_date') }} as settled,
        {{ array_size('due.due_on') }} as instalments
    from asked
    inner join {{ ref('int_loans__terms') }} as terms
        on asked.loan_id = terms.loan_id
    inner join {{ ref('int_schedule_versions__in_force') }} as versions
        on
            asked.loan_id = versions.loan_id
            and asked.as_of_date >= versions.in_force_from
            and asked.as_of_date < versions.in_force_to
    left join {{ ref('int_schedule_versions__settled') }} as settled
        on
            versions.loan_id = settled.loan_id
            and versions.schedule_version = settled.schedule_version
            and asked.as_of_date >= settled.known_from
            and asked.as_of_date < settled.known_to
    left join {{ ref('int_schedule_versions__due') }} as due
        on
            versions.loan_id = due.loan_id
            and versions.schedule_version = due.schedule_version
    -- Keeps the planner from computing this step again for each use of it; so below.
    offset 0
),

-- Of a version that was replaced within the year its own instalments count, as they stood on its last day.
replaced as (
    select
        asked.loan_id,
        asked.as_of_date,
        versions.in_force_to - 1 as last_day,
        {{ add_months('asked.as_of_date', -3) }} as three_months_ago,
        {{ add_months('asked.as_of_date', -6) }} as six_months_ago,
        {{ add_months('asked.as_of_date', -12) }} as year_ago,
        due.due_on,
        due.counted_from,
        settled.settled_on,
        settled.late_places,
        {{ count_up_to('due.counted_from', 'versions.in_force_to - 1') }} as counted
    from asked
    inner join {{ ref('int_schedule_versions__in_force') }} as versions
        on
            asked.loan_id = versions.loan_id
            and asked.as_of_date >= versions.in_force_to
            and {{ add_months('asked.as_of_date', -12) }} < versions.in_force_to
    inner join {{ ref('int_schedule_versions__due') }} as due
        on
            versions.loan_id = due.loan_id
            and versions.schedule_version = due.schedule_version
    inner join {{ ref('int_schedule_versions__settled') }} as settled
        on
            versions.loan_id = settled.loan_id
            and versions.schedule_version = settled.schedule_version
            and asked.as_of_date >= settled.known_from
            and asked.as_of_date < settled.known_to
),

earlier as (
    select
        replaced.loan_id,
        replaced.as_of_date,
        {% for name, how in _sums_of_instalments() -%}
        {{ how }}(punctuality.{{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from replaced
    cross join lateral {{ _punctuality('replaced') }} as punctuality -- noqa: ST05
    group by replaced.loan_id, replaced.as_of_date
),

placed as (
    select
        standing.loan_id,
        standing.as_of_date,
        standing.customer_id,
        standing.product,
        standing.disbursed_on,
        standing.restructurings,
        standing.counted,
        standing.settled,
        standing.instalments,
        standing.settled_on[standing.settled] - standing.due_on[standing.settled] as last_days_late,
        greatest(0, standing.counted - {{ count_up_to('standing.due_on', last_credited) }}) as instalments_since_payment,
        extract(day from standing.due_on[least(standing.counted + 1, standing.instalments)]) as due_day,
        {{ days_within('standing.part_paid_on', 'standing.six_months_ago', 'standing.as_of_date') }} as part_payments_6m,
        {{ days_within('standing.returned_on', 'standing.year_ago', 'standing.as_of_date') }} as returned_payments_12m,
        standing.cumulative_principal[standing.settled]
        / nullif(standing.cumulative_principal[standing.instalments], 0) as share_of_principal_paid,
        standing.cumulative_due[least(standing.counted + 1, standing.instalments)]
        - coalesce(standing.cumulative_due[least(standing.counted + 1, standing.instalments) - 1], 0) as instalment,
        case
            when standing.settled >= standing.counted then 0
            else {{ days_past_due(
                'standing.due_on[standing.settled + 1]',
                'standing.counted_from[standing.settled + 1]',
                'standing.as_of_date',
                'standing.day_count'
            ) }}
        end as days_past_due,
        {% for name, how in _sums_of_instalments() -%}
        punctuality.{{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from standing
    cross join lateral {{ _punctuality('standing') }} as punctuality -- noqa: ST05
    offset 0
),

summed as (
    select
        placed.loan_id,
        placed.as_of_date,
        placed.customer_id,
        placed.product,
        placed.disbursed_on,
        placed.restructurings,
        placed.counted,
        placed.settled,
        placed.instalments,
        placed.last_days_late,
        placed.instalments_since_payment,
        placed.due_day,
        placed.part_payments_6m,
        placed.returned_payments_12m,
        placed.share_of_principal_paid,
        placed.instalment,
        placed.days_past_due,
        {% for name, how in _sums_of_instalments() -%}
        {% if how == 'sum' -%}
        placed.{{ name }} + coalesce(earlier.{{ name }}, 0) as {{ name }}{{ ',' if not loop.last }}
        {% else -%}
        greatest(placed.{{ name }}, earlier.{{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {% endif -%}
        {% endfor %}
    from placed
    left join earlier
        on
            placed.loan_id = earlier.loan_id
            and placed.as_of_date = earlier.as_of_date
),

measured as (
    select
        summed.*,
        loans.annual_rate,
        now_known.monthly_income,
        earlier_known.monthly_income as earlier_income,
        case when now_known.credit_score_on <= summed.as_of_date then now_known.credit_score end as bureau_score,
        case
            when now_known.credit_score_on <= summed.as_of_date and now_known.credit_score is not null
                then summed.as_of_date - now_known.credit_score_on
        end as bureau_score_age_days,
        {{ days_within('contact_days.attempted_on', add_months('summed.as_of_date', -3), 'summed.as_of_date') }}
            as attempts_3m,
        {{ days_within('contact_days.talked_on', add_months('summed.as_of_date', -3), 'summed.as_of_date') }}
            as conversations_3m,
        {{ days_within('contact_days.unreachable_on', add_months('summed.as_of_date', -12), 'summed.as_of_date') }}
            as unreachable_12m,
        {{ days_within(
            'contact_days.promise_broken_on', add_months('summed.as_of_date', -12), 'summed.as_of_date'
        ) }} as broken_promises_12m,
        count(*) over others as other_loans,
        max(summed.days_past_due) over others as other_days_past_due
    from summed
    inner join loans
        on summed.loan_id = loans.loan_id
    left join attributes as now_known
        on
            summed.customer_id = now_known.customer_id
            and summed.as_of_date >= now_known.valid_from
            and summed.as_of_date < now_known.valid_to
    left join attributes as earlier_known
        on
            summed.customer_id = earlier_known.customer_id
            and {{ add_months('summed.as_of_date', -6) }} >= earlier_known.valid_from
            and {{ add_months('summed.as_of_date', -6) }} < earlier_known.valid_to
    left join contact_days
        on summed.customer_id = contact_days.customer_id
    window others as (
        partition by summed.customer_id, summed.as_of_date
        order by summed.loan_id
        rows between unbounded preceding and unbounded following exclude current row
    )
)

select
    loan_id,
    customer_id,
    as_of_date,
    case
        when days_past_due = 0 then 'early_warning'
        when days_past_due <= 30 then 'self_cure'
    end as population,
    cast(late_6m as double precision) / nullif(due_6m, 0) as late_share_6m,
    cast(late_12m as double precision) / nullif(due_12m, 0) as late_share_12m,
    cast(days_late_12m as double precision) / nullif(due_12m, 0) as mean_days_late_12m,
    cast(worst_days_late_12m as double precision) as worst_days_late_12m,
    cast(days_late_3m as double precision) / nullif(due_3m, 0)
    - cast(days_late_12m as double precision) / nullif(due_12m, 0) as days_late_trend,
    cast(last_days_late as double precision) as last_days_late,
    cast(instalments_since_payment as double precision) as instalments_since_payment,
    cast(part_payments_6m as double precision) as part_payments_6m,
    cast(returned_payments_12m as double precision) as returned_payments_12m,
    cast(greatest(0, settled - counted) as double precision) as instalments_ahead,
    cast(greatest(0, worst_days_past_due_3m) as double precision) as worst_days_past_due_3m,
    cast(greatest(0, worst_days_past_due_6m) as double precision) as worst_days_past_due_6m,
    cast(greatest(0, worst_days_past_due_12m) as double precision) as worst_days_past_due_12m,
    cast(as_of_date - last_overdue_on as double precision) as days_since_arrears,
    cast(cured_12m as double precision) as times_cured_12m,
    cast(coalesce(restructurings, 0) as double precision) as restructurings,
    cast(days_past_due as double precision) as days_past_due,
    cast(greatest(0, counted - settled) as double precision) as unpaid_instalments,
    cast({{ months_between('disbursed_on', 'as_of_date') }} as double precision) as months_on_book,
    cast(counted as double precision) / nullif(instalments, 0) as share_of_term,
    cast(case when settled = 0 and instalments > 0 then 0 else share_of_principal_paid end as double precision)
        as share_of_principal_paid,
    cast(nullif(instalments, 0) as double precision) as term_instalments,
    cast(due_day as double precision) as due_day,
    cast(annual_rate as double precision) as annual_rate,
    cast(instalment as double precision) / nullif(cast(monthly_income as double precision), 0) as instalment_to_income,
    cast(monthly_income as double precision) / nullif(cast(earlier_income as double precision), 0) - 1
        as income_change_6m,
    cast(attempts_3m as double precision) as attempts_3m,
    cast(conversations_3m as double precision) as conversations_3m,
    cast(unreachable_12m as double precision) as unreachable_12m,
    cast(broken_promises_12m as double precision) as broken_promises_12m,
    cast(other_loans as double precision) as other_loans,
    cast(coalesce(other_days_past_due, 0) as double precision) as other_days_past_due,
    cast(bureau_score as double precision) as bureau_score,
    cast(bureau_score_age_days as double precision) as bureau_score_age_days,
    cast(extract(month from as_of_date) as double precision) as calendar_month,
    cast(case when product = 'auto' then 1 else 0 end as double precision) as is_auto_loan,
    cast(case when product = 'personal' then 1 else 0 end as double precision) as is_personal_loan,
    cast(case when product = 'card_instalment' then 1 else 0 end as double precision) as is_card_instalment
from measured
{%- endmacro %}

{% macro days_within(days, after, until) -%}
    {#- How many of an ascending array of days lie after one day and not after another. -#}
    {{ count_up_to(days, until) }} - {{ count_up_to(days, after) }}
{%- endmacro %}

{% macro _sums_of_instalments() -%}
    {#- What _punctuality() says, and how the figures of several schedule versions make one. -#}
    {{ return([
        ('due_3m', 'sum'), ('due_6m', 'sum'), ('due_12m', 'sum'), ('late_6m', 'sum'), ('late_12m', 'sum'),
        ('days_late_3m', 'sum'), ('days_late_12m', 'sum'), ('cured_12m', 'sum'),
        ('worst_days_late_12m', 'max'), ('worst_days_past_due_3m', 'max'), ('worst_days_past_due_6m', 'max'),
        ('worst_days_past_due_12m', 'max'), ('last_overdue_on', 'max'),
    ]) }}
{%- endmacro %}

{% macro _punctuality(loan) -%}
    {#-
        How the instalments were paid that were counted as due in the year before `last_day`, or still owed in it: a query of
        one row, for use in a lateral join. Only those are looked at that were settled late or not at all: of most loans none.
        Days late reach to the day of payment, days past due to the day before it.
    -#}
    {%- set first = 'least(' ~ count_up_to(loan ~ '.counted_from', loan ~ '.year_ago') ~ ', '
        ~ count_up_to(loan ~ '.settled_on', loan ~ '.year_ago') ~ ')' -%}
    (
        select
            {{ loan }}.counted - {{ count_up_to(loan ~ '.counted_from', loan ~ '.three_months_ago') }} as due_3m,
            {{ loan }}.counted - {{ count_up_to(loan ~ '.counted_from', loan ~ '.six_months_ago') }} as due_6m,
            {{ loan }}.counted - {{ count_up_to(loan ~ '.counted_from', loan ~ '.year_ago') }} as due_12m,
            count(*) filter (where owed.counted_from > {{ loan }}.six_months_ago and owed.days_late > 0) as late_6m,
            count(*) filter (where owed.counted_from > {{ loan }}.year_ago and owed.days_late > 0) as late_12m,
            coalesce(sum(owed.days_late) filter (where owed.counted_from > {{ loan }}.three_months_ago), 0) as days_late_3m,
            coalesce(sum(owed.days_late) filter (where owed.counted_from > {{ loan }}.year_ago), 0) as days_late_12m,
            case
                when {{ loan }}.counted > {{ count_up_to(loan ~ '.counted_from', loan ~ '.year_ago') }}
                    then coalesce(max(owed.days_late) filter (where owed.counted_from > {{ loan }}.year_ago), 0)
            end as worst_days_late_12m,
            -- Cured: with it nothing was overdue any more.
            count(*) filter (
                where
                    owed.is_overdue
                    and owed.settled_on > {{ loan }}.year_ago
                    and owed.settled_on <= {{ loan }}.last_day
                    and (owed.next_counted_from is null or owed.next_counted_from > owed.settled_on)
            ) as cured_12m,
            max(owed.last_overdue_on - owed.due_on) filter (
                where owed.is_overdue and owed.last_overdue_on > {{ loan }}.three_months_ago
            ) as worst_days_past_due_3m,
            max(owed.last_overdue_on - owed.due_on) filter (
                where owed.is_overdue and owed.last_overdue_on > {{ loan }}.six_months_ago
            ) as worst_days_past_due_6m,
            max(owed.last_overdue_on - owed.due_on) filter (
                where owed.is_overdue and owed.last_overdue_on > {{ loan }}.year_ago
            ) as worst_days_past_due_12m,
            max(owed.last_overdue_on) filter (
                where owed.is_overdue and owed.last_overdue_on > {{ loan }}.year_ago
            ) as last_overdue_on
        from (
            select
                each.due_on,
                each.counted_from,
                each.next_counted_from,
                each.settled_on,
                greatest(0, least(each.settled_on, {{ loan }}.last_day) - each.due_on) as days_late,
                least(each.settled_on - 1, {{ loan }}.last_day) as last_overdue_on,
                each.settled_on > each.counted_from as is_overdue
            from (
                select
                    {{ loan }}.due_on[places.place] as due_on,
                    {{ loan }}.counted_from[places.place] as counted_from,
                    {{ loan }}.counted_from[places.place + 1] as next_counted_from,
                    coalesce({{ loan }}.settled_on[places.place], {{ far_future() }}) as settled_on
                from (
                    select {{ loan }}.late_places[late.number] as place
                    from {{ positions_between(
                        count_up_to(loan ~ '.late_places', first) ~ ' + 1',
                        count_up_to(loan ~ '.late_places', loan ~ '.counted'),
                        'number'
                    ) }} as late
                    union all
                    select unsettled.place
                    from {{ positions_between(
                        array_size(loan ~ '.settled_on') ~ ' + 1', loan ~ '.counted', 'place'
                    ) }} as unsettled
                ) as places
            ) as each
        ) as owed
    )
{%- endmacro %}
