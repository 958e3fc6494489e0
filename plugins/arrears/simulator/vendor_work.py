"""How a demo vendor takes a list and works it: pure functions of the list, the manifest and a seed.

**Measured** on 45,211 phone contacts of a bank (UCI Bank Marketing, full set): how often a dial reaches the person,
and how long people talk, with and without success. **Assumed**, since no public record of collection calls exists: all
other rates below. They only have to be believable; nothing is decided by them.

The same list gives the same results, row by row: a row's chance depends on the seed, the batch and its own reference
only, so a row that is called back changes nothing for the others.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from zoneinfo import ZoneInfo

from arrears.domain.money import minor_digits
from arrears.domain.vendor_results import RESULT_FIELDS, earliest_attempt

DIALS_UNTIL_REACHED = 2.764
"""Measured: mean of `campaign`, the dials that a contact took. Its inverse is the chance of a dial."""
TALK_LOG_SECONDS = (5.047, 0.895)
"""Measured: mean and deviation of the logarithm of `duration` in seconds, where `y` is no."""
TALK_LOG_SECONDS_WITH_PROMISE = (6.037, 0.726)
"""Measured: the same where `y` is yes."""

REACHED = "reached"
_REACH = 1 / DIALS_UNTIL_REACHED
Odds = Mapping[str, float]

DIAL: Odds = {
    REACHED: _REACH,
    "no_answer": 0.86 - _REACH,
    "busy": 0.04,
    "voicemail": 0.07,
    "wrong_party": 0.015,
    "invalid_number": 0.014,
    "deceased": 0.001,
}
"""What one dial ends in."""
COLLECTION_TALK: Odds = {
    "promise_to_pay": 0.36,
    "right_party_no_promise": 0.25,
    "refused": 0.11,
    "claims_paid": 0.08,
    "disputed": 0.05,
    "hardship_request": 0.11,
    "opt_out": 0.04,
}
"""What a conversation about a debt ends in."""
CARE_TALK: Odds = {
    "hardship_request": 0.45,
    "promise_to_pay": 0.20,
    "right_party_no_promise": 0.24,
    "refused": 0.05,
    "claims_paid": 0.04,
    "opt_out": 0.02,
}
"""What a conversation about help ends in."""
MESSAGE: Odds = {"delivered": 0.955, "undelivered": 0.02, "invalid_number": 0.014, "opt_out": 0.011}
VISIT: Odds = {
    "not_at_address": 0.46,
    "met_customer": 0.20,
    "met_third_party": 0.13,
    "promise_to_pay": 0.12,
    "hardship_request": 0.04,
    "refused": 0.035,
    "unsafe": 0.014,
    "deceased": 0.001,
}
REFERRAL: Odds = {"filed": 0.70, "settled": 0.12, "returned": 0.18}

REASONS: Mapping[str, tuple[str, ...]] = {
    "promise_to_pay": ("forgot", "payment_failed", "income_late"),
    "hardship_request": ("job_lost", "income_reduced", "illness", "family_event", "other_debts"),
    "refused": ("unwilling", "other_debts"),
    "disputed": ("disputes_amount",),
    "right_party_no_promise": ("not_asked", "income_late", "other"),
}
"""Why people say that they do not pay, by what the conversation ended in; codes of the seed `nonpayment_reasons`."""
COST_PER_ATTEMPT = {"sms": "0.05", "phone": "1.20", "field_visit": "25.00", "legal": "150.00", "care": "2.00"}
PROMISED_SHARE = ((Decimal(1), 0.6), (Decimal("0.5"), 0.25), (Decimal("0.25"), 0.15))
PROMISED_WITHIN_DAYS = (2, 14)
COMPLAINT_SHARE = 0.006
RATING_SHARE = 0.15
RATINGS = (1, 2, 3, 3, 4, 4, 4, 5, 5)
SHORTEST_TALK, LONGEST_TALK = 5, 3600
REVIEWED_SHARE = 0.1
"""Share of recordings that the vendor's own quality team hears."""
REVIEW_BREACHES = ("identity_not_checked", "pressure", "disclosure")
BREACH_SHARE = 0.03
MOST_DIALS = 3
TAKING_A_LIST = timedelta(minutes=5)
"""From a list's making to the first attempt, its way to the vendor included."""
WORKING_DAY = (time(9), time(17))
"""When a channel without windows (legal) works, in the bank's zone."""

