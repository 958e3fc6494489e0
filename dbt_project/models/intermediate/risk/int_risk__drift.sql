-- depends_on: {{ ref('int_risk__champion') }}, {{ ref('int_risk__champion_bin') }}
with champions as (
    select * from {{ ref('int_risk__champion') }}
),

bins as (
    select * from {{ ref('int_risk__champion_bin') }}
),

features as (
    select
        *,
        count(*) over (partition by population) as loans
    from {{ ref('int_loans__risk_feature') }}
    where population in (select champions.purpose from champions)
),

sampled as (
    select * from features
    where {{ share_of('features.loan_id') }} * features.loans < {{ looked_at() }}
),

outcomes as (
    select * from {{ ref('int_loans__risk_outcome') }}
),

-- Features: the shares of the bins today against those that the model was trained from -------------------------------
valued as (
    {{ features_as_rows('sampled') }}
),

fallen as (
    select
        valued.purpose,
        valued.feature,
        bins.bin,
        count(*) as loans
    from valued
    inner join bins
        on
            valued.purpose = bins.purpose
            and valued.feature = bins.feature
            and case
                when valued.value is null then bins.is_missing
                else
                    not bins.is_missing
                    and valued.value >= bins.bin_from
                    and (bins.bin_to is null or valued.value < bins.bin_to)
            end
    group by valued.purpose, valued.feature, bins.bin
),

counted as (
    select
        population as purpose,
        count(*) as loans
    from sampled
    group by population
),

feature_drift as (
    select
        bins.purpose,
        'feature' as measure,
        bins.feature as name,
        min(counted.loans) as loans,
        sum({{ population_share(
            'coalesce(fallen.loans, 0) / cast(counted.loans as double precision)', 'bins.expected_share'
        ) }}) as psi
    from bins
    inner join counted
        on bins.purpose = counted.purpose
    left join fallen
        on
            bins.purpose = fallen.purpose
            and bins.feature = fallen.feature
            and bins.bin = fallen.bin
    group by bins.purpose, bins.feature
),

-- The score: today against the last three month ends that the model was trained from, by tenths of those --------------
trained_from as (
    select history.*
    from {{ ref('int_loans__risk_history') }} as history
    inner join champions
        on
            history.population = champions.purpose
            and history.as_of_date <= champions.observed_to
            and history.as_of_date > {{ add_months('champions.observed_to', -3) }}
),

observed as (
    select history.*
    from {{ ref('int_loans__risk_history') }} as history
    where history.as_of_date > {{ add_months(as_of_date(), -15) }}
),

reference as (
    select
        purpose,
        logit,
        ntile(10) over (partition by purpose order by logit, loan_id, as_of_date) as tenth
    from ({{ scores_of_each_purpose('trained_from') }}) as scored
),

edges as (
    select
        purpose,
        {{ ordered_array('first_logit', 'tenth') }} as logits
    from (
        select
            purpose,
            tenth,
            case when tenth = 1 then cast('-infinity' as double precision) else min(logit) end as first_logit
        from reference
        group by purpose, tenth
    ) as tenths
    group by purpose
),

today as (
    {{ scores_of_each_purpose('sampled') }}
),

-- Where many have one score, several tenths begin with it, and the last of them holds them all: in both samples.
placed as (
    select
        reference.purpose,
        'then' as of_when,
        {{ count_up_to('edges.logits', 'reference.logit') }} as tenth
    from reference
    inner join edges
        on reference.purpose = edges.purpose
    union all
    select
        today.purpose,
        'now' as of_when,
        {{ count_up_to('edges.logits', 'today.logit') }} as tenth
    from today
    inner join edges
        on today.purpose = edges.purpose
),

shares as (
    select
        purpose,
        tenth,
        count(*) filter (where of_when = 'now') as now_loans,
        sum(count(*) filter (where of_when = 'now')) over (partition by purpose) as all_now,
        count(*) filter (where of_when = 'then') as then_loans,
        sum(count(*) filter (where of_when = 'then')) over (partition by purpose) as all_then
    from placed
    group by purpose, tenth
),

score_drift as (
    select
        purpose,
        'score' as measure,
        'score' as name,
        max(all_now) as loans,
        sum({{ population_share(
            'now_loans / cast(all_now as double precision)', 'then_loans / cast(all_then as double precision)'
        ) }}) as psi
    from shares
    where all_now > 0
    group by purpose
),

-- Outcomes: what the champion would have said at a month end, and what came -------------------------------------------
said as (
    select
        purpose,
        loan_id,
        as_of_date,
        1 / (1 + exp(-logit)) as probability
    from ({{ scores_of_each_purpose('observed') }}) as scored
),

calibration as (
    select
        said.purpose,
        'calibration' as measure,
        cast(said.as_of_date as text) as name,
        count(*) as loans,
        avg(said.probability) as expected_rate,
        avg(case when outcomes.outcome then 1.0 else 0.0 end) as observed_rate,
        sqrt(sum(said.probability * (1 - said.probability))) / count(*) as deviation
    from said
    inner join outcomes
        on
            said.loan_id = outcomes.loan_id
            and said.as_of_date = outcomes.as_of_date
            and said.purpose = outcomes.purpose
    group by said.purpose, said.as_of_date
)

select
    purpose,
    measure,
    name,
    loans,
    psi,
    cast(null as double precision) as expected_rate,
    cast(null as double precision) as observed_rate,
    cast(null as double precision) as deviation
from feature_drift
union all
select
    purpose,
    measure,
    name,
    loans,
    psi,
    cast(null as double precision) as expected_rate,
    cast(null as double precision) as observed_rate,
    cast(null as double precision) as deviation
from score_drift
union all
select
    purpose,
    measure,
    name,
    loans,
    cast(null as double precision) as psi,
    expected_rate,
    observed_rate,
    deviation
from calibration
