"""A demo vendor's OpenPGP key: RSA, version 4, with the features that GnuPG 2.2 knows.

pysequoia makes keys that ask for message packets which GnuPG 2.2 cannot read, and cannot be told otherwise. A real
vendor sends the certificate of a key of its own; this one lets the demo's vendor read what it gets.
"""

import hashlib
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pysequoia
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_RSA = 1
_SHA512 = 10
_POSITIVE_CERTIFICATION = 0x13
_SUBKEY_BINDING = 0x18
_SECRET_KEY, _SECRET_SUBKEY, _USER_ID, _SIGNATURE = 5, 7, 13, 2
_CERTIFY_AND_SIGN, _ENCRYPT = 0x03, 0x0C
_MODIFICATION_DETECTION = 0x01


def create_demo_vendor_key(
    directory: Path, *, name: str, created: datetime | None = None, valid_for: timedelta | None = None
) -> None:
    """Make `<name>.asc` (certificate, for the bank) and `<name>.secret.asc` (for the played vendor) in a directory.

    Does nothing when both are there. No password protects the secret key: it is the demo's.

    Args:
        created: When the key says that it was made; now unless given.
        valid_for: How long it is good for from then on; for ever unless given.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    public, secret = directory / f"{name}.asc", directory / f"{name}.secret.asc"
    if not secret.exists():
        _write_once(secret, str(pysequoia.Tsk.from_bytes(_key(name, created or datetime.now(UTC), valid_for))))
    if not public.exists():
        _write_once(public, str(pysequoia.Tsk.from_file(str(secret)).extract_certificate()))


def _key(name: str, created: datetime, valid_for: timedelta | None) -> bytes:
    """A transferable secret key (RFC 4880, 11.2): primary key, user id and encryption subkey, bound by signatures."""
    stamp = int(created.timestamp()).to_bytes(4, "big")
    primary, subkey = (rsa.generate_private_key(65537, 3072) for _ in range(2))
    user_id = f"Demo vendor {name} <{name}@vendor.example>".encode()
    key_body, subkey_body = _public_body(primary, stamp), _public_body(subkey, stamp)
    validity = _subpacket(9, int(valid_for.total_seconds()).to_bytes(4, "big")) if valid_for else b""
    features = _subpacket(30, bytes([_MODIFICATION_DETECTION])) + _subpacket(11, bytes([9, 7])) + validity
    certified = _hashed_key(key_body) + b"\xb4" + len(user_id).to_bytes(4, "big") + user_id
    bound = _hashed_key(key_body) + _hashed_key(subkey_body)
    issuer = hashlib.sha1(_hashed_key(key_body), usedforsecurity=False).digest()
    return b"".join(
        (
            _packet(_SECRET_KEY, key_body + _secret_part(primary)),
            _packet(_USER_ID, user_id),
            _signature(
                primary, issuer, _POSITIVE_CERTIFICATION, certified, stamp, _flags(_CERTIFY_AND_SIGN) + features
            ),
            _packet(_SECRET_SUBKEY, subkey_body + _secret_part(subkey)),
            _signature(primary, issuer, _SUBKEY_BINDING, bound, stamp, _flags(_ENCRYPT) + validity),
        )
    )


def _signature(
    signer: rsa.RSAPrivateKey, issuer: bytes, kind: int, signed: bytes, stamp: bytes, subpackets: bytes
) -> bytes:
    hashed = _subpacket(2, stamp) + _subpacket(33, b"\x04" + issuer) + subpackets
    head = bytes([4, kind, _RSA, _SHA512]) + len(hashed).to_bytes(2, "big") + hashed
    message = signed + head + b"\x04\xff" + len(head).to_bytes(4, "big")
    value = int.from_bytes(signer.sign(message, padding.PKCS1v15(), hashes.SHA512()), "big")
    unhashed = _subpacket(16, issuer[-8:])
    check = hashlib.sha512(message).digest()[:2]
    return _packet(_SIGNATURE, head + len(unhashed).to_bytes(2, "big") + unhashed + check + _integer(value))


def _public_body(key: rsa.RSAPrivateKey, stamp: bytes) -> bytes:
    numbers = key.public_key().public_numbers()
    return b"\x04" + stamp + bytes([_RSA]) + _integer(numbers.n) + _integer(numbers.e)


def _secret_part(key: rsa.RSAPrivateKey) -> bytes:
    numbers = key.private_numbers()
    inverse = pow(numbers.p, -1, numbers.q)
    integers = b"".join(_integer(value) for value in (numbers.d, numbers.p, numbers.q, inverse))
    return b"\x00" + integers + (sum(integers) % 65536).to_bytes(2, "big")


def _hashed_key(body: bytes) -> bytes:
    return b"\x99" + len(body).to_bytes(2, "big") + body


def _packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def _subpacket(kind: int, body: bytes) -> bytes:
    return bytes([len(body) + 1, kind]) + body


def _flags(value: int) -> bytes:
    return _subpacket(27, bytes([value]))


def _integer(value: int) -> bytes:
    return value.bit_length().to_bytes(2, "big") + value.to_bytes((value.bit_length() + 7) // 8, "big")


def _write_once(path: Path, text: str) -> None:
    """Appear whole and readable by its owner only; the first of two set-ups at once wins."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # created with mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    finally:
        Path(temporary).unlink()