_TALKING = ("phone", "care")
_NO_CONVERSATION = frozenset({"no_answer", "busy", "voicemail", "invalid_number"})
_RESULT_COLUMNS = tuple(field.name for field in RESULT_FIELDS)

Row = Mapping[str, str]


@dataclass(frozen=True)
class Conduct:
    """How a played vendor behaves, beside the odds."""

    bank_tz: ZoneInfo
    seed: int = 1
    bad_row_share: float = 0.01
    """Share of result rows that are spoiled in one of the ways that real files are."""
    collectors: Sequence[str] = ()
    """Who works; empty for a vendor whose machines do (SMS)."""


@dataclass(frozen=True)
class Attempt:
    """One row of results to be, and when it happened."""

    attempted_at: datetime
    contact_ref: str
    row: Row


@dataclass(frozen=True)
class Played:
    """A vendor's answers to one list."""

    ack: Mapping[str, object]
    attempts: tuple[Attempt, ...]


def play_batch(
    manifest: Mapping[str, object], rows: Sequence[Row], conduct: Conduct, *, found: Mapping[str, object]
) -> Played:
    """Take a contact list and work it.

    Args:
        rows: The list, as read from its file.
        found: What the vendor itself found: `rows`, `sha256` and `received_at`.

    Returns:
        The acknowledgement, and every attempt in the order of time. A list that is not what its manifest says is
        refused as a whole: nothing of it is worked.
    """
    if not _is_as_announced(manifest, found):
        return Played({"batch_id": manifest["batch_id"], **found, "accepted": 0, "rejected": []}, ())
    rejected = [
        {"contact_ref": row["contact_ref"], "reason": "the number cannot be dialled"}
        for row in rows
        if not _is_dialable(row)
    ]
    unworkable = {entry["contact_ref"] for entry in rejected}
    attempts = [
        attempt for row in rows if row["contact_ref"] not in unworkable for attempt in _work_row(manifest, row, conduct)
    ]
    ack = {
        "batch_id": manifest["batch_id"],
        **found,
        "accepted": len(rows) - len(rejected),
        "rejected": rejected,
    }
    return Played(ack, tuple(sorted(attempts, key=lambda attempt: (attempt.attempted_at, attempt.contact_ref))))


def take_notice(manifest: Mapping[str, object], rows: int, *, found: Mapping[str, object]) -> Mapping[str, object]:
    """The acknowledgement of a stop file, a recall or a request for reviews: all or nothing of it is taken."""
    accepted = rows if _is_as_announced(manifest, found) else 0
    return {"batch_id": manifest["batch_id"], **found, "accepted": accepted, "rejected": []}


def without_dropped(attempts: Sequence[Attempt], dropped: Mapping[str, datetime]) -> list[Attempt]:
    """The attempts that are still made when the bank called references back from these instants on."""
    return [
        attempt
        for attempt in attempts
        if attempt.contact_ref not in dropped or attempt.attempted_at < dropped[attempt.contact_ref]
    ]


def review(attempts: Sequence[Attempt], as_of: date, vendor: str, seed: int) -> list[Row]:
    """The quality team's reviews of some of the recordings."""
    rows = []
    for attempt in attempts:
        reference, collector_id = attempt.row["recording_ref"], attempt.row["collector_id"]
        rng = Random(f"{seed} review {reference}")
        # A review is of somebody: where nobody has a name, there is none.
        if reference and collector_id and rng.random() < REVIEWED_SHARE:
            rows.append(_reviewed(reference, collector_id, as_of, vendor, rng))
    return rows


def review_requested(requests: Sequence[Row], as_of: date, vendor: str, seed: int) -> list[Row]:
    """The reviews of the recordings that the bank asked for."""
    return [
        _reviewed(row["recording_ref"], row["collector_id"], as_of, vendor, Random(f"{seed} {row['recording_ref']}"))
        for row in requests
    ]


def _reviewed(reference: str, collector_id: str, as_of: date, vendor: str, rng: Random) -> Row:
    is_breach = rng.random() < BREACH_SHARE
    return {
        "recording_ref": reference,
        "collector_id": collector_id,
        "reviewed_on": as_of.isoformat(),
        "score": str(rng.randint(20, 55) if is_breach else rng.randint(60, 100)),
        "breach_code": rng.choice(REVIEW_BREACHES) if is_breach else "",
        "reviewer": f"{vendor}-qa-{rng.randint(1, 3)}",
    }


