"""For each reason not to contact somebody: a customer to whom it applies, and one to whom it narrowly does not."""

from datetime import time, timedelta
from decimal import Decimal

from decision_world import World

SUPPRESSED = "suppress"
ELSEWHERE = {"jurisdiction": "XX", "time_zone": "Asia/Shanghai"}
"""A customer of a jurisdiction without a pack of its own, in the bank's time zone."""
FORMER_NUMBER = "+8613800010001"
"""What the bank had on file for somebody before he gave another number."""
Case = tuple[str, str, str | None]
"""Customer, channel, and the reason that must be among all reasons (None: the row is a contact)."""

FLAGS = (
    "deceased bankruptcy legal_proceedings represented cease_contact erasure_requested active_military fraud_victim"
    " disputed moratorium vulnerable hardship_requested"
).split()
VISIT_FLAGS = ("no_visits", "unsafe_address")


def build_cases(world: World) -> list[Case]:
    """Add a customer for each case to the world; what is expected of him."""
    cases: list[Case] = []
    for part in (
        _tiers,
        _flags,
        _arrears,
        _complaints,
        _plans,
        _promises,
        _consent,
        _contact_points,
        _vendor_results,
        _frequency,
        _windows,
        _packs,
        _requirements,
        _capacity,
    ):
        cases += part(world)
    return cases


def _tiers(world: World) -> list[Case]:
    world.customer("pre3", dpd=-3)
    world.customer("pre4", dpd=-4)
    world.customer("m1_7", dpd=7)
    world.customer("m1_8", dpd=8)
    world.customer("m2", dpd=31)
    world.customer("m4", dpd=100)
    world.customer("m7", dpd=200)
    world.customer("lost_debt", dpd=200)
    world.rows["loans"][-1].update(status="written_off", written_off_on=world.as_of - timedelta(days=5))
    return [
        ("pre3", "sms", None),
        ("pre3", "phone", "NOT_THIS_TIER"),
        ("m1_7", "sms", None),
        ("m1_7", "phone", "NOT_THIS_TIER"),
        ("m1_8", "sms", None),
        ("m1_8", "phone", None),
        ("m2", "sms", "NOT_THIS_TIER"),
        ("m2", "phone", None),
        ("m2", "care", "REQUIREMENT_NOT_MET"),
        ("m4", "phone", None),
        ("m4", "field_visit", "REQUIREMENT_NOT_MET"),
        ("m7", "phone", "NOT_THIS_TIER"),
        ("m7", "legal", "REQUIREMENT_NOT_MET"),
        ("lost_debt", "care", None),
        ("lost_debt", "phone", "NOT_THIS_TIER"),
    ]


def _flags(world: World) -> list[Case]:
    cases: list[Case] = []
    for flag in (*FLAGS, "martian"):
        reason = "UNKNOWN_FLAG" if flag == "martian" else flag.upper()
        world.customer(f"{flag}_now")
        world.flag(f"{flag}_now", flag)
        world.customer(f"{flag}_ended")
        world.flag(f"{flag}_ended", flag, end=0)
        world.customer(f"{flag}_tomorrow")
        world.flag(f"{flag}_tomorrow", flag, start=1)
        cases += [(f"{flag}_now", "phone", reason), (f"{flag}_ended", "phone", None)]
        cases += [(f"{flag}_tomorrow", "phone", None)]
    for flag in VISIT_FLAGS:
        for when, end in (("now", None), ("ended", 0)):
            world.customer(f"{flag}_{when}", dpd=100, phone=None)
            world.flag(f"{flag}_{when}", flag, end=end)
        cases += [(f"{flag}_now", "field_visit", flag.upper()), (f"{flag}_ended", "field_visit", None)]
    # Help goes on where collection stops; a moratorium covers who owes together with the customer.
    cases.append(("hardship_requested_now", "care", None))
    world.customer("joint", dpd=None)
    world.flag("joint", "moratorium")
    world.customer("guarantor", dpd=None)
    world.flag("guarantor", "moratorium")
    for name, role in (("joint", "co_debtor"), ("guarantor", "guarantor")):
        world.customer(f"with_{name}", jurisdiction="GB")
        world.add("loan_parties", loan_id=f"with_{name}-L1", customer_id=name, role=role)
    world.customer("with_joint_in_cn")
    world.add("loan_parties", loan_id="with_joint_in_cn-L1", customer_id="joint", role="co_debtor")
    # Whichever of the two the loan is booked for.
    world.customer("borrower", jurisdiction="GB")
    world.flag("borrower", "moratorium")
    world.customer("owes_with_borrower", jurisdiction="GB")
    world.add("loan_parties", loan_id="borrower-L1", customer_id="owes_with_borrower", role="co_debtor")
    return [
        *cases,
        ("with_joint", "phone", "MORATORIUM"),
        ("owes_with_borrower", "phone", "MORATORIUM"),
        ("with_guarantor", "phone", None),
        ("with_joint_in_cn", "phone", None),
    ]


