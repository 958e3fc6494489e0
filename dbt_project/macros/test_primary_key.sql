{% test primary_key(model, columns=none, column_name=none) %}
{#- Never null and never twice, in one look at the table. -#}
{%- set key = columns or [column_name] -%}
select {{ key | join(', ') }}
from {{ model }}
group by {{ key | join(', ') }}
having count(*) > 1{% for column in key %} or {{ column }} is null{% endfor %}
{% endtest %}
