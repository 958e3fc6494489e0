{% macro payment_effects(loans) -%}
    {#-
        What each payment and what was taken back of it does to the money of a customer. A query. `loans` is a query of the
        loan_ids that are asked for: of few loans only their transactions are read, and not all there are.
    -#}
    select
        effects.transaction_id,
        effects.original_transaction_id as payment_id,
        effects.loan_id,
        terms.customer_id,
        terms.currency,
        terms.product,
        effects.kind,
        effects.original_effective_on as paid_on,
        effects.counts_from,
        effects.amount
    from (
        {{ transaction_effects('loan_id in (' ~ loans ~ ')') }}
    ) as effects
    inner join {{ ref('int_loans__terms') }} as terms on effects.loan_id = terms.loan_id
    where effects.kind in ('repayment', 'recovery')
{%- endmacro %}

{% macro loans_of(customers) -%}
    {#- The loan_ids of all loans that the customers of a query or CTE ever had. A query. -#}
    select terms.loan_id
    from {{ ref('int_loans__terms') }} as terms
    where terms.customer_id in (select named.customer_id from {{ customers }} as named)
{%- endmacro %}
