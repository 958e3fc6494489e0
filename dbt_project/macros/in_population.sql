{% macro in_population(population, relation) -%}
    {#-
        Whether a row with tier, jurisdiction and product is one of a population as the seed `experiments` writes it:
        `tier=M1 tier=M2 product=auto`. A name that it does not have is not asked for.
    -#}
    {%- set text = "' ' || coalesce(" ~ population ~ ", '') || ' '" -%}
    {%- for name in ['tier', 'jurisdiction', 'product'] -%}
        {{ 'and ' if not loop.first -}}
        (
            position(' {{ name }}=' in {{ text }}) = 0
            or position(' {{ name }}=' || {{ relation }}.{{ name }} || ' ' in {{ text }}) > 0
        )
        {% endfor -%}
{%- endmacro %}