# Taking a list ------------------------------------------------------------------------------------------------------


def _is_as_announced(manifest: Mapping[str, object], found: Mapping[str, object]) -> bool:
    announced = first_file(manifest)
    return announced is not None and all(announced[name] == found[name] for name in ("rows", "sha256"))


def first_file(manifest: Mapping[str, object]) -> Mapping[str, object] | None:
    """The list itself: the first file that the manifest names."""
    files = manifest["files"]
    return files[0] if isinstance(files, list) and files else None


def _is_dialable(row: Row) -> bool:
    phone = row.get("phone")
    return phone is None or (phone.startswith("+") and phone[1:].isdigit() and 8 <= len(phone) <= 16)


# Working a row ------------------------------------------------------------------------------------------------------


def _work_row(manifest: Mapping[str, object], row: Row, conduct: Conduct) -> list[Attempt]:
    rng = Random(f"{conduct.seed} {manifest['batch_id']} {row['contact_ref']}")
    window = _window(manifest, row, conduct)
    if window is None:
        return []
    channel = str(manifest["channel"])
    outcomes = _CHANNELS[channel](row, rng)
    instants = sorted(window[0] + (window[1] - window[0]) * rng.random() for _ in outcomes)
    attempts = []
    for number, (outcome, instant) in enumerate(zip(outcomes, instants, strict=True)):
        at = instant.replace(microsecond=0) + timedelta(seconds=number)
        result = _result(manifest, row, at, outcome, conduct, rng)
        if rng.random() < conduct.bad_row_share:
            result = _spoil(result, rng)
        attempts.append(Attempt(at, row["contact_ref"], result))
    return attempts


def _window(manifest: Mapping[str, object], row: Row, conduct: Conduct) -> tuple[datetime, datetime] | None:
    """When the row can be worked; None when that time was over before the list was taken."""
    as_of = date.fromisoformat(str(manifest["as_of"]))
    begin = earliest_attempt(as_of, datetime.fromisoformat(str(manifest["created_at"])), conduct.bank_tz)
    end = datetime.fromisoformat(str(manifest["valid_until"]))
    after, before = _bounds(row, as_of, conduct.bank_tz)
    begin, end = max(begin + TAKING_A_LIST, after), min(end, before)
    # A few attempts of a row are a second apart at least, and all of them within the window.
    begin, end = begin + timedelta(seconds=1), end - timedelta(seconds=MOST_DIALS)
    # Reported with the offset in which the list gave its window.
    return (begin.astimezone(after.tzinfo), end) if begin < end else None


def _bounds(row: Row, as_of: date, bank_tz: ZoneInfo) -> tuple[datetime, datetime]:
    for verb in ("send", "call", "visit"):
        if f"{verb}_after" in row:
            return datetime.fromisoformat(row[f"{verb}_after"]), datetime.fromisoformat(row[f"{verb}_before"])
    opens, closes = WORKING_DAY
    return datetime.combine(as_of, opens, tzinfo=bank_tz), datetime.combine(as_of, closes, tzinfo=bank_tz)


@dataclass(frozen=True)
class _Outcome:
    disposition: str
    contact_point: str = ""


def _message(row: Row, rng: Random) -> list[_Outcome]:
    return [_Outcome(_draw(MESSAGE, rng))]


def _calls(talk: Odds) -> Callable[[Row, Random], list[_Outcome]]:
    def dial(row: Row, rng: Random) -> list[_Outcome]:
        """Dials until something final comes of it; every second one to the other number, where there is one."""
        numbers = ["phone", "alternate_phone"] if row.get("alternate_phone") else ["phone"]
        is_listed = "alternate_phone" in row
        outcomes: list[_Outcome] = []
        for number in range(min(int(row.get("attempts_left") or 1), MOST_DIALS)):
            disposition = _draw(DIAL, rng)
            if disposition == REACHED:
                disposition = _draw(talk, rng)
            if disposition == "promise_to_pay" and not _owed(row):
                disposition = "right_party_no_promise"
            outcomes.append(_Outcome(disposition, numbers[number % len(numbers)] if is_listed else ""))
            if disposition not in ("no_answer", "busy", "voicemail"):
                break
        return outcomes

    return dial


def _visit(row: Row, rng: Random) -> list[_Outcome]:
    return [_Outcome(_draw(VISIT, rng))]


