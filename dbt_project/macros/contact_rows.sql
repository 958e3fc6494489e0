{% macro contact_rows(channel=none) -%}
    {#-
        The contact rows of one channel in the decision ledger, or of all, every day: what all contact lists begin with.
        Approvals of legal referrals come later than the build, so that list holds the rows that wait for nothing else, too.
        By the reason, as `index_contact_rows` has it: these are a few rows among all that were decided.
    -#}
    select *
    from {{ ref('int_customers__contact_decision') }}
    where
        {{ "channel = '" ~ channel ~ "'" if channel else 'true' }}
        {% if channel in (none, 'legal') -%}
        and (
            (decision = 'contact' and reason_code is null)
            or (channel = 'legal' and reason_code = 'NOT_APPROVED' and all_reasons = {{ texts(['NOT_APPROVED']) }})
        )
        {%- else -%}
        and decision = 'contact'
        and reason_code is null
        {%- endif %}
{%- endmacro %}

{% macro index_contact_rows() -%}
    {#- Post-hook of the decision ledger: an index of the rows that a list may show, where the engine has such a thing. -#}
    {{ adapter.dispatch('index_contact_rows', 'arrears')() }}
{%- endmacro %}

{% macro default__index_contact_rows() -%}{%- endmacro %}

{% macro postgres__index_contact_rows() -%}
    create index if not exists contact_rows on {{ this }} (as_of, channel)
    where reason_code is null or reason_code = 'NOT_APPROVED'
{%- endmacro %}
