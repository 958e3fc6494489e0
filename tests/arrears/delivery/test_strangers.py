"""What we deliver and what we take, with tools that know nothing of us: OpenSSH, GnuPG, Frictionless, JSON Schema."""

import csv
import hashlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import frictionless
import jsonschema
import paramiko
import pytest
from delivery_day import AS_OF, VENDOR_OF, Day
from vendor_servers import send_stop

from arrears.delivery import list_gate
from arrears.delivery.handbook import DIRECTORY
from arrears.delivery.ingest import read_inbound
from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.send import deliver
from arrears.domain.batch_state import BatchState
from arrears.hooks.openpgp import certificate_path
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.quality.suites import RuleResult, Severity
from arrears.services import sftp as service
from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]
NASTY_NAME = 'Zoë "=1+1", O\'Brien'


@pytest.fixture(autouse=True)
def green_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate itself is proved in test_lists; here it only has to let pass."""
    green = RuleResult("all", "NONE", Severity.ABORT, True, 1, 0, "green", "green")
    monkeypatch.setattr(list_gate, "check", lambda *arguments, **options: [green])


class OpenSsh:
    """The command `sftp`, with a known_hosts that has the pinned key and nothing else."""

    def __init__(self, settings: Settings, vendor: str, directory: Path) -> None:
        known = directory / "known_hosts"
        known.write_text(f"[{settings.sftp_host}]:{settings.sftp_port} {service.host_key_line(settings)}\n")
        options = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "IdentitiesOnly=yes")
        self.command = [
            *(
                "sftp",
                "-q",
                "-F",
                "none",
                "-P",
                str(settings.sftp_port),
                "-i",
                str(service.client_key_file(settings, vendor)),
            ),
            *(part for option in options for part in ("-o", option)),
            *("-b", "-", f"{vendor}@{settings.sftp_host}"),
        ]
        self.directory = directory

    def run(self, *commands: str) -> None:
        subprocess.run(self.command, input="\n".join(commands), text=True, capture_output=True, check=True)

    def get(self, remote: str) -> Path:
        self.run(f"get -r {remote} {self.directory}")
        return self.directory / Path(remote).name

    def put(self, content: str, remote: str) -> None:
        local = self.directory / "answer"
        local.write_text(content)
        self.run(f"put {local} {remote}.part", f"rename {remote}.part {remote}")


class Paramiko:
    """A plain client of the library that most vendors script with."""

    def __init__(self, settings: Settings, vendor: str, directory: Path) -> None:
        self.transport = paramiko.Transport((settings.sftp_host, settings.sftp_port))
        key = paramiko.Ed25519Key.from_private_key_file(str(service.client_key_file(settings, vendor)))
        self.transport.connect(username=vendor, pkey=key)
        self.directory = directory

    def get(self, remote: str) -> Path:
        target = self.directory / Path(remote).name
        target.mkdir()
        with paramiko.SFTPClient.from_transport(self.transport) as sftp:  # type: ignore[union-attr]
            for name in sftp.listdir(remote):
                sftp.get(f"{remote}/{name}", str(target / name))
        return target

    def put(self, content: str, remote: str) -> None:
        with paramiko.SFTPClient.from_transport(self.transport) as sftp:  # type: ignore[union-attr]
            sftp.putfo(io.BytesIO(content.encode()), f"{remote}.part")
            sftp.rename(f"{remote}.part", remote)
        self.transport.close()


Client = OpenSsh | Paramiko
CLIENTS = [
    pytest.param(OpenSsh, marks=pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH is not installed")),
    Paramiko,
]


def delivered(day: Day, connect: Callable[[str], VendorSftp], channel: str) -> None:
    """Stop file and list of a channel's vendor, as the DAG brings them."""
    vendor = VENDOR_OF[channel]
    with connect(vendor) as sftp:
        send_stop(day.warehouse, sftp, vendor=vendor, as_of=AS_OF, now=day.at(8), settings=day.settings)
        (batch,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor=vendor)
        write_batch(day.warehouse, batch_id=batch.batch_id, settings=day.settings)
        gate_batch(day.warehouse, batch_id=batch.batch_id, settings=day.settings)
        deliver(day.warehouse, sftp, batch_id=batch.batch_id, settings=day.settings, now=day.at(8))


