"""OpenPGP: encrypt files to a vendor's certificate, in packets that GnuPG 2.2 reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysequoia
from pysequoia.packet import PacketPile, SignatureType, Tag

from arrears.errors import DeliveryError

SUFFIX = ".pgp"

_CLASSIC_VERSIONS = ((Tag.PKESK, 3), (Tag.SEIP, 1))
"""The versions of message packets that GnuPG 2.2 knows; it stops at newer ones."""


@dataclass(frozen=True)
class Certificate:
    """A vendor's public key, checked when it was loaded."""

    name: str
    cert: pysequoia.Cert
    expires_at: datetime | None
    """When nothing can be encrypted to it any more; None for never."""

    @property
    def fingerprint(self) -> str:
        """What is compared by telephone."""
        return str(self.cert.fingerprint).upper()


def certificate_path(home: Path, key: str) -> Path:
    """Where a vendor's certificate lies, by its name in the seed `vendors`."""
    return home / "keys" / f"{key}.asc"


def load_certificate(path: Path, *, now: datetime | None = None) -> Certificate:
    """Read a vendor's certificate (armoured or binary).

    Args:
        now: The instant at which it is to be good. Default: the clock, for whether a key is good is a fact of the day
            it is used on, not of the business date.

    Raises:
        DeliveryError: it is missing, unreadable, expired, revoked, or no key for encryption.
    """
    name = path.name
    if not path.is_file():
        raise DeliveryError(
            f"OpenPGP certificate {name}: expected it in {path.parent}, found none; ask the vendor for it"
        )
    try:
        cert = pysequoia.Cert.from_bytes(path.read_bytes())
    except Exception as error:  # the library raises bare exceptions
        raise DeliveryError(f"OpenPGP certificate {name} cannot be read; ask the vendor for it again") from error
    if cert.is_revoked:
        raise DeliveryError(f"OpenPGP certificate {name} is revoked: ask the vendor for a new one")
    ends = list(_ends(cert))
    if not ends:
        raise DeliveryError(f"OpenPGP certificate {name} has no key for encryption: ask the vendor for one that has")
    expires_at = None if None in ends else max(end for end in ends if end is not None)
    if cert.expiration is not None:
        expires_at = min(cert.expiration, expires_at or cert.expiration)
    if expires_at is not None and expires_at <= (now or datetime.now(UTC)):
        raise DeliveryError(
            f"OpenPGP certificate {name} expired at {expires_at:%Y-%m-%d %H:%M} UTC: ask the vendor for a new one"
        )
    return Certificate(name, cert, expires_at)


def encrypt(content: bytes, certificate: Certificate) -> bytes:
    """The content as a binary OpenPGP message to the certificate; different bytes each time.

    Raises:
        DeliveryError: the certificate has no key for encryption, or asks for messages that GnuPG 2.2 cannot read.
    """
    try:
        message = pysequoia.encrypt(content, recipients=[certificate.cert], armor=False)
    except Exception as error:  # the library raises bare exceptions
        raise DeliveryError(f"OpenPGP certificate {certificate.name} cannot be encrypted to: {error}") from error
    for packet in PacketPile.from_bytes(message):
        for tag, version in _CLASSIC_VERSIONS:
            if packet.tag == tag and packet.body[0] != version:
                raise DeliveryError(
                    f"OpenPGP certificate {certificate.name} asks for messages that GnuPG 2.2 cannot read (version "
                    f"{packet.body[0]} of {tag}, expected {version}): ask the vendor for a key made with GnuPG"
                )
    return message


def _ends(cert: pysequoia.Cert) -> Iterator[datetime | None]:
    """When each key for encryption of a certificate ends, the ones that are revoked left out; None for never.

    The certificate's own end is that of its first key; the library tells no other.
    """
    key: Any = None
    signatures: list[Any] = []
    for packet in [*PacketPile.from_bytes(bytes(cert)), None]:
        if packet is None or packet.tag in (Tag.PublicKey, Tag.PublicSubkey):
            if key is not None and _may_encrypt(signatures):
                period = _newest(signatures).key_validity_period
                yield key.key_created + period if period else None
            key, signatures = packet, []
        elif packet.tag == Tag.Signature:
            signatures.append(packet)


def _may_encrypt(signatures: list[Any]) -> bool:
    if any(one.signature_type == SignatureType.SubkeyRevocation for one in signatures):
        return False
    newest = _newest(signatures)
    return newest is not None and (newest.key_flags.transport_encryption or newest.key_flags.storage_encryption)


def _newest(signatures: list[Any]) -> Any:
    """A key's end is moved by signing it anew."""
    own = [one for one in signatures if one.key_flags is not None]
    return max(own, key=lambda one: one.signature_created, default=None)
