"""OpenPGP for vendors: what they can read, and which certificates stop a batch."""

import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pysequoia
import pytest

from arrears.errors import DeliveryError
from arrears.hooks.openpgp import encrypt, load_certificate

needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
CONTENT = b"contact_ref,full_name\nr1,Zo\xc3\xab\n" * 1000


def gpg(home: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


@pytest.fixture
def vendor_home(tmp_path: Path) -> Path:
    """A vendor's own keyring, with a key that GnuPG made."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    options = ("--pinentry-mode", "loopback", "--passphrase", "")
    gpg(home, *options, "--quick-gen-key", "law@vendor.example", "rsa3072", "sign,encrypt", "never")
    (tmp_path / "law.asc").write_bytes(gpg(home, "--armor", "--export", "law@vendor.example"))
    return home


@needs_gpg
def test_gnupg_reads_what_we_encrypt_to_its_key(vendor_home: Path, tmp_path: Path) -> None:
    message = encrypt(CONTENT, load_certificate(tmp_path / "law.asc"))

    assert CONTENT[:40] not in message
    assert gpg(vendor_home, "--decrypt", given=message) == CONTENT


@needs_gpg
def test_a_revoked_certificate_is_refused(vendor_home: Path, tmp_path: Path) -> None:
    (revocation,) = (vendor_home / "openpgp-revocs.d").glob("*.rev")
    gpg(vendor_home, "--import", given=revocation.read_bytes().replace(b"\n:-----BEGIN", b"\n-----BEGIN"))
    (tmp_path / "law.asc").write_bytes(gpg(vendor_home, "--armor", "--export", "law@vendor.example"))

    with pytest.raises(DeliveryError, match=r"law.asc is revoked"):
        load_certificate(tmp_path / "law.asc")


def test_a_certificate_that_asks_for_newer_messages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.asc"
    path.write_text(str(pysequoia.Tsk.generate("New").extract_certificate()))

    with pytest.raises(DeliveryError, match=r"new.asc asks for messages that GnuPG 2.2 cannot read"):
        encrypt(CONTENT, load_certificate(path))


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.asc"
    path.write_text(str(pysequoia.Tsk.generate("Old", validity_seconds=1).extract_certificate()))
    time.sleep(1.1)

    with pytest.raises(DeliveryError, match=r"old.asc expired at .* UTC: ask the vendor for a new one"):
        load_certificate(path)


def test_a_missing_certificate_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"OpenPGP certificate law.asc: expected it in .* found none"):
        load_certificate(tmp_path / "law.asc")


@pytest.mark.parametrize("content", [b"", b"not a key", bytes(range(64))], ids=["empty", "text", "bytes"])
def test_what_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "law.asc"
    path.write_bytes(content)

    with pytest.raises(DeliveryError, match=r"law.asc cannot be read"):
        load_certificate(path)


@needs_gpg
def test_a_certificate_lasts_as_long_as_its_last_key_for_encryption(vendor_home: Path, tmp_path: Path) -> None:
    """GnuPG's usual shape: a key that signs for years, and under it one for encryption that ends sooner."""
    path = tmp_path / "law.asc"
    options = ("--pinentry-mode", "loopback", "--passphrase", "")
    gpg(vendor_home, *options, "--quick-gen-key", "two@vendor.example", "rsa2048", "sign,cert", "2y")
    keys = gpg(vendor_home, "--list-keys", "--with-colons", "two@vendor.example").decode()
    fingerprint = next(line.split(":")[9] for line in keys.splitlines() if line.startswith("fpr"))

    path.write_bytes(gpg(vendor_home, "--export", fingerprint))
    with pytest.raises(DeliveryError, match=r"law.asc has no key for encryption"):
        load_certificate(path)

    gpg(vendor_home, *options, "--quick-add-key", fingerprint, "rsa2048", "encr", "30d")
    gpg(vendor_home, *options, "--quick-add-key", fingerprint, "rsa2048", "encr", "90d")
    path.write_bytes(gpg(vendor_home, "--export", fingerprint))
    now = datetime.now(UTC)
    found = load_certificate(path)

    assert found.fingerprint == fingerprint
    assert found.expires_at is not None
    assert timedelta(days=89) < found.expires_at - now <= timedelta(days=91)
    with pytest.raises(DeliveryError, match=r"law.asc expired at"):
        load_certificate(path, now=now + timedelta(days=91))
