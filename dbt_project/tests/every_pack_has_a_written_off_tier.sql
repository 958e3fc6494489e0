-- A jurisdiction and product with tiers needs one for loans that are written off, or they would have none.
select
    jurisdiction,
    product
from {{ ref('delinquency_tiers') }}
group by jurisdiction, product
having not bool_or(is_written_off)
