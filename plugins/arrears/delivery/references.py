"""References that lead back to a customer only through our ledger: keyed, so that nobody outside can compute them."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from arrears.errors import ConfigurationError
from arrears.settings import Settings


def secret_key(settings: Settings) -> bytes:
    """The secret `contact_ref_key`.

    Raises:
        ConfigurationError: set-up has not created it.
    """
    try:
        return settings.secret("contact_ref_key").encode()
    except FileNotFoundError:
        raise ConfigurationError(
            "the secret contact_ref_key is missing: expected ARREARS_SECRET_CONTACT_REF_KEY or the file "
            f"{settings.home / 'secrets' / 'contact_ref_key'}; run the set-up again"
        ) from None


def contact_ref(key: bytes, *, batch_id: str, customer_id: str, currency: str) -> str:
    """What a vendor calls a row of this batch by: different in every batch, 128 bits."""
    return _reference(key, "contact", batch_id, customer_id, currency)


def pay_link_token(key: bytes, *, batch_id: str, customer_id: str, currency: str) -> str:
    """What the payment page calls the same row by; it says nothing about `contact_ref`."""
    return _reference(key, "pay", batch_id, customer_id, currency)


def fingerprint(key: bytes, parts: Sequence[object]) -> str:
    """A keyed hash of values, to notice that they changed without keeping them."""
    return hmac.new(key, "\x1f".join(repr(part) for part in parts).encode(), hashlib.sha256).hexdigest()


def _reference(key: bytes, *parts: str) -> str:
    digest = hmac.new(key, "\x1f".join(parts).encode(), hashlib.sha256).digest()[:16]
    # A letter first: nothing that a spreadsheet takes for a number or a formula.
    return "r" + base64.b32encode(digest).decode().rstrip("=").lower()
