with signs as (
    select * from {{ ref('int_customers__hardship_sign') }}
),

scope as (
    select * from {{ ref('int_customers__scope') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

contracts as (
    select * from {{ ref('stg_core_banking__loans') }}
),

schedules as (
    select * from {{ ref('int_schedule_versions__due') }}
),

offers as (
    select * from {{ ref('hardship_offers') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

customers as (
    select distinct
        customer_id,
        currency
    from signs
),

-- The loans in trouble: those with something overdue, or all of the row where a customer asks for help before that.
considered as (
    select
        loans.*,
        max(loans.arrears_amount) over (partition by loans.customer_id, loans.currency) > 0 as has_arrears
    from scope
    inner join customers
        on
            scope.customer_id = customers.customer_id
            and scope.currency = customers.currency
    inner join loans
        on
            scope.customer_id = loans.customer_id
            and scope.currency = loans.currency
            and scope.is_written_off = loans.is_written_off
),

-- What would clear the loan today: all that is overdue, and the principal of what falls due later. Interest of months
-- that have not begun is not owed. What was paid ahead has settled principal already.
debts as (
    select
        considered.customer_id,
        considered.currency,
        considered.loan_id,
        considered.jurisdiction,
        considered.product,
        considered.days_past_due,
        contracts.annual_rate,
        case currencies.minor_digits when 0 then 1 else 100 end as minor_units,
        considered.arrears_amount + least(
            considered.outstanding_principal,
            schedules.cumulative_principal[{{ array_size('schedules.cumulative_principal') }}]
            - coalesce(
                schedules.cumulative_principal[{{ count_up_to('schedules.counted_from', as_of_date()) }}], 0
            )
        ) as owed_amount,
        schedules.cumulative_due[{{ count_up_to('schedules.counted_from', as_of_date()) }} + 1]
        - coalesce(
            schedules.cumulative_due[{{ count_up_to('schedules.counted_from', as_of_date()) }}], 0
        ) as present_instalment
    from considered
    inner join contracts on considered.loan_id = contracts.loan_id
    inner join schedules
        on
            considered.loan_id = schedules.loan_id
            and considered.schedule_version = schedules.schedule_version
    left join currencies on considered.currency = currencies.currency
    where considered.arrears_amount > 0 or not considered.has_arrears
),

offers_in_force as (
    select *
    from offers
    where {{ in_force('offers') }}
),

-- A jurisdiction that has offers of its own has no others.
own_offers as (
    select distinct jurisdiction
    from offers_in_force
),

eligible as (
    select
        debts.*,
        offers_in_force.offer_code,
        offers_in_force.kind as offer_kind,
        offers_in_force.product as offer_product,
        offers_in_force.longest_term_months,
        offers_in_force.lowest_instalment
    from debts
    left join own_offers on debts.jurisdiction = own_offers.jurisdiction
    left join offers_in_force
        on
            coalesce(own_offers.jurisdiction, 'DEFAULT') = offers_in_force.jurisdiction
            and (offers_in_force.product is null or debts.product = offers_in_force.product)
            and debts.days_past_due >= coalesce(offers_in_force.dpd_from, 0)
            and debts.days_past_due <= coalesce(offers_in_force.dpd_to, debts.days_past_due)
            and debts.owed_amount >= coalesce(offers_in_force.owed_from, 0)
            and debts.owed_amount <= coalesce(offers_in_force.owed_to, debts.owed_amount)
    where debts.owed_amount > 0
),

best as (
    {{ first_of_each(
        'eligible',
        'loan_id',
        'offer_product asc nulls last, longest_term_months desc nulls last, lowest_instalment asc nulls last,
        offer_code asc nulls last'
    ) }}
)

select
    customer_id,
    currency,
    loan_id,
    product,
    days_past_due,
    annual_rate,
    minor_units,
    cast(owed_amount as numeric(18, 2)) as owed_amount,
    cast(present_instalment as numeric(18, 2)) as present_instalment,
    offer_code,
    offer_kind,
    longest_term_months,
    lowest_instalment
from best