def _arrears(world: World) -> list[Case]:
    world.customer("tiny", arrears="9.99")
    world.customer("small", arrears="10.00")
    world.customer("two_currencies")
    world.loan("two_currencies-L2", "two_currencies", dpd=-30, currency="USD")
    return [("tiny", "phone", "BELOW_MINIMUM"), ("small", "phone", None), ("two_currencies", "phone", None)]


def _complaints(world: World) -> list[Case]:
    for name, closed_days_ago in (("complaint_open", None), ("complaint_closed", 1)):
        world.customer(name)
        at = world.instant(days_ago=5)
        closed_at = None if closed_days_ago is None else world.instant(days_ago=closed_days_ago)
        world.add("complaints", complaint_id=name, customer_id=name, received_at=at, closed_at=closed_at)
    return [("complaint_open", "phone", "COMPLAINT_OPEN"), ("complaint_closed", "phone", None)]


def _plans(world: World) -> list[Case]:
    def plan(name: str, kind: str, *, starts: int, ends: int, status: str = "accepted", **columns: object) -> None:
        world.customer(name)
        start, end = (world.as_of + timedelta(days=days) for days in (starts, ends))
        world.add(
            "hardship_arrangements",
            arrangement_id=name,
            loan_id=f"{name}-L1",
            kind=kind,
            starts_on=start,
            ends_on=end,
            status=status,
            **columns,
        )

    plan("paused", "payment_pause", starts=-10, ends=10)
    plan("pause_over", "payment_pause", starts=-20, ends=0)
    plan("pause_offered", "payment_pause", starts=-10, ends=10, status="offered")
    plan("pause_ahead", "payment_pause", starts=5, ends=30, accepted_on=world.as_of - timedelta(days=1))
    plan("reduced_kept", "reduced_payment", starts=-50, ends=60, reduced_amount=Decimal("50.00"))
    world.pay("reduced_kept-L1", "50.00", on=world.as_of - timedelta(days=43))
    plan("reduced_short", "reduced_payment", starts=-50, ends=60, reduced_amount=Decimal("50.00"))
    world.pay("reduced_short-L1", "49.99", on=world.as_of - timedelta(days=43))
    return [
        ("paused", "phone", "HARDSHIP_ACTIVE"),
        ("paused", "care", "HARDSHIP_ACTIVE"),
        ("pause_over", "phone", None),
        ("pause_offered", "phone", None),
        ("pause_ahead", "phone", "HARDSHIP_ACTIVE"),
        ("reduced_kept", "phone", "HARDSHIP_ACTIVE"),
        ("reduced_short", "phone", None),
    ]


def _promises(world: World) -> list[Case]:
    for name, due_days_ago in (("promise_due", -2), ("promise_last_day", 3), ("promise_broken", 4)):
        world.customer(name)
        world.promise(name, "500.00", days_ago=10, due_days_ago=due_days_ago)
    world.customer("promise_kept", arrears="500.00")
    world.promise("promise_kept", "200.00", days_ago=10, due_days_ago=-2)
    world.pay("promise_kept-L1", "200.00", on=world.as_of - timedelta(days=3))
    world.customer("promise_bounced", arrears="500.00")
    world.promise("promise_bounced", "200.00", days_ago=10, due_days_ago=-2)
    paid = world.pay("promise_bounced-L1", "200.00", on=world.as_of - timedelta(days=3))
    world.pay("promise_bounced-L1", "200.00", kind="reversal", on=world.as_of - timedelta(days=1), reverses=paid)
    return [
        ("promise_due", "phone", "PROMISE_OPEN"),
        ("promise_last_day", "phone", "PROMISE_OPEN"),
        ("promise_broken", "phone", None),
        ("promise_kept", "phone", None),
        ("promise_bounced", "phone", "PROMISE_OPEN"),
    ]


