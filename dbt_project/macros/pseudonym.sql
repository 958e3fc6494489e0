{% macro pseudonym(column) -%}
    {#- A key in place of an id: the same for the same id in every view of `bi`, and no way back from it. -#}
    left({{ sha256_of('salt.salt || ' ~ column) }}, 16)
{%- endmacro %}

{% macro sha256_of(text) -%}
    {#- In hexadecimal. -#}
    {{ adapter.dispatch('sha256_of', 'arrears')(text) }}
{%- endmacro %}

{% macro default__sha256_of(text) -%}
    sha256({{ text }})
{%- endmacro %}

{% macro postgres__sha256_of(text) -%}
    encode(sha256(convert_to({{ text }}, 'UTF8')), 'hex')
{%- endmacro %}
