-- A contact that its channel's list does not show would be lost without a word: the lists look up names and numbers,
-- and a row of which one is not there is gone. (The lists are views of the ledger: they cannot have a row more.)
{% set as_of = as_of_date() -%}

with decisions as (
    select * from {{ ref('int_customers__contact_decision') }}
),

listed as (
    {% for channel in ['sms', 'phone', 'field_visit', 'legal', 'care'] -%}
    select
        customer_id,
        currency,
        '{{ channel }}' as channel
    from {{ ref('int_contact_list__' ~ channel) }}
    where as_of = {{ as_of }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    decisions.customer_id,
    decisions.currency,
    decisions.channel
from decisions
left join listed
    on
        decisions.customer_id = listed.customer_id
        and decisions.currency = listed.currency
        and decisions.channel = listed.channel
where
    decisions.as_of = {{ as_of }}
    and decisions.decision = 'contact'
    and listed.customer_id is null
