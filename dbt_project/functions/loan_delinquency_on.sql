{{ loan_delinquency('on_date') }}
