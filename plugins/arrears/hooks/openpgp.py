"""OpenPGP: encrypt files to a vendor's certificate, in packets that GnuPG 2.2 reads."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pysequoia
from pysequoia.packet import PacketPile, Tag

from arrears.errors import DeliveryError

SUFFIX = ".pgp"

_CLASSIC_VERSIONS = ((Tag.PKESK, 3), (Tag.SEIP, 1))
"""The versions of message packets that GnuPG 2.2 knows; it stops at newer ones."""


@dataclass(frozen=True)
class Certificate:
    """A vendor's public key, checked when it was loaded."""

    name: str
    cert: pysequoia.Cert


def load_certificate(path: Path) -> Certificate:
    """Read a vendor's certificate (armoured or binary).

    Raises:
        DeliveryError: it is missing, unreadable, expired or revoked.
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
    # Whether a key is good is a fact of the day it is used on, not of the business date.
    if cert.expiration is not None and cert.expiration <= datetime.now(UTC):
        raise DeliveryError(
            f"OpenPGP certificate {name} expired at {cert.expiration:%Y-%m-%d %H:%M} UTC: ask the vendor for a new one"
        )
    return Certificate(name, cert)


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
