{% macro share_of(text) -%}
    {#- A number in [0, 1) that depends on the text alone: the same on every machine and every day. -#}
    {{ adapter.dispatch('share_of', 'arrears')(text) }}
{%- endmacro %}

{% macro default__share_of(text) -%}
    (cast(cast('x' || substr(md5({{ text }}), 1, 8) as bit(32)) as bigint) / 4294967296.0)
{%- endmacro %}
