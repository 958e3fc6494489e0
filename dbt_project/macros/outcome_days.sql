{% macro outcome_days() -%}
    {#- Days from the day on which somebody came into an experiment until it is seen what became of him. -#}
    30
{%- endmacro %}
