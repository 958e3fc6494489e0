with rejections as (
    {{ open_rejections('customers', ['customer_id'], "'customer'", customer_id='rejected.customer_id') }}
    union all
    {{ open_rejections(
        'contact_points', ['contact_point_id'], "'customer'", customer_id='rejected.customer_id'
    ) }}
    union all
    {{ open_rejections(
        'contact_consents', ['customer_id', 'channel', 'valid_from'], "'customer'", customer_id='rejected.customer_id'
    ) }}
    union all
    {{ open_rejections(
        'customer_flags', ['customer_id', 'flag', 'valid_from'], "'customer'", customer_id='rejected.customer_id'
    ) }}
    union all
    {{ open_rejections(
        'customer_interactions',
        ['interaction_id'],
        "case when rejected.loan_id is null then 'customer' else 'loan' end",
        loan_id='rejected.loan_id',
        customer_id='rejected.customer_id'
    ) }}
    union all
    {{ open_rejections(
        'collector_assignments',
        ['collector_id', 'customer_id', 'assigned_on'],
        "'customer'",
        customer_id='rejected.customer_id'
    ) }}
    union all
    {{ open_rejections('complaints', ['complaint_id'], "'customer'", customer_id='rejected.customer_id') }}
    union all
    {{ open_rejections(
        'loans', ['loan_id'], "'loan'", loan_id='rejected.loan_id', customer_id='rejected.customer_id'
    ) }}
    union all
    {{ open_rejections('loan_parties', ['loan_id', 'customer_id'], "'loan'", loan_id='rejected.loan_id') }}
    union all
    {{ open_rejections(
        'repayment_schedule',
        ['loan_id', 'schedule_version', 'instalment_no'],
        "'loan'",
        loan_id='rejected.loan_id'
    ) }}
    union all
    {{ open_rejections(
        'loan_transactions', ['transaction_id'], "'loan'", changed_at='recorded_at', loan_id='rejected.loan_id'
    ) }}
    union all
    {{ open_rejections('hardship_arrangements', ['arrangement_id'], "'loan'", loan_id='rejected.loan_id') }}
)

select
    table_name,
    row_id,
    holds,
    loan_id,
    customer_id
from rejections
