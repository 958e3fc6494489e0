"""The demo vendors' OpenPGP keys: made once, used by our library, and read by GnuPG where it is installed."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pysequoia
import pytest

from arrears.hooks.openpgp import encrypt, load_certificate
from arrears.services.openpgp_keys import create_openpgp_keys
from arrears.settings import Settings

SECRET = b"contact_ref,contract_no\nref-a,4711\n" * 100


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    create_openpgp_keys(Settings(home=home))
    return home


@pytest.fixture
def gnupg(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An empty key ring of GnuPG's; its agent is ended afterwards."""
    if shutil.which("gpg") is None:
        pytest.skip("GnuPG is not installed")
    ring = tmp_path / "ring"
    ring.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(ring)}
    yield environment
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)


def test_what_the_bank_encrypts_the_vendor_can_read(home: Path) -> None:
    message = encrypt(SECRET, load_certificate(home / "keys" / "demo_law.asc"))

    key = pysequoia.Tsk.from_bytes((home / "secrets" / "openpgp_demo_law").read_bytes())

    assert SECRET not in message
    assert bytes(pysequoia.decrypt(message, decryptor=key.decryptor()).bytes or b"") == SECRET


def test_the_private_key_is_for_its_owner_and_is_not_in_the_certificate(home: Path) -> None:
    private = home / "secrets" / "openpgp_demo_law"
    certificate = pysequoia.Cert.from_bytes((home / "keys" / "demo_law.asc").read_bytes())

    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "PRIVATE" not in (home / "keys" / "demo_law.asc").read_text()
    assert private.read_bytes()[-200:] in bytes(certificate)
    assert len(bytes(certificate)) < len(private.read_bytes())


def test_setting_up_again_keeps_the_key_and_only_vendors_with_a_key_have_one(home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    create_openpgp_keys(Settings(home=home))

    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    assert {path.name for path in before} == {"openpgp_demo_law", "demo_law.asc"}


def test_a_lost_certificate_is_made_again_from_the_key(home: Path) -> None:
    path = home / "keys" / "demo_law.asc"
    before = path.read_bytes()
    path.unlink()

    create_openpgp_keys(Settings(home=home))

    assert path.read_bytes() == before


def test_gnupg_reads_key_and_message(home: Path, gnupg: dict[str, str], tmp_path: Path) -> None:
    message = tmp_path / "message"
    message.write_bytes(encrypt(SECRET, load_certificate(home / "keys" / "demo_law.asc")))

    private = home / "secrets" / "openpgp_demo_law"
    subprocess.run(["gpg", "--batch", "--import", str(private)], env=gnupg, check=True, capture_output=True)
    read = subprocess.run(["gpg", "--batch", "--decrypt", str(message)], env=gnupg, check=True, capture_output=True)

    assert read.stdout == SECRET
