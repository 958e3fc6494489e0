{% macro pseudonym(column) -%}
    {#- A key in place of an id: the same for the same id in every view of `bi`, and no way back from it. -#}
    left(encode(sha256(convert_to(salt.salt || {{ column }}, 'UTF8')), 'hex'), 16)
{%- endmacro %}