def _referral(row: Row, rng: Random) -> list[_Outcome]:
    return [_Outcome(_draw(REFERRAL, rng))]


_CHANNELS: Mapping[str, Callable[[Row, Random], list[_Outcome]]] = {
    "sms": _message,
    "phone": _calls(COLLECTION_TALK),
    "care": _calls(CARE_TALK),
    "field_visit": _visit,
    "legal": _referral,
}


def _draw(odds: Odds, rng: Random) -> str:
    return rng.choices(list(odds), weights=list(odds.values()))[0]


# Reporting an attempt -----------------------------------------------------------------------------------------------


def _result(
    manifest: Mapping[str, object], row: Row, at: datetime, outcome: _Outcome, conduct: Conduct, rng: Random
) -> dict[str, str]:
    channel, currency = str(manifest["channel"]), row.get("currency") or _only_currency(manifest)
    result = dict.fromkeys(_RESULT_COLUMNS, "")
    result |= {
        "contact_ref": row["contact_ref"],
        "contact_point_ref": outcome.contact_point,
        "attempted_at": at.isoformat(),
        "disposition": outcome.disposition,
        "collector_id": "" if channel == "sms" else _collector(row, conduct, rng),
        "currency": currency,
        # An amount needs a currency, and a list without amounts does not tell one.
        "cost": COST_PER_ATTEMPT[channel] if currency else "",
    }
    if channel in _TALKING and outcome.disposition not in _NO_CONVERSATION:
        result |= _conversation(manifest, row, at, outcome, rng)
    if outcome.disposition == "promise_to_pay":
        result |= _promise(row, at, currency, rng)
    if outcome.disposition in REASONS:
        result["nonpayment_reason"] = rng.choice(REASONS[outcome.disposition])
    return result


def _only_currency(manifest: Mapping[str, object]) -> str:
    file = first_file(manifest)
    totals = file["control_totals"] if file else {}
    return str(next(iter(totals))) if isinstance(totals, dict) and len(totals) == 1 else ""


def _collector(row: Row, conduct: Conduct, rng: Random) -> str:
    hint = row.get("collector_hint", "")
    if hint in conduct.collectors:
        return hint
    return rng.choice(list(conduct.collectors)) if conduct.collectors else ""


def _conversation(
    manifest: Mapping[str, object], row: Row, at: datetime, outcome: _Outcome, rng: Random
) -> dict[str, str]:
    mean, deviation = TALK_LOG_SECONDS_WITH_PROMISE if outcome.disposition == "promise_to_pay" else TALK_LOG_SECONDS
    seconds = min(max(round(rng.lognormvariate(mean, deviation)), SHORTEST_TALK), LONGEST_TALK)
    reference = hashlib.sha256(f"{manifest['batch_id']} {row['contact_ref']} {at.isoformat()}".encode()).hexdigest()
    return {
        "talk_seconds": str(seconds),
        "complaint": "true" if rng.random() < COMPLAINT_SHARE else "false",
        "satisfaction": str(rng.choice(RATINGS)) if rng.random() < RATING_SHARE else "",
        "recording_ref": f"{manifest['vendor']}-{reference[:16]}",
    }


def _owed(row: Row) -> str:
    """What a promise can be about; empty when the list does not say."""
    return row.get("amount_due") or row.get("offer_instalment") or ""


def _promise(row: Row, at: datetime, currency: str, rng: Random) -> dict[str, str]:
    share = rng.choices([share for share, _ in PROMISED_SHARE], [weight for _, weight in PROMISED_SHARE])[0]
    unit = Decimal(1).scaleb(-min(minor_digits(currency), 2))
    promised = max((Decimal(_owed(row)) * share).quantize(unit, ROUND_HALF_UP), unit)
    days = rng.randint(*PROMISED_WITHIN_DAYS)
    return {
        "promise_amount": f"{promised:f}",
        "promise_on": (at + timedelta(days=days)).date().isoformat(),
    }


def _spoil(result: dict[str, str], rng: Random) -> dict[str, str]:
    """One of the mistakes that real files have."""
    without_offset = result["attempted_at"][:19]
    mistakes: tuple[dict[str, str], ...] = (
        {"disposition": "callback_later"},
        {"attempted_at": without_offset},
        {"cost": "-1.00"},
        {"talk_seconds": "2:35"},
        {"promise_amount": "1,000.00"},
        {"note": "=see file"},
    )
    return result | rng.choice(mistakes)
