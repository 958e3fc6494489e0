"""Deliberate breaks of the rules of contact: each a text in the compiled SQL of a model and what to put in its place.

A break that the checks do not see is a rule that nothing guards.
"""

from typing import NamedTuple


class Mutation(NamedTuple):
    """What no longer holds, in which model, and how."""

    breaks: str
    model: str
    text: str
    instead: str


MUTATIONS = [
    # Scope and amounts
    Mutation(
        "written_off_loans_are_in_scope",
        "int_customers__in_scope",
        "or loans.tier = 'pre_due' or loans.is_written_off",
        "or loans.tier = 'pre_due'",
    ),
    Mutation("warned_loans_are_in_scope", "int_customers__in_scope", "or warned.loan_id is not null", ""),
    Mutation("only_high_warns", "int_loans__warned", "scores.band = 'high'", "scores.band <> 'low'"),
    Mutation("warned_are_treated", "int_customers__treatment", "or scope.is_warned", ""),
    Mutation("warned_is_reason_enough", "int_customers__considered", "and not scope.is_warned", ""),
    Mutation(
        "who_is_behind_is_not_warned",
        "int_customers__scope",
        "and not bool_or(ranked.is_in_arrears) as is_warned",
        "as is_warned",
    ),
    Mutation("income_shock_is_for_care", "int_customers__hardship_sign", "'INCOME_CHANGE_6M'", "'NOTHING'"),
    Mutation("likely_payers_are_not_called", "int_customers__considered", "and scope.is_likely_to_pay", "and false"),
    Mutation("likely_payers_get_messages", "int_customers__considered", "channels.channel = 'phone' and", ""),
    Mutation("each_loan_has_to_be_likely", "int_customers__self_cure", "having count(*) = count(scores.loan_id)", ""),
    Mutation("least_likely_decides", "int_customers__self_cure", "bool_and(", "bool_or("),
    Mutation("least_likely_weighs", "int_customers__self_cure", "min(scores.probability)", "max(scores.probability)"),
    Mutation("value_is_of_the_call", "int_customers__considered", "(1 - scope.self_cure_probability)", "1"),
    Mutation("worst_tier_speaks", "int_customers__scope", "order by tier_rank desc", "order by tier_rank asc"),
    Mutation(
        "currencies_are_apart",
        "int_customers__scope",
        "cast(sum(ranked.arrears_amount)",
        "cast(max(ranked.arrears_amount)",
    ),
    Mutation(
        "one_row_each",
        "int_customers__considered",
        "from scope\ncross join channels\n",
        "from scope\ncross join (select * from channels union all select * from channels) as channels\n",
    ),
    Mutation("minimum_is_allowed", "int_customers__considered", "< rules.minimum_amount", "<= rules.minimum_amount"),
    Mutation(
        "paid_since_to_the_cent",
        "int_loans__paid_since",
        "late_by_loan.amount <= parameters.tolerance",
        "late_by_loan.amount - 1 <= parameters.tolerance",
    ),
    Mutation("every_loan_is_paid_since", "int_customers__considered", "having bool_and(", "having bool_or("),
    # Holds
    Mutation(
        "unknown_flag_holds",
        "int_customers__hold",
        "coalesce(known_flags.reason_code, 'UNKNOWN_FLAG')",
        "coalesce(known_flags.reason_code, 'NO_VISITS')",
    ),
    Mutation("flag_ends_before_its_last_day", "int_customers__hold", "flags.valid_to > ", "flags.valid_to >= "),
    Mutation(
        "what_vendors_hear_holds",
        "int_customers__hold",
        "events.suppresses not in ('CHANNEL_REFUSED', 'CONTACT_POINT_INVALID')",
        "false",
    ),
    Mutation(
        "flag_lifts_only_what_came_before",
        "int_customers__hold",
        "flags.valid_to - 1 as last_day",
        "flags.valid_to as last_day",
    ),
    Mutation(
        "plan_answers_only_earlier_requests", "int_customers__hold", "arrangements.accepted_on, cast(", "null, cast("
    ),
    Mutation("guarantor_is_no_joint_debtor", "int_customers__hold", "role = 'co_debtor'", "role <> 'nobody'"),
    Mutation(
        "joint_debtors_are_held",
        "int_customers__hold",
        "held.customer_id <> debtors.customer_id",
        "held.customer_id = debtors.customer_id",
    ),
    Mutation("complaint_stays_open", "int_customers__hold", "closed_at is null or", "false or"),
    Mutation("data_hold_holds", "int_customers__hold", "from data_holds\n", "from data_holds where false\n"),
    Mutation("plan_holds_while_kept", "int_loans__kept_plan", "where is_kept", "where not is_kept"),
    Mutation(
        "broken_plan_holds_nobody", "int_loans__plan", "coalesce(paid.amount, 0) >= coalesce(reduced.owed, 0)", "true"
    ),
    Mutation("promise_holds", "int_customers__hold", "where status = 'open'", "where status = 'broken'"),
    Mutation("promise_has_three_days", "int_customers__promise", "due_on + 3 as last_day", "due_on as last_day"),
    Mutation(
        "promise_is_of_its_currency",
        "int_customers__considered",
        "(holds.currency is null or scope.currency = holds.currency)",
        "true",
    ),
    Mutation(
        "hold_closes_what_the_pack_says",
        "int_customers__considered",
        "(binding_rules.applies_to_channel is null or channels.channel = binding_rules.applies_to_channel)",
        "true",
    ),
    Mutation("silent_pack_closes_all", "int_customers__considered", "not reasons.needs_rule\n", "false\n"),
    # Consent
    Mutation("refusal_holds", "int_customers__consent", "consent = 'refused'", "consent = 'never'"),
    Mutation(
        "refused_calls_are_care_calls",
        "int_customers__consent",
        "consents.channel in (channels.channel, channels.medium, 'all')",
        "consents.channel in (channels.channel, 'all')",
    ),
    Mutation("latest_word_counts", "int_customers__consent", "valid_from desc", "valid_from asc"),
    Mutation("opt_out_is_of_the_medium", "int_customers__consent", "or events.medium in (", "or events.channel in ("),
    Mutation(
        "later_consent_lifts",
        "int_customers__consent",
        "stated.granted_from <= opted_out.opted_out_on",
        "stated.granted_from > opted_out.opted_out_on",
    ),
    Mutation("opt_out_of_all", "int_customers__consent", "customers.does_opt_out_close_all\n", "false\n"),
    Mutation(
        "consent_where_required",
        "int_customers__considered",
        "rules.needs_consent and not coalesce(consents.is_granted, false)",
        "false",
    ),
    # Contact points
    Mutation("no_third_party", "int_contact_points__usable", "points.relation = 'self'", "true"),
    Mutation("lawful_source", "int_contact_points__usable", "(points.source is null or", "(true or"),
    Mutation(
        "wrong_party_is_not_called", "int_contact_points__usable", "where dialled_value = normal_value", "where false"
    ),
    Mutation("refused_number", "int_contact_points__usable", "coalesce(lawful.consent = 'refused', false)", "false"),
    Mutation(
        "shared_number",
        "int_contact_points__usable",
        "having min(customer_id) <> max(customer_id)",
        "having false",
    ),
    Mutation("number_as_dialled", "int_contact_points__usable", "'^[+][1-9][0-9]{6,14}$'", "'^.*$'"),
    # Hours
    Mutation("all_hours_hold", "int_policy__contact_hours", "max(opens) as opens", "min(opens) as opens"),
    Mutation("clocks_change", "int_policy__contact_hours", "else greatest(", "else least("),
    Mutation("all_zones_hold", "int_policy__contact_hours", "max(case", "min(case"),
    Mutation(
        "unknown_zone",
        "int_customers__policy",
        "only_zones.time_zone) as time_zone",
        "only_zones.time_zone, 'Asia/Shanghai') as time_zone",
    ),
    Mutation("holiday", "int_policy__contact_hours", "or (windows.weekday = 'holiday' and days.is_holiday)", ""),
    Mutation(
        "wish_narrows",
        "int_customers__considered",
        "greatest(hours.window_start, preferred.preferred_start)",
        "hours.window_start",
    ),
    Mutation(
        "hours_of_the_medium",
        "int_policy__contact_hours",
        "windows.channel in (channels.channel, channels.medium)",
        "windows.channel in (channels.channel)",
    ),
    # How often
    Mutation("window_has_its_days", "int_customers__contact_allowance", "- limits.days\n", "- limits.days + 1\n"),
    Mutation("plans_count", "int_customers__contact_allowance", "attempts as times", "0 as times"),
    Mutation("plans_lapse_after_the_deadline", "int_customers__planned_contact", "+ interval '48 hours'", ""),
    Mutation(
        "answered",
        "int_customers__contact_allowance",
        "when 'answered' then uses.is_answered",
        "when 'answered' then uses.is_attempt",
    ),
    Mutation(
        "unanswered",
        "int_customers__contact_allowance",
        "when 'unanswered' then uses.is_unanswered",
        "when 'unanswered' then uses.is_answered",
    ),
    Mutation(
        "conversation",
        "int_customers__contact_allowance",
        "when 'conversation' then uses.is_conversation",
        "when 'conversation' then uses.is_answered",
    ),
    Mutation(
        "inbound_is_no_attempt",
        "int_customers__contact_allowance",
        "direction = 'outbound' as is_attempt",
        "true as is_attempt",
    ),
    Mutation(
        "limit_per_number",
        "int_customers__contact_allowance",
        "when 'contact_point' then contact_point_id",
        "when 'contact_point' then null",
    ),
    Mutation("limit_per_loan", "int_customers__contact_allowance", "limits.per <> 'loan'", "true"),
    Mutation(
        "channels_are_counted_together",
        "int_customers__contact_allowance",
        "when limits.channel is null then 'all'",
        "when limits.channel is null then 'own'",
    ),
    Mutation(
        "nothing_allowed_is_nothing_left",
        "int_customers__considered",
        "or rules.is_day_used_up",
        "",
    ),
    Mutation(
        "rows_share_what_is_left",
        "int_customers__contact_turn",
        "sum(in_turn.granted[place])",
        "sum(0 * in_turn.granted[place])",
    ),
    Mutation(
        "pause_has_its_days",
        "int_customers__considered",
        "- holds.since_on < closures.blocks_days",
        "- holds.since_on <= closures.blocks_days",
    ),
    Mutation("pause_after_a_conversation", "int_customers__hold", "        is_right_party\n", "        is_contact\n"),
    # Treatment
    Mutation(
        "hardship_is_care",
        "int_customers__treatment",
        "(treatments.channel = 'care' or not circumstances.has_hardship)",
        "true",
    ),
    Mutation(
        "days_of_treatment",
        "int_customers__treatment",
        "scope.days_past_due_counted >= coalesce(treatments.dpd_from, 0)",
        "true",
    ),
    Mutation("lost_on_three_days", "int_customers__conduct", "tries.days >= 3", "tries.days >= 4"),
    Mutation("lost_by_nobody_reached", "int_customers__conduct", "and not tries.is_reached", ""),
    Mutation(
        "wilful_who_could_pay",
        "int_customers__conduct",
        "and (\n            paid_elsewhere.customer_id is not null",
        "and (\n            true",
    ),
    Mutation("vulnerable_is_not_wilful", "int_customers__circumstance", "and excused.customer_id is null", ""),
    # Approval and capacity
    Mutation("referral_waits_for_approval", "int_customers__considered", "channels.channel = 'legal'", "false"),
    Mutation(
        "two_approve",
        "fct_contact_decision",
        "verdicts.approvers >= ledger.approvals_required",
        "verdicts.approvers >= 1",
    ),
    Mutation("nobody_is_against_it", "fct_contact_decision", "and not verdicts.is_refused", ""),
    Mutation(
        "capacity",
        "int_customers__contact_turn",
        "priority > daily_capacity",
        "priority > daily_capacity + 1",
    ),
    Mutation(
        "highest_value_first",
        "int_customers__contact_turn",
        "expected_value desc, tie_breaker asc",
        "expected_value asc, tie_breaker asc",
    ),
    Mutation(
        "longest_wait_first",
        "int_customers__contact_turn",
        "ordered.days_waited >= ordered.longest_wait_days",
        "false",
    ),
    # Lists
    Mutation(
        "list_holds_contacts_only",
        "int_contact_list__phone",
        "and decision = 'contact'\n        and reason_code is null",
        "",
    ),
    Mutation(
        "list_holds_every_contact",
        "int_contact_list__sms",
        "and decision = 'contact'",
        "and decision = 'contact' and attempts > 1",
    ),
    # Experiments
    Mutation("hold_out_is_left_alone", "int_customers__considered", "arms.treatment = 'hold_out' and", "false and"),
    Mutation(
        "hold_out_gets_help", "int_customers__considered", "= 'hold_out' and channels.is_optional", "= 'hold_out'"
    ),
    Mutation(
        "challenger_leaves_help_alone",
        "int_customers__treatment",
        "case when channels.is_optional then",
        "case when true then",
    ),
    Mutation("challenger_speaks_of_its_tiers", "int_customers__treatment", "and scope.tier = challenged.tier", ""),
    Mutation("each_experiment_draws_anew", "int_customers__experiment", "begun.experiment || '|' || ", ""),
    Mutation("experiment_is_about_its_tiers", "int_customers__experiment", "' tier=' || scope.tier || ' '", "' tier='"),
    Mutation("experiment_ends", "int_customers__experiment", "experiments.valid_to > ", "experiments.valid_to >= "),
    Mutation(
        "those_who_owe_together_share_an_arm",
        "int_customers__experiment",
        "coalesce(units.unit_id, scope.customer_id)",
        "scope.customer_id",
    ),
    Mutation(
        "and_those_who_owe_with_them",
        "int_customers__experiment",
        "together.other_id = joint.customer_id",
        "together.customer_id = joint.customer_id",
    ),
    Mutation(
        "loan_of_later_changes_no_arm", "int_customers__experiment", "begun.valid_from > debtors.disbursed_on", "true"
    ),
]
