{% macro contact_rows(channel=none) -%}
    {#-
        The contact rows of one channel in the decision ledger, or of all, every day: what all contact lists begin with.
        Approvals of legal referrals come later than the build, so that list holds the rows that wait for nothing else, too.
        By the reason, as `index_ledger` has it: these are a few rows among all that were decided.
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

{% macro index_ledger() -%}
    {#-
        Post-hook of the decision ledger, on an engine that has such indexes: the rows that a list may show, and where earlier
        generations lie. Neither costs a build more than a moment, which an index of all rows would.
    -#}
    {{ adapter.dispatch('index_ledger', 'arrears')() }}
{%- endmacro %}

{% macro default__index_ledger() -%}{%- endmacro %}

{% macro postgres__index_ledger() -%}
    create index if not exists contact_rows on {{ this }} (as_of, channel)
    where reason_code is null or reason_code = 'NOT_APPROVED';
    create index if not exists generations on {{ this }} using brin (generation)
{%- endmacro %}
