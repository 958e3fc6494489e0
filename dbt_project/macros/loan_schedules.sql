{% macro loan_schedules(condition='true') -%}
    {#-
        One row per loan and schedule version in force, with schedule, payments and rules as arrays: all that the macros of
        positions.sql need. A query. `condition` may speak of versions, terms and rules.
    -#}
    select
        versions.loan_id,
        versions.schedule_version,
        versions.in_force_from,
        versions.in_force_to,
        versions.restructured_on,
        versions.restructurings,
        versions.probation_until,
        versions.probation_began_on,
        terms.customer_id,
        terms.product,
        terms.currency,
        terms.jurisdiction,
        terms.day_count,
        due.due_dates,
        due.due_on,
        due.counted_from,
        due.cumulative_due,
        due.cumulative_principal,
        paid.paid_from,
        paid.paid_totals,
        paid.repaid_on,
        paid.repaid_amounts,
        rules.rules_from,
        rules.tolerances,
        rules.limits_absolute,
        rules.limits_share
    from {{ ref('int_schedule_versions__in_force') }} as versions
    inner join {{ ref('int_loans__terms') }} as terms
        on versions.loan_id = terms.loan_id
    inner join {{ ref('int_policy__delinquency_rules') }} as rules
        on
            terms.jurisdiction = rules.jurisdiction
            and terms.product = rules.product
            and terms.currency = rules.currency
    left join {{ ref('int_schedule_versions__due') }} as due
        on
            versions.loan_id = due.loan_id
            and versions.schedule_version = due.schedule_version
    left join {{ ref('int_schedule_versions__paid') }} as paid
        on
            versions.loan_id = paid.loan_id
            and versions.schedule_version = paid.schedule_version
    where {{ condition }}
{%- endmacro %}
