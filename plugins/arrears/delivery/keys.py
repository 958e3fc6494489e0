"""Vendors' OpenPGP keys, looked at ahead of time: a key that ends next week stops nobody yet, and is asked for today.

What is found goes where operators look for whatever is red: `ops.quality_results`, and an ALERT in the log.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg2.extensions

from arrears.delivery.layouts import CHANNELS
from arrears.delivery.vendors import Vendor, all_vendors
from arrears.errors import DeliveryError
from arrears.hooks import openpgp
from arrears.quality.suites import RuleResult, Severity, record
from arrears.settings import Settings

ASKED_AHEAD = timedelta(days=30)
"""How long before its end a key's successor is asked for; the vendors' hand-book says a month."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeyState:
    """One vendor's certificate at an instant."""

    vendor: str
    fingerprint: str = ""
    expires_at: datetime | None = None
    problem: str = ""
    """Empty where all is well."""
    stops_lists: bool = False


def state_of_certificate(vendor: str, path: Path, now: datetime) -> KeyState:
    """What is to be said of a vendor's certificate."""
    try:
        found = openpgp.load_certificate(path, now=now)
    except DeliveryError as error:
        return KeyState(vendor, problem=str(error), stops_lists=True)
    problem = ""
    if found.expires_at is not None and found.expires_at - ASKED_AHEAD <= now:
        problem = (
            f"OpenPGP certificate {found.name} expires at {found.expires_at:%Y-%m-%d %H:%M} UTC: ask the vendor for"
            " the next one; nothing encrypted can leave after that"
        )
    return KeyState(vendor, found.fingerprint, found.expires_at, problem)


def state_of(vendor: Vendor, settings: Settings, now: datetime) -> KeyState | None:
    """None where the vendor's lists go without a key."""
    if vendor.encryption_key:
        return state_of_certificate(vendor.name, openpgp.certificate_path(settings.home, vendor.encryption_key), now)
    if not CHANNELS[vendor.channel].must_encrypt:
        return None
    problem = "no encryption_key in the seed `vendors`: its lists leave encrypted only, so none leaves"
    return KeyState(vendor.name, problem=problem, stops_lists=True)


def check_keys(
    warehouse: psycopg2.extensions.connection, *, as_of: date, now: datetime, settings: Settings
) -> Sequence[KeyState]:
    """Look at every vendor's certificate, record what is found in place of what was, and alert. Commits."""
    with warehouse:
        looked_at = [(vendor, state_of(vendor, settings, now)) for vendor in all_vendors(warehouse)]
        states = [state for _, state in looked_at if state]
        for vendor, state in looked_at:
            if state:
                record(
                    warehouse,
                    border="contact_list",
                    subject=f"key for {vendor.channel}",
                    reference=vendor.name,
                    as_of=as_of,
                    results=[_result(state)],
                )
    for state in states:
        if state.problem:
            _log.error("ALERT %s: %s", state.vendor, state.problem)
    return states


def _result(state: KeyState) -> RuleResult:
    return RuleResult(
        rule_id="vendor_key_lasts",
        reason_code="KEY_ENDS",
        severity=Severity.ABORT if state.stops_lists else Severity.WARN,
        success=not state.problem,
        checked_rows=1,
        failed_rows=int(bool(state.problem)),
        expected=f"a key for encryption that lasts {ASKED_AHEAD.days} days more",
        found=state.problem or "as expected",
    )