def require_valid(table: Path, layout: str) -> None:
    """By the published schema, as Frictionless reads it."""
    resource = frictionless.Resource(
        table.name, basepath=str(table.parent), schema=str(DIRECTORY / f"{layout}.schema.json")
    )
    with frictionless.system.use_context(trusted=True):
        report = resource.validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "type", "note"])


def documents(directory: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    """Each manifest's files, once the manifest and what it says of them are found to be sound."""
    schema = json.loads((DIRECTORY / "manifest.schema.json").read_text())
    for path in directory.glob("*.manifest.json"):
        manifest = json.loads(path.read_text())
        jsonschema.validate(manifest, schema, format_checker=jsonschema.FormatChecker())
        for file in manifest["files"]:
            content = (directory / file["name"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
            yield directory / file["name"], manifest


@pytest.mark.parametrize("client", CLIENTS)
def test_a_strangers_client_fetches_a_list_that_strangers_tools_read_and_answers_it(
    day: Day,
    connect: Callable[[str], VendorSftp],
    sftp_server: Settings,
    tmp_path: Path,
    client: Callable[[Settings, str, Path], Client],
) -> None:
    day.contact("phone", "C1", full_name=NASTY_NAME)
    day.contact("phone", "C2")
    delivered(day, connect, "phone")
    vendor = client(sftp_server, "demo_call", tmp_path)

    files = dict(documents(vendor.get("/outbound/20200415")))

    assert len(files) == 2
    for path in files:
        require_valid(path, path.name.split("-")[0])
    (path,) = [path for path in files if path.name.startswith("phone-")]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert NASTY_NAME in {row["full_name"] for row in rows}

    batch_id = str(files[path]["batch_id"])
    ack = {
        **{"batch_id": batch_id, "received_at": "2020-04-15T08:30:00+08:00", "rows": 2, "accepted": 2, "rejected": []},
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    vendor.put(json.dumps(ack), f"/inbound/{batch_id}.ack.json")
    with connect("demo_call") as sftp:
        read_inbound(day.warehouse, sftp, vendor="demo_call", settings=day.settings, now=day.at(9))

    assert day.state(batch_id) == BatchState.ACKNOWLEDGED


@pytest.mark.parametrize("channel", ["sms", "field_visit"])
def test_a_strangers_validator_reads_the_lists_of_other_channels(
    day: Day, connect: Callable[[str], VendorSftp], vendor_files: Callable[[str], Path], channel: str
) -> None:
    day.contact(channel, "C1")
    delivered(day, connect, channel)

    for path, _ in documents(vendor_files(VENDOR_OF[channel]) / "outbound" / "20200415"):
        require_valid(path, path.name.split("-")[0])


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_gnupg_decrypts_a_delivered_list_to_a_table_that_is_valid(
    day: Day, connect: Callable[[str], VendorSftp], vendor_files: Callable[[str], Path], tmp_path: Path
) -> None:
    def gpg(*arguments: str) -> bytes:
        command = ["gpg", "--homedir", str(tmp_path), "--batch", "--quiet", *arguments]
        return subprocess.run(command, capture_output=True, check=True).stdout

    tmp_path.chmod(0o700)
    gpg("--passphrase", "", "--quick-gen-key", "care@vendor.example", "rsa2048", "sign,encrypt", "1y")
    certificate = certificate_path(day.settings.home, "stranger")
    certificate.parent.mkdir(exist_ok=True)
    certificate.write_bytes(gpg("--armor", "--export"))
    day.run("update staging.vendors set encryption_key = 'stranger' where vendor = 'demo_care'")
    try:
        day.contact("care", "C1")
        delivered(day, connect, "care")
    finally:
        day.run("update staging.vendors set encryption_key = null where vendor = 'demo_care'")

    files = [path for path, _ in documents(vendor_files("demo_care") / "outbound" / "20200415")]
    (sealed,) = [path for path in files if path.suffix == ".pgp"]
    plain = tmp_path / sealed.stem
    plain.write_bytes(gpg("--decrypt", str(sealed)))
    require_valid(plain, "care")
