{% macro contact_rows(channel=none) -%}
    {#-
        The contact rows of one channel in the decision ledger, or of all, every day: what all contact lists begin with.
        Approvals of legal referrals come later than the build, so that list holds the rows that wait for nothing else, too.
    -#}
    select *
    from {{ ref('int_customers__contact_decision') }}
    where
        {{ "channel = '" ~ channel ~ "'" if channel else 'true' }}
        {% if channel in (none, 'legal') -%}
        and (decision = 'contact' or (channel = 'legal' and all_reasons = {{ texts(['NOT_APPROVED']) }}))
        {%- else -%}
        and decision = 'contact'
        {%- endif %}
{%- endmacro %}
