{% macro is_lawful_source(source) -%}
    {#-
        Whether a contact point came to us in a way that the law allows. Where the bank does not say how, it is taken as given
        with the contract; a source outside the list is never used.
    -#}
    ({{ source }} is null or {{ source }} in ('contract', 'customer', 'authorised', 'public', 'bureau'))
{%- endmacro %}