def _consent(world: World) -> list[Case]:
    def say(name: str, channel: str, consent: str, days_ago: int = 100, **columns: object) -> None:
        world.add(
            "contact_consents",
            customer_id=name,
            channel=channel,
            consent=consent,
            valid_from=world.as_of - timedelta(days=days_ago),
            **columns,
        )

    names = "no_calls no_sms changed_mind no_calls_for_help all_refused opted_out opted_in stop_by_mail"
    for name in names.split():
        world.customer(name, dpd=12)
    say("no_calls", "phone", "refused")
    say("no_sms", "sms", "refused")
    say("changed_mind", "phone", "refused", days_ago=50)
    say("changed_mind", "phone", "granted", days_ago=10)
    say("all_refused", "all", "refused")
    say("no_calls_for_help", "phone", "refused")
    world.flag("no_calls_for_help", "hardship_requested")
    world.interaction("opted_out", "opt_out", days_ago=40)
    world.interaction("opted_in", "opt_out", days_ago=40)
    say("opted_in", "phone", "granted", days_ago=20)
    world.interaction("stop_by_mail", "opt_out", days_ago=40, channel="email", direction="inbound")
    world.customer("no_calls_at_all")
    world.plan("no_calls_at_all", "care", "opt_out", days_ago=20)
    return [
        ("no_calls", "phone", "CHANNEL_REFUSED"),
        ("no_calls", "sms", None),
        ("no_sms", "sms", "CHANNEL_REFUSED"),
        ("no_sms", "phone", None),
        ("changed_mind", "phone", None),
        ("all_refused", "sms", "CHANNEL_REFUSED"),
        ("no_calls_for_help", "care", "CHANNEL_REFUSED"),
        ("opted_out", "phone", "CHANNEL_REFUSED"),
        ("opted_out", "sms", None),
        ("opted_in", "phone", None),
        ("stop_by_mail", "sms", "CHANNEL_REFUSED"),
        ("no_calls_at_all", "phone", "CHANNEL_REFUSED"),
    ]


def _contact_points(world: World) -> list[Case]:
    def phone(name: str, value: str = "", **columns: object) -> None:
        world.customer(name, phone=None)
        number = value or f"+8615{world.number():09d}"
        world.point(f"{name}-P1", name, value=number, **columns)

    world.customer("no_number", phone=None)
    phone("third_party", relation="third_party")
    phone("bought", source="purchased")
    phone("public", source="public")
    phone("unsaid", source=None)
    phone("dead_number", is_valid=False)
    phone("untested", is_valid=None)
    phone("not_e164", value="13800000000")
    phone("refused_point", consent="refused")
    phone("second_number", is_valid=False)
    world.point("second_number-P2", "second_number", kind="landline", value="+862155500001")
    phone("shared_a", value="+8613911110000")
    phone("shared_b", value="+86 139 1111 0000")
    phone("own_number", value="+8613922220000")
    world.customer("names_friend")
    world.point("names_friend-P2", "names_friend", value="+8613922220000", relation="third_party")
    return [
        ("no_number", "phone", "NO_CONTACT_POINT"),
        ("third_party", "phone", "NO_CONTACT_POINT"),
        ("bought", "phone", "NO_CONTACT_POINT"),
        ("public", "phone", None),
        ("unsaid", "phone", None),
        ("dead_number", "phone", "CONTACT_POINT_INVALID"),
        ("untested", "phone", None),
        ("not_e164", "phone", "CONTACT_POINT_INVALID"),
        ("refused_point", "phone", "CHANNEL_REFUSED"),
        ("second_number", "phone", None),
        ("shared_a", "phone", "NUMBER_SHARED"),
        ("shared_b", "phone", "NUMBER_SHARED"),
        ("own_number", "phone", None),
    ]


