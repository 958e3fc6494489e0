"""Where each column of the Ally tape's contract rows comes from. Rows whose ids begin with `SYN-` are all synthetic."""

from arrears.source.origin import parse_origins

ORIGINS = parse_origins("""
customers customer_id derived: C and the loan number; the tape has one borrower a loan
customers full_name synthetic: invented from the customer id
customers given_name synthetic: invented from the customer id
customers national_id synthetic: in a form that is never issued
customers sex synthetic: invented from the customer id
customers date_of_birth synthetic: invented from the customer id
customers language synthetic: invented from the customer id
customers time_zone derived: from the published state; null where the state spans two zones
customers jurisdiction derived: US, as the state is
customers city assumed: the state's capital; only the state is published
customers segment assumed: retail
customers employment_status assumed: not published, left null
customers monthly_income derived: instalment / paymentToIncomePercentage
customers credit_score published: obligorCreditScore; null where not scored
customers credit_score_on assumed: the first of the origination month
customers updated_at assumed: the evening of the first of the origination month
loan_parties * synthetic: rows of hard cases only
contact_points contact_point_id synthetic: customer id and kind
contact_points customer_id derived: as customers.customer_id
contact_points kind synthetic: a mobile, an e-mail and an address each
contact_points value synthetic: 555-01xx numbers of the state, example.com, example streets
contact_points city assumed: the state's capital
contact_points postal_code assumed: of the state's capital
contact_points latitude synthetic: near the state's capital
contact_points longitude synthetic: near the state's capital
contact_points is_valid synthetic: true except in hard cases
contact_points relation synthetic: self except in hard cases
contact_points source synthetic: contract except in hard cases
contact_points consent synthetic: granted except in hard cases
contact_points updated_at assumed: the evening of the first of the origination month
contact_consents * synthetic: drawn from the customer id (92 % granted, 3 % refused, 5 % never asked)
customer_interactions * synthetic: rows of hard cases only; the tape has no contact history
feed_status * assumed: every feed is complete to the tape's last day
customer_flags * synthetic: rows of hard cases only
loans loan_id published: assetNumber
loans customer_id derived: as customers.customer_id
loans product derived: auto, as the trust's assets are
loans currency derived: USD, as the trust's assets are
loans principal published: originalLoanAmount
loans annual_rate published: originalInterestRatePercentage
loans disbursed_on assumed: the first of the published origination month
loans maturity_on derived: the due day in the published maturity month
loans day_count assumed: actual; the published days past due are read as calendar days
loans status derived: from the balance: paid off, charged off or neither
loans closed_on derived: the end of the month in which the balance was paid off
loans written_off_on derived: the end of the month in which the balance vanished without a payment
loans updated_at assumed: the evening of the loan's last change
repayment_schedule loan_id published: assetNumber
repayment_schedule schedule_version derived: 1; extensions after month 0 are not published
repayment_schedule effective_from assumed: as loans.disbursed_on
repayment_schedule instalment_no derived: counted from originalFirstPaymentDate
repayment_schedule due_date assumed: the day is published for the 225 loans behind in month 0 (derived from currentDelinquencyStatus) and otherwise that of interestPaidThroughDate, at most 28
repayment_schedule principal_due derived: the published instalment less a month's interest; the last clears the balance
repayment_schedule interest_due derived: a month's simple interest at the published rate
repayment_schedule fee_due derived: what is owed beyond whole instalments in month 0 (two loans)
repayment_schedule updated_at assumed: the evening of effective_from
loan_transactions transaction_id derived: loan number, kind and month: O opening, P payment, R reversal, V recovery, W write-off
loan_transactions loan_id published: assetNumber
loan_transactions kind derived: from the column that the amount stands in
loan_transactions amount published: totalActualAmountPaid_PMT, recoveredAmount_REC; opening rows (channel opening) derived from nextReportingPeriodPaymentAmountDue, reversals and write-offs from the balance
loan_transactions effective_on assumed: the end of the published month; opening rows on their due dates
loan_transactions recorded_at assumed: the evening of effective_on in the bank's time zone
loan_transactions reverses derived: the newest payment that the rise of the balance fits
loan_transactions channel derived: opening for the opening position, null otherwise
hardship_arrangements * synthetic: rows of hard cases only
collectors * synthetic: invented
collector_assignments * synthetic: rows of hard cases only
collector_training * synthetic: invented
complaints * synthetic: rows of hard cases only
""")  # noqa: E501
