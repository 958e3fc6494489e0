{{ config(materialized='view') }}

with contacts as {{ inline() }} (
    {{ contact_rows('legal') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

points as (
    select * from {{ ref('int_contact_points__usable') }}
),

valid_addresses as (
    select
        customer_id,
        preference,
        value as address
    from points
    where
        point_group = 'address'
        and not is_invalid
),

addresses as (
    {{ first_of_each('valid_addresses', 'customer_id', 'preference') }}
),

-- A referral is about everything that the customer owes in the currency: one row, its contracts named in order.
contracts as (
    select
        contacts.as_of,
        contacts.customer_id,
        contacts.currency,
        cast(sum(loans.principal) as numeric(18, 2)) as principal,
        {{ ordered_text('loans.loan_id', 'loans.loan_id') }} as contract_no,
        {{ ordered_text('distinct loans.product', 'loans.product') }} as product,
        min(loans.disbursed_on) as disbursed_on
    from contacts
    inner join loans on {{ holds('contacts.loan_ids', 'loans.loan_id') }}
    group by contacts.as_of, contacts.customer_id, contacts.currency
)

select
    contacts.as_of,
    contacts.customer_id,
    contacts.currency,
    contacts.vendor,
    contacts.contact_point_id,
    contracts.contract_no,
    customers.full_name,
    customers.national_id,
    addresses.address,
    contracts.product,
    contracts.disbursed_on,
    contracts.principal,
    contacts.outstanding_principal as outstanding,
    contacts.arrears_amount,
    contacts.days_past_due
from contacts
inner join customers on contacts.contact_customer_id = customers.customer_id
inner join contracts
    on
        contacts.as_of = contracts.as_of
        and contacts.customer_id = contracts.customer_id
        and contacts.currency = contracts.currency
left join addresses on contacts.contact_customer_id = addresses.customer_id
