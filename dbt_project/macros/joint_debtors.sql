{% macro joint_debtors() -%}
    {#-
        One row per loan that several owe and customer who owes it: borrower and co-debtors. A guarantor owes nothing of
        his own. Names `loans` and `parties`, as the query that uses it has them.
    -#}
    select
        parties.loan_id,
        parties.customer_id,
        loans.disbursed_on
    from parties
    inner join loans on parties.loan_id = loans.loan_id
    where parties.role = 'co_debtor'
    union distinct
    select
        loans.loan_id,
        loans.customer_id,
        loans.disbursed_on
    from loans
    inner join parties
        on
            loans.loan_id = parties.loan_id
            and parties.role = 'co_debtor'
{%- endmacro %}