def _vendor_results(world: World) -> list[Case]:
    """What vendors report works as a flag from the moment it is read."""
    cases: list[Case] = []
    told = {
        "opt_out": "CHANNEL_REFUSED",
        "deceased": "DECEASED",
        "wrong_party": "CONTACT_POINT_INVALID",
        "invalid_number": "CONTACT_POINT_INVALID",
        "disputed": "DISPUTED",
        "hardship_request": "HARDSHIP_REQUESTED",
    }
    for disposition, reason in told.items():
        name = f"told_{disposition}"
        world.customer(name)
        world.plan(name, "phone", disposition, days_ago=20)
        cases.append((name, "phone", reason))
    world.customer("told_unsafe", dpd=100, phone=None)
    world.plan("told_unsafe", "field_visit", "unsafe", days_ago=20, point="told_unsafe-A1")
    # Whatever became of the list, a death or a dispute was reported.
    for state, disposition in (("refused", "deceased"), ("superseded", "disputed"), ("expired", "hardship_request")):
        world.customer(f"told_on_{state}")
        world.plan(f"told_on_{state}", "phone", disposition, days_ago=20, state=state)
        cases.append((f"told_on_{state}", "phone", told[disposition]))
    world.customer("told_refused")
    world.plan("told_refused", "phone", "refused", days_ago=20)
    # Somebody decided since.
    world.customer("dispute_settled")
    world.plan("dispute_settled", "phone", "disputed", days_ago=20)
    world.flag("dispute_settled", "disputed", start=-19, end=-2)
    # Disputed once more on the day on which the first dispute was over.
    world.customer("disputed_again")
    world.plan("disputed_again", "phone", "disputed", days_ago=5)
    world.flag("disputed_again", "disputed", start=-20, end=-5)
    # Asked for help under a plan; that the plan ended since is no answer.
    world.customer("asked_again")
    world.plan("asked_again", "phone", "hardship_request", days_ago=8)
    world.add(
        "hardship_arrangements",
        arrangement_id="asked_again",
        loan_id="asked_again-L1",
        kind="payment_pause",
        starts_on=world.as_of - timedelta(days=40),
        ends_on=world.as_of + timedelta(days=40),
        status="broken",
        accepted_on=world.as_of - timedelta(days=40),
        ended_on=world.as_of - timedelta(days=6),
        updated_at=world.instant(days_ago=2),
    )
    world.customer("help_declined")
    world.plan("help_declined", "phone", "hardship_request", days_ago=20)
    world.add(
        "hardship_arrangements",
        arrangement_id="help_declined",
        loan_id="help_declined-L1",
        kind="payment_pause",
        starts_on=world.as_of - timedelta(days=10),
        ends_on=world.as_of + timedelta(days=80),
        status="declined",
    )
    world.customer("new_number", phone=None)
    world.point("new_number-P1", "new_number", value=FORMER_NUMBER, updated_at=world.instant(days_ago=90))
    world.point("new_number-P1", "new_number", value="+8613800010009", updated_at=world.instant(days_ago=2))
    world.plan("new_number", "phone", "wrong_party", days_ago=20)
    world.customer("wrong_second")
    world.point("wrong_second-P2", "wrong_second", value="+8613800010002")
    wrong = {"disposition": "wrong_party", "contact_point_ref": "alternate_phone"}
    world.plan("wrong_second", "phone", wrong, days_ago=20)
    return [
        *cases,
        ("told_hardship_request", "care", None),
        ("told_unsafe", "field_visit", "UNSAFE_ADDRESS"),
        ("told_refused", "phone", None),
        ("dispute_settled", "phone", None),
        ("disputed_again", "phone", "DISPUTED"),
        ("asked_again", "phone", "HARDSHIP_REQUESTED"),
        ("help_declined", "phone", None),
        ("new_number", "phone", None),
        ("wrong_second", "phone", None),
    ]


