{#
    Statistics for a table that was just filled. Without them PostgreSQL plans the next model as if the table were
    nearly empty, and joins hundreds of thousands of rows in nested loops.
#}
{% macro analyze_relation() %}
    {% if config.get('materialized') in ['table', 'incremental', 'seed'] %}
        {{ return(adapter.dispatch('analyze_relation', 'arrears')()) }}
    {% endif %}
{% endmacro %}

{% macro default__analyze_relation() %}{% endmacro %}

{% macro postgres__analyze_relation() %}
    analyze {{ this }}
{% endmacro %}
