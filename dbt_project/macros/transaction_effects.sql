{% macro transaction_effects(condition='true') -%}
    {#-
        What each transaction does to a loan's money and from when on: transactions as they are, and reversals with the
        amount that they take back or restore. A query. `condition` may speak of loan_id; it holds for each part, since
        PostgreSQL looks up few loans by index only there.
    -#}
    select
        transaction_id,
        transaction_id as original_transaction_id,
        loan_id,
        kind,
        effective_on as original_effective_on,
        effective_on as counts_from,
        recorded_at,
        amount,
        false as is_reversal
    from {{ ref('stg_core_banking__loan_transactions') }}
    where
        kind <> 'reversal'
        and {{ condition }}
    union all
    select
        transaction_id,
        original_transaction_id,
        loan_id,
        kind,
        original_effective_on,
        counts_from,
        null as recorded_at,
        amount,
        true as is_reversal
    from {{ ref('int_loan_transactions__reversals') }}
    where {{ condition }}
{%- endmacro %}
