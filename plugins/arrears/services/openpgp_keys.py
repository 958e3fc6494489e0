"""The demo vendors' OpenPGP keys: the private half at the vendor, the certificate with the bank.

A vendor makes its key with GnuPG. The demo has to run where no GnuPG is, and the OpenPGP library at hand makes only
certificates that ask for messages of a newer kind than GnuPG 2.2 reads. So the packets of a plain version 4 RSA key
(RFC 4880) are written here; the key material and the signature come from `cryptography`.
"""

import base64
import hashlib
import textwrap
import time

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from arrears.hooks.openpgp import certificate_path
from arrears.services import vendors
from arrears.services.files import write_once
from arrears.settings import Settings

_BITS = 3072
_RSA, _SHA256, _POSITIVE_CERTIFICATION = 1, 8, 0x13
_SECRET_KEY, _PUBLIC_KEY, _USER_ID, _SIGNATURE = 5, 6, 13, 2
_MAY_DO_EVERYTHING = b"\x0f"
_CIPHERS = b"\x09\x08\x07"
_MODIFICATION_DETECTION = b"\x01"
_CRC24_START, _CRC24_POLYNOMIAL = 0xB704CE, 0x1864CFB


def create_openpgp_keys(settings: Settings) -> None:
    """Make a key for each vendor whose row of the seed names one, once.

    The certificate is `home/keys/<encryption_key>.asc`, the private key `home/secrets/openpgp_<vendor>` (mode 0600).
    """
    (settings.home / "keys").mkdir(parents=True, exist_ok=True)
    (settings.home / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
    for vendor in vendors.configured():
        if not vendor.encryption_key:
            continue
        private = settings.home / "secrets" / f"openpgp_{vendor.code}"
        certificate = certificate_path(settings.home, vendor.encryption_key)
        if not private.exists():
            write_once(private, new_key(f"Played vendor {vendor.code} (demo)"))
        if not certificate.exists():
            write_once(certificate, _armour(_certificate(private.read_bytes())), mode=0o644)


def new_key(user_id: str) -> bytes:
    """A private key with its user id and self-signature, as binary packets."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    created = int(time.time())
    public = _public_body(key.public_key().public_numbers(), created)
    return (
        _packet(_SECRET_KEY, public + _secret_material(key.private_numbers()))
        + _packet(_USER_ID, user_id.encode())
        + _packet(_SIGNATURE, _self_signature(key, public, user_id.encode(), created))
    )


def _certificate(private: bytes) -> bytes:
    """The same key without its secret half."""
    (_, secret_body), *rest = _packets(private)
    public = secret_body[: _public_length(secret_body)]
    return _packet(_PUBLIC_KEY, public) + b"".join(_packet(tag, body) for tag, body in rest)


def _public_body(numbers: rsa.RSAPublicNumbers, created: int) -> bytes:
    return b"\x04" + created.to_bytes(4, "big") + bytes([_RSA]) + _mpi(numbers.n) + _mpi(numbers.e)


def _public_length(secret_body: bytes) -> int:
    position = 6
    for _ in range(2):
        position += 2 + (int.from_bytes(secret_body[position : position + 2], "big") + 7) // 8
    return position


def _secret_material(numbers: rsa.RSAPrivateNumbers) -> bytes:
    p, q = sorted((numbers.p, numbers.q))
    integers = b"".join(map(_mpi, (numbers.d, p, q, pow(p, -1, q))))
    unprotected = b"\x00"
    return unprotected + integers + (sum(integers) % 65536).to_bytes(2, "big")


def _self_signature(key: rsa.RSAPrivateKey, public: bytes, user_id: bytes, created: int) -> bytes:
    key_data = b"\x99" + len(public).to_bytes(2, "big") + public
    fingerprint = hashlib.sha1(key_data, usedforsecurity=False).digest()
    hashed = (
        _subpacket(2, created.to_bytes(4, "big"))
        + _subpacket(27, _MAY_DO_EVERYTHING)
        + _subpacket(11, _CIPHERS)
        + _subpacket(21, bytes([_SHA256]))
        + _subpacket(30, _MODIFICATION_DETECTION)
        + _subpacket(33, b"\x04" + fingerprint)
    )
    head = bytes([4, _POSITIVE_CERTIFICATION, _RSA, _SHA256]) + len(hashed).to_bytes(2, "big") + hashed
    trailer = b"\x04\xff" + len(head).to_bytes(4, "big")
    signed = key_data + b"\xb4" + len(user_id).to_bytes(4, "big") + user_id + head + trailer
    signature = int.from_bytes(key.sign(signed, padding.PKCS1v15(), SHA256()), "big")
    issuer = _subpacket(16, fingerprint[-8:])
    return head + len(issuer).to_bytes(2, "big") + issuer + hashlib.sha256(signed).digest()[:2] + _mpi(signature)


def _mpi(number: int) -> bytes:
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _subpacket(kind: int, content: bytes) -> bytes:
    return bytes([len(content) + 1, kind]) + content


def _packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def _packets(data: bytes) -> list[tuple[int, bytes]]:
    """Packets as `_packet` writes them."""
    found = []
    while data:
        end = 6 + int.from_bytes(data[2:6], "big")
        found.append((data[0] & 0x3F, data[6:end]))
        data = data[end:]
    return found


def _armour(data: bytes) -> bytes:
    lines = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 64))
    checksum = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode()
    block = "PGP PUBLIC KEY BLOCK"
    return f"-----BEGIN {block}-----\n\n{lines}\n={checksum}\n-----END {block}-----\n".encode()


def _crc24(data: bytes) -> int:
    checksum = _CRC24_START
    for byte in data:
        checksum ^= byte << 16
        for _ in range(8):
            checksum <<= 1
            if checksum & 0x1000000:
                checksum ^= _CRC24_POLYNOMIAL
    return checksum
