{% macro delete_all() -%}
    {#-
        Pre-hook of a mart that is computed whole each time, as an incremental model that appends: the table stays the same one
        and changes in one transaction, so that views and readers of it never find it gone.
    -#}
    {%- if is_incremental() -%}
        delete from {{ this }}
    {%- endif -%}
{%- endmacro %}