def _frequency(world: World) -> list[Case]:
    def calls(name: str, disposition: str, *days_ago: int, **columns: object) -> None:
        world.customer(name, **ELSEWHERE)
        for hour, day in enumerate(days_ago):
            world.interaction(name, disposition, days_ago=day, hour=hour, **columns)

    calls("answered_3", "met_third_party", 0, 0, 0)
    calls("answered_2", "met_third_party", 0, 0)
    calls("called_4", "no_answer", 0, 0, 0, 0)
    calls("called_3", "no_answer", 0, 0, 0)
    calls("called_in", "claims_paid", 9, direction="inbound")
    calls("week_7", "no_answer", 1, 2, 3, 4, 5, 6, 6)
    calls("week_6", "no_answer", 1, 2, 3, 4, 5, 6)
    calls("week_over", "no_answer", 7, 7, 7, 7, 7, 7, 7)
    calls("other_loan", "no_answer", 1, 2, 3, 4, 5, 6, 6, loan_id="answered_2-L1")
    calls("planned", "no_answer", 2, 3, 4, 5)
    world.plan("planned", "phone", days_ago=1)
    calls("lapsed", "no_answer", 2, 3, 4, 5)
    world.plan("lapsed", "phone", days_ago=5)
    calls("reported", "no_answer", 2, 3, 4, 5)
    world.plan("reported", "phone", "no_answer", "met_third_party", days_ago=1)
    calls("refused_list", "no_answer", 2, 3, 4, 5)
    world.plan("refused_list", "phone", days_ago=1, state="refused")
    calls("called_on_refused_list", "no_answer", 2, 3, 4, 5)
    world.plan("called_on_refused_list", "phone", "no_answer", "busy", "voicemail", days_ago=1, state="refused")
    for name, days_ago in (("talked_6", 6), ("talked_7", 7)):
        calls(name, "right_party_no_promise", days_ago)
    calls("talked_in", "right_party_no_promise", 3, direction="inbound")
    world.customer("texted_today", dpd=5, **ELSEWHERE)
    world.interaction("texted_today", "delivered", days_ago=0, channel="sms")
    world.customer("texted_thrice", dpd=5, **ELSEWHERE)
    world.customer("texted_twice", dpd=5, **ELSEWHERE)
    for day in (1, 3, 6):
        world.interaction("texted_thrice", "delivered", days_ago=day, channel="sms")
        world.interaction("texted_twice", "delivered", days_ago=day + 1, channel="sms")
    return [
        ("answered_3", "phone", "FREQUENCY_DAY"),
        ("answered_2", "phone", None),
        ("called_4", "phone", "FREQUENCY_DAY"),
        ("called_3", "phone", None),
        ("called_in", "phone", None),
        ("week_7", "phone", "FREQUENCY_PERIOD"),
        ("week_6", "phone", None),
        ("week_over", "phone", None),
        ("other_loan", "phone", None),
        ("planned", "phone", "FREQUENCY_PERIOD"),
        ("lapsed", "phone", None),
        ("reported", "phone", None),
        ("refused_list", "phone", None),
        ("called_on_refused_list", "phone", "FREQUENCY_PERIOD"),
        ("talked_6", "phone", "CONVERSATION_PAUSE"),
        ("talked_7", "phone", None),
        ("talked_in", "phone", "CONVERSATION_PAUSE"),
        ("texted_today", "sms", "FREQUENCY_DAY"),
        ("texted_thrice", "sms", "FREQUENCY_PERIOD"),
        ("texted_twice", "sms", None),
    ]


def _windows(world: World) -> list[Case]:
    world.customer("nowhere", jurisdiction="XX", time_zone=None)
    world.customer("somewhere", jurisdiction="XX", time_zone="Asia/Tokyo")
    world.customer("misspelt", jurisdiction="XX", time_zone="Asia/Tokio")
    world.customer("anywhere_us", jurisdiction="US", time_zone=None)
    for name, start, end in (("evenings", time(18), time(21)), ("nights", time(19), time(21))):
        world.customer(name, **ELSEWHERE)
        world.add(
            "contact_consents",
            customer_id=name,
            channel="phone",
            consent="granted",
            valid_from=world.as_of - timedelta(days=9),
            preferred_from=start,
            preferred_to=end,
        )
    # The eighteenth of March is a public holiday in Aruba.
    world.customer("holiday_visit", dpd=100, phone=None, jurisdiction="AW", time_zone="America/Aruba")
    world.customer("holiday_call", jurisdiction="AW", time_zone="America/Aruba")
    return [
        ("nowhere", "phone", "CLOSED_TODAY"),
        ("somewhere", "phone", None),
        ("misspelt", "phone", "CLOSED_TODAY"),
        ("anywhere_us", "phone", None),
        ("evenings", "phone", None),
        ("nights", "phone", "CLOSED_TODAY"),
        ("holiday_visit", "field_visit", "CLOSED_TODAY"),
        ("holiday_call", "phone", None),
    ]


