{% macro risk_features_of_contract() -%}
    {#- The names of the features, in the order of their contract: a list. Empty while dbt parses. -#}
    {%- set keys = ['loan_id', 'customer_id', 'as_of_date', 'population'] -%}
    {%- set names = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.name == 'int_loans__risk_feature' -%}
        {%- for name in node.columns if name not in keys -%}
            {%- do names.append(name) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{% macro risk_scores(features, purpose) -%}
    {#-
        What the champion of a purpose says of rows that have the features: a query, with no row where there is no champion.
        The logit is the intercept and the weight of the bin of each feature: to find them is to look up positions, since the
        bins of all features fit on one row. `above_neutral` has, in the order of the contract, how far each weight lies above
        what the feature adds on average.
    -#}
    {%- set names = risk_features_of_contract() -%}
    select
        weighed.loan_id,
        weighed.customer_id,
        weighed.as_of_date,
        weighed.model_version,
        weighed.intercept{% for name in names %} + weighed.weight_of_{{ name }}{% endfor %} as logit,
        array[{% for name in names %}
            weighed.weight_of_{{ name }} - weighed.neutral_of_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
        ] as above_neutral
    from (
        select
            known.loan_id,
            known.customer_id,
            known.as_of_date,
            scales.model_version,
            {%- for name in names %}
            coalesce(
                case
                    when known.{{ name }} is null then scales.missing_{{ name }}
                    else scales.weights_{{ name }}[{{ count_up_to('scales.from_' ~ name, 'known.' ~ name) }}]
                end,
                scales.neutral_{{ name }},
                0
            ) as weight_of_{{ name }},
            coalesce(scales.neutral_{{ name }}, 0) as neutral_of_{{ name }},
            {%- endfor %}
            scales.intercept
        from {{ features }} as known
        cross join (
            select
                {%- for name in names %}
                {%- set known = "bins.feature = '" ~ name ~ "' and not bins.is_missing" %}
                {{ ordered_array('bins.bin_from', 'bins.bin_from', known) }} as from_{{ name }},
                {{ ordered_array('bins.weight', 'bins.bin_from', known) }} as weights_{{ name }},
                max(bins.weight) filter (where bins.feature = '{{ name }}' and bins.is_missing) as missing_{{ name }},
                max(bins.neutral_weight) filter (where bins.feature = '{{ name }}') as neutral_{{ name }},
                {%- endfor %}
                champions.model_version,
                champions.intercept
            from {{ ref('int_risk__champion') }} as champions
            left join {{ ref('int_risk__champion_bin') }} as bins
                on champions.model_version = bins.model_version
            where champions.purpose = '{{ purpose }}'
            group by champions.model_version, champions.intercept
        ) as scales
        where known.population = '{{ purpose }}'
        -- Keeps the planner from computing this step again for each use of it.
        offset 0
    ) as weighed
{%- endmacro %}

{% macro scores_of_each_purpose(features) -%}
    {#- What the champions say of the rows that they are asked about: a query. -#}
    {% for purpose in ['early_warning', 'self_cure'] -%}
    select
        '{{ purpose }}' as purpose,
        scored.loan_id,
        scored.as_of_date,
        scored.logit
    from ({{ risk_scores(features, purpose) }}) as scored
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{% macro probability_of(logit) -%}
    cast(1 / (1 + exp(-{{ logit }})) as numeric(9, 6))
{%- endmacro %}

{% macro score_of(logit) -%}
    {#- 50 to 1 for not falling behind is a score of 600, and 20 points more double the odds. -#}
    cast(round(600 - 20 / ln(2) * ({{ logit }} + ln(50))) as integer)
{%- endmacro %}

{% macro risk_reasons(scores) -%}
    {#-
        The three reasons that add most above what is usual: a query of loan_id and as_of_date over a CTE of rows of
        risk_scores(). Features that stand for one reason are one.
    -#}
    select
        ranked.loan_id,
        ranked.as_of_date,
        {{ ordered_array('ranked.reason_code', 'ranked.place') }} as top_reasons
    from (
        select
            adding.loan_id,
            adding.as_of_date,
            adding.reason_code,
            row_number() over (
                partition by adding.loan_id, adding.as_of_date
                order by adding.contribution desc, adding.position asc
            ) as place
        from (
            select
                scores.loan_id,
                scores.as_of_date,
                features.reason_code,
                min(features.position) as position,
                sum(scores.above_neutral[features.position]) as contribution
            from {{ scores }} as scores
            cross join {{ ref('risk_features') }} as features
            group by scores.loan_id, scores.as_of_date, features.reason_code
        ) as adding
        where adding.contribution > 0
    ) as ranked
    where ranked.place <= 3
    group by ranked.loan_id, ranked.as_of_date
{%- endmacro %}

{% macro scored_loans(purpose) -%}
    {#- The loans of the business date with the champion's probability, its band and, above the lowest band, the reasons. -#}
with scores as (
    select
        scored.*,
        {{ probability_of('scored.logit') }} as probability
    from (
        {{ risk_scores(ref('int_loans__risk_feature'), purpose) }}
    ) as scored
),

bands as (
    select * from {{ ref('risk_bands') }}
    where purpose = '{{ purpose }}'
),

banded as (
    select
        scores.loan_id,
        scores.customer_id,
        scores.as_of_date,
        scores.model_version,
        scores.logit,
        scores.above_neutral,
        scores.probability,
        bands.band,
        bands.position
    from scores
    inner join bands
        on
            scores.probability >= bands.probability_from
            and (bands.probability_to is null or scores.probability < bands.probability_to)
),

-- Who is in the lowest band needs no reasons.
in_question as (
    select * from banded
    where position > 1
),

reasons as (
    {{ risk_reasons('in_question') }}
)

select
    banded.loan_id,
    banded.customer_id,
    banded.as_of_date,
    banded.model_version,
    banded.logit,
    banded.probability,
    banded.band,
    coalesce(reasons.top_reasons, {{ texts() }}) as top_reasons
from banded
left join reasons
    on
        banded.loan_id = reasons.loan_id
        and banded.as_of_date = reasons.as_of_date
{%- endmacro %}
