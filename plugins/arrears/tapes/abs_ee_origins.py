"""Where each column of an ABS-EE tape's contract rows comes from."""

from arrears.source.origin import parse_origins

ORIGINS = parse_origins("""
customers customer_id derived: C and the asset number; a tape has no people
customers full_name assumed: not published, left null
customers given_name assumed: not published, left null
customers national_id assumed: not published, left null
customers sex assumed: not published, left null
customers date_of_birth assumed: not published, left null
customers language assumed: not published, left null
customers time_zone assumed: left null
customers jurisdiction derived: US, as the regulator is
customers city assumed: not published, left null
customers segment assumed: not published, left null
customers employment_status assumed: not published, left null
customers monthly_income assumed: left null
customers credit_score assumed: left null
customers credit_score_on assumed: left null
customers updated_at assumed: the evening of the first of the origination month
feed_status * assumed: every feed is complete to the tape's last day
loans loan_id published: assetNumber
loans customer_id derived: as customers.customer_id
loans product derived: auto, as the form says
loans currency derived: USD, as the form says
loans principal published: originalLoanAmount
loans annual_rate published: originalInterestRatePercentage; from 0.5 on it is taken for per cent
loans disbursed_on assumed: the first of the published origination month, or the first due date where that is earlier
loans maturity_on derived: the last instalment
loans day_count derived: from late loans on which nothing happened for a month; actual where none tells
loans status derived: from zeroBalanceCode, otherwise from the balance: paid off, charged off or neither
loans closed_on derived: the end of the period in which the loan left the pool other than by charge-off
loans written_off_on derived: the end of the period of the charge-off
loans updated_at assumed: the evening of the loan's last change
repayment_schedule loan_id published: assetNumber
repayment_schedule schedule_version derived: 1, and one more for each extension (paymentExtendedNumber)
repayment_schedule effective_from assumed: as loans.disbursed_on; of an extension the first day of its period
repayment_schedule instalment_no derived: counted from originalFirstPaymentDate; within a later version from 1
repayment_schedule due_date derived: the day from currentDelinquencyStatus of the first late month; assumed for a loan that was never late
repayment_schedule principal_due derived: the balance of the first row paid off by level instalments; what was repaid before it spread evenly
repayment_schedule interest_due derived: the instalment less principal
repayment_schedule fee_due derived: what is owed beyond whole instalments in the first month, where later payments do not come without fees
repayment_schedule updated_at assumed: the evening of effective_from
loan_transactions transaction_id derived: asset number, kind and month: O opening, P payment, R reversal, V recovery, W write-off
loan_transactions loan_id published: assetNumber
loan_transactions kind derived: from the column that the amount stands in
loan_transactions amount published: totalActualAmountPaid less actualOtherCollectedAmount, recoveredAmount, chargedoffPrincipalAmount; opening rows (channel opening) derived from nextReportingPeriodPaymentAmountDue and the status, months without a row (channel missing_month) and reversals from the balance
loan_transactions effective_on assumed: the end of the published period; opening rows on their due dates
loan_transactions recorded_at assumed: the evening of effective_on in the bank's time zone
loan_transactions reverses derived: the newest payment that the rise of the balance fits
loan_transactions channel derived: opening, missing_month, or null
""")  # noqa: E501