def _packs(world: World) -> list[Case]:
    """The same facts under the packs of different jurisdictions."""
    cases: list[Case] = []
    for jurisdiction, calls_of_a_week, talked in (
        ("CN", None, None),
        ("US", "FREQUENCY_PERIOD", "CONVERSATION_PAUSE"),
        ("GB", "FREQUENCY_PERIOD", None),
        ("IN", "FREQUENCY_PERIOD", None),
    ):
        # 15:00 UTC is the same day in all of them.
        often, spoken = f"often_{jurisdiction}", f"spoken_{jurisdiction}"
        world.customer(often, jurisdiction=jurisdiction)
        for day in (1, 1, 2, 3, 4, 5, 6):
            world.interaction(often, "no_answer", days_ago=day, hour=15)
        world.customer(spoken, jurisdiction=jurisdiction)
        world.interaction(spoken, "right_party_no_promise", days_ago=3, hour=15)
        cases += [(often, "phone", calls_of_a_week), (spoken, "phone", talked)]
        world.customer(f"visited_{jurisdiction}", dpd=100, phone=None, jurisdiction=jurisdiction)
        world.interaction(f"visited_{jurisdiction}", "met_customer", days_ago=6, hour=15, channel="email")
        cases.append((f"visited_{jurisdiction}", "field_visit", "CONVERSATION_PAUSE"))
    for name, jurisdiction, reason in (
        ("late_cn", "CN", None),
        ("late_eu", "EU", None),
        ("late_in", "IN", "CLOSED_TODAY"),
    ):
        world.customer(name, jurisdiction=jurisdiction, time_zone="Europe/Berlin" if jurisdiction == "EU" else "")
        world.add(
            "contact_consents",
            customer_id=name,
            channel="phone",
            consent="granted",
            valid_from=world.as_of - timedelta(days=9),
            preferred_from=time(19),
            preferred_to=time(23),
        )
        cases.append((name, "phone", reason))
    return cases


def _requirements(world: World) -> list[Case]:
    world.customer("vanished", dpd=100)
    world.customer("seen_lately", dpd=100)
    world.customer("only_mornings", dpd=100)
    for name, hours in (("vanished", (1, 7, 1, 7, 1)), ("seen_lately", (1, 7, 1, 7, 1)), ("only_mornings", (1,) * 5)):
        for day, hour in enumerate(hours):
            world.interaction(name, "no_answer", days_ago=20 + day % 3, hour=hour)
    world.interaction("seen_lately", "right_party_no_promise", days_ago=15)
    for name in ("refuses", "refuses_poor", "refuses_vulnerable", "breaks_promises", "breaks_one", "refused_long_ago"):
        world.customer(name, dpd=200, monthly_income=Decimal("1499.99" if name == "refuses_poor" else "1500.00"))
    for name in ("refuses", "refuses_poor", "refuses_vulnerable"):
        world.interaction(name, "refused", days_ago=20)
    world.interaction("refused_long_ago", "refused", days_ago=90)
    world.flag("refuses_vulnerable", "vulnerable")
    for name, days in (("breaks_promises", (60, 40)), ("breaks_one", (40,))):
        for day in days:
            world.promise(name, "100.00", days_ago=day, due_days_ago=day - 5)
    return [
        ("vanished", "field_visit", None),
        ("seen_lately", "field_visit", "REQUIREMENT_NOT_MET"),
        ("only_mornings", "field_visit", "REQUIREMENT_NOT_MET"),
        ("refuses", "legal", "NOT_APPROVED"),
        ("refuses_poor", "legal", "REQUIREMENT_NOT_MET"),
        ("refuses_vulnerable", "legal", "REQUIREMENT_NOT_MET"),
        ("refused_long_ago", "legal", "REQUIREMENT_NOT_MET"),
        ("breaks_promises", "legal", "NOT_APPROVED"),
        ("breaks_one", "legal", "REQUIREMENT_NOT_MET"),
    ]


def _capacity(world: World) -> list[Case]:
    """More visits than a hundred a day: those that are worth least stay at home."""
    for number in range(110):
        world.customer(f"visit_{number:03d}", dpd=170, phone=None, arrears=f"{100 + number}.00")
    return [("visit_000", "field_visit", "CAPACITY"), ("visit_109", "field_visit", None)]
