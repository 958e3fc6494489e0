-- The customer's loans on the day, by what is known now.
select
    terms.loan_id,
    terms.product,
    terms.currency,
    history.arrears_amount,
    history.outstanding_principal,
    history.unpaid_instalments,
    history.oldest_unpaid_due_date,
    today.days_past_due,
    today.tier,
    today.next_due_date,
    today.last_payment_on,
    coalesce(warning.band, cure.band) as risk_band,
    coalesce(warning.model_version, cure.model_version) as model_version,
    array(
        select distinct on (reason.place) feature.text_en
        from unnest(coalesce(warning.top_reasons, cure.top_reasons)) with ordinality as reason (code, place)
        inner join staging.risk_features as feature on reason.code = feature.reason_code
        order by reason.place, feature.position
    ) as risk_reasons,
    terms.written_off_on <= %(as_of)s as is_written_off
from intermediate.int_loans__terms as terms
inner join marts.fct_delinquency_history as history
    on
        terms.loan_id = history.loan_id
        and history.valid_from <= %(as_of)s
        and (history.valid_to is null or history.valid_to > %(as_of)s)
left join intermediate.int_loans__delinquency as today
    on terms.loan_id = today.loan_id and today.as_of = %(as_of)s
left join intermediate.int_loans__early_warning as warning
    on terms.loan_id = warning.loan_id and warning.as_of_date = %(as_of)s
left join intermediate.int_loans__self_cure as cure
    on terms.loan_id = cure.loan_id and cure.as_of_date = %(as_of)s
where terms.customer_id = %(customer_id)s
order by terms.loan_id
