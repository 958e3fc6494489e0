"""Legal referrals: two approvals, evidence with each row, and nothing unencrypted."""

import csv
import json
import logging
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pysequoia
import pytest
from delivery_day import AS_OF, Day

from arrears.delivery.keys import check_keys
from arrears.delivery.legal import as_table, proposals, record_approval
from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.send import deliver
from arrears.errors import DeliveryError, GateError
from arrears.hooks.openpgp import certificate_path, encrypt, load_certificate
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.services.openpgp_keys import create_openpgp_keys, new_key

pytestmark = pytest.mark.postgres
LEGAL = "legal-demo_law-20200415-01"


@pytest.fixture
def keys(day: Day) -> Iterator[Path]:
    """The lawyer's key: the certificate with the bank, the private key with the lawyer."""
    create_openpgp_keys(day.settings)
    certificate = day.settings.home / "keys" / "demo_law.asc"
    kept = certificate.read_bytes()
    yield day.settings.home / "secrets" / "openpgp_demo_law"
    certificate.write_bytes(kept)


def answer(day: Day, customer_id: str, approver: str, *, is_approved: bool = True) -> None:
    record_approval(
        day.warehouse,
        as_of=AS_OF,
        customer_id=customer_id,
        currency="USD",
        approver=approver,
        is_approved=is_approved,
        is_demo=True,
    )


def refer(day: Day, *customer_ids: str, arrears: str = "200.00") -> str:
    """Propose, approve by two people and plan; the batch."""
    for customer_id in customer_ids:
        day.propose_referral(customer_id, arrears_amount=Decimal(arrears))
        answer(day, customer_id, "anna")
        answer(day, customer_id, "ben")
        day.approve(customer_id)
    day.release("demo_law")
    return plan(day)


def plan(day: Day) -> str:
    (batch,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor="demo_law")
    return batch.batch_id


def sealed(day: Day, *customer_ids: str) -> str:
    batch_id = refer(day, *customer_ids)
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    return batch_id


# Approval -----------------------------------------------------------------------------------------------------------


def test_a_referral_waits_until_two_different_people_approved(day: Day) -> None:
    day.propose_referral("C1")
    assert [(p.customer_id, p.arrears_amount, p.approvals) for p in proposals(day.warehouse, as_of=AS_OF)] == [
        ("C1", Decimal("200.00"), 0)
    ]

    answer(day, "C1", "Anna")
    answer(day, "C1", " anna ")
    assert [p.approvals for p in proposals(day.warehouse, as_of=AS_OF)] == [1]

    answer(day, "C1", "ben")
    assert proposals(day.warehouse, as_of=AS_OF) == []


def test_airflow_is_told_of_loans_and_figures_and_of_no_customer(day: Day) -> None:
    for customer_id, contract_no in (("C1", "L1 L7"), ("C2", "L2")):
        day.propose_referral(customer_id, contract_no=contract_no)

    cases = proposals(day.warehouse, as_of=AS_OF)

    assert as_table(cases).splitlines()[2:] == ["| L1 L7 | M2 | 65 | 200.00 USD |", "| L2 | M2 | 65 | 200.00 USD |"]
    assert [case.customer_id for case in cases if case.is_named_by({"L7", "L3"})] == ["C1"]


@pytest.mark.parametrize(
    ("answers", "rows"),
    [
        ([], 0),
        ([("anna", True)], 0),
        ([("anna", True), ("ANNA", True)], 0),
        ([("anna", True), ("ben", True)], 1),
        ([("anna", True), ("ben", False)], 0),
        ([("anna", True), ("ben", True), ("carl", False)], 0),
    ],
)
def test_only_what_two_people_approved_and_nobody_refused_is_on_the_list(
    day: Day, answers: list[tuple[str, bool]], rows: int
) -> None:
    day.propose_referral("C1")
    day.run("update marts.fct_contact_decision set decision = 'contact'")  # even if the ledger said so
    for approver, is_approved in answers:
        answer(day, "C1", approver, is_approved=is_approved)

    assert day.run("select row_count from ops.delivery_batch where batch_id = %s", plan(day)) == [(rows,)]


def test_what_the_ledger_does_not_let_go_is_not_on_the_list_however_approved(day: Day) -> None:
    day.propose_referral("C1")
    for approver in ("anna", "ben"):
        answer(day, "C1", approver)

    assert day.run("select row_count from ops.delivery_batch where batch_id = %s", plan(day)) == [(0,)]


def test_a_first_answer_stands(day: Day) -> None:
    day.propose_referral("C1")
    answer(day, "C1", "anna", is_approved=False)

    with pytest.raises(DeliveryError, match="anna answered otherwise"):
        answer(day, "C1", "anna")

    assert day.run("select is_approved from ops.legal_approval") == [(False,)]
    assert proposals(day.warehouse, as_of=AS_OF) == []


@pytest.mark.parametrize("approver", ["", "  "])
def test_an_approval_without_a_name_is_none(day: Day, approver: str) -> None:
    day.propose_referral("C1")

    with pytest.raises(DeliveryError, match="needs the name"):
        answer(day, "C1", approver)


def test_what_is_not_proposed_cannot_be_approved(day: Day) -> None:
    with pytest.raises(DeliveryError, match="customer C9 in USD is not proposed"):
        answer(day, "C9", "anna")


def test_no_answer_is_taken_once_the_list_has_left(day: Day) -> None:
    day.propose_referral("C1")
    answer(day, "C1", "anna")
    plan(day)
    day.run("update ops.delivery_batch set state = 'uploaded'")

    with pytest.raises(DeliveryError, match="the list has left"):
        answer(day, "C1", "ben")
    answer(day, "C1", "anna")  # the same again is fine


def test_an_approval_after_the_plan_makes_a_new_sequence(day: Day, keys: Path) -> None:
    day.propose_referral("C2")
    first = refer(day, "C1")
    answer(day, "C2", "anna")
    answer(day, "C2", "ben")
    day.approve("C2")

    assert plan(day) == "legal-demo_law-20200415-02"
    assert day.state(first) == "superseded"


# Evidence -----------------------------------------------------------------------------------------------------------


def test_each_row_has_its_statement_and_history_as_pdf_and_json(day: Day, keys: Path) -> None:
    day.insert(
        "staging.stg_core_banking__loan_transactions",
        transaction_id="T1",
        loan_id="L1",
        kind="repayment",
        amount=Decimal("30.00"),
        effective_on=AS_OF,
    )
    for hour, disposition in ((8, "refused"), (32, "tomorrow")):
        at = day.at(0) + timedelta(hours=hour)
        day.insert(
            "marts.fct_contact_attempt", customer_id="C1", channel="phone", attempted_at=at, disposition=disposition
        )
    refer(day, "C2")
    batch_id = refer(day, "C1", arrears="170.00")
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    rows = day.rows(batch_id)
    stored = {name: bytes(content) for name, content in day.run("select name, content from ops.delivery_file")}
    for row in rows:
        stem = f"{batch_id}.{row['contact_ref']}"
        assert row["evidence_file"] == f"{stem}.pdf.pgp"
        assert stored[f"{stem}.pdf"].startswith(b"%PDF-")
    (own,) = [row for row in rows if row["contract_no"] == "L1"]
    evidence = json.loads(stored[f"{batch_id}.{own['contact_ref']}.json"])
    (account,) = evidence["accounts"]
    assert [(line["on"], line["what"], line["amount"], line["balance"]) for line in account["lines"]] == [
        ("2020-02-10", "instalment 1", "100.00", "100.00"),
        ("2020-03-10", "instalment 2", "100.00", "200.00"),
        ("2020-04-15", "repayment", "-30.00", "170.00"),
    ]
    assert account["overdue"] == "170.00"
    assert [contact["outcome"] for contact in evidence["contacts"]] == ["refused"]


def test_payments_before_a_new_schedule_are_shown_and_do_not_count(day: Day, keys: Path) -> None:
    day.insert(
        "staging.stg_core_banking__loan_transactions",
        transaction_id="T1",
        loan_id="L1",
        kind="repayment",
        amount=Decimal("30.00"),
        effective_on=AS_OF.replace(month=2),
    )
    batch_id = refer(day, "C1", arrears="75.00")
    for instalment, due_on in enumerate((AS_OF.replace(month=3), AS_OF), start=1):
        day.insert(
            "staging.stg_core_banking__repayment_schedule",
            loan_id="L1",
            schedule_version=2,
            effective_from=AS_OF.replace(month=3, day=1),
            instalment_no=instalment,
            due_date=due_on,
            principal_due=Decimal("75.00"),
            interest_due=Decimal("0.00"),
            fee_due=Decimal("0.00"),
        )

    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    ((content,),) = day.run("select content from ops.delivery_file where name like '%%.json'")
    (account,) = json.loads(bytes(content))["accounts"]
    assert [(line["what"], line["counts"], line["balance"]) for line in account["lines"]] == [
        ("repayment", False, "0.00"),
        ("instalment 1", True, "75.00"),
        ("instalment 2", True, "150.00"),
    ]
    assert account["overdue"] == "75.00"


def test_instalment_of_the_day_is_overdue_where_the_pack_counts_it(day: Day, keys: Path) -> None:
    batch_id = refer(day, "C1", arrears="300.00")
    day.run("update staging.stg_core_banking__repayment_schedule set due_date = %s where instalment_no = 3", AS_OF)
    day.insert(
        "intermediate.int_schedule_versions__due",
        loan_id="L1",
        schedule_version=1,
        due_dates=[AS_OF],
        counted_from=[AS_OF],
    )

    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert day.state(batch_id) == "written"


def test_statement_that_does_not_add_up_to_the_claim_stops_the_list(day: Day, keys: Path) -> None:
    """A payment that landed after the build, say: the bank must not claim what its own statement refutes."""
    batch_id = refer(day, "C1", "C2")
    day.insert(
        "staging.stg_core_banking__loan_transactions",
        transaction_id="T1",
        loan_id="L2",
        kind="repayment",
        amount=Decimal("0.01"),
        effective_on=AS_OF,
    )

    with pytest.raises(DeliveryError, match="add up to the arrears of the referral"):
        write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert day.run("select count(*) from ops.delivery_file") == [(0,)]


def test_evidence_is_the_same_to_the_byte_when_it_is_made_again(day: Day, keys: Path) -> None:
    batch_id = refer(day, "C1")
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    before = day.run("select name, sha256 from ops.delivery_file order by name")

    day.run("delete from ops.delivery_file")
    day.run("update ops.delivery_batch set state = 'planned'")
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert len(before) == 3
    assert day.run("select name, sha256 from ops.delivery_file order by name") == before


def test_evidence_repeats_no_name_and_no_national_id(day: Day, keys: Path) -> None:
    batch_id = refer(day, "C1")
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    (row,) = day.rows(batch_id)
    for (content,) in day.run("select content from ops.delivery_file where position > 0"):
        assert row["full_name"].encode() not in bytes(content)
        assert row["national_id"].encode() not in bytes(content)


def test_a_referral_without_a_loan_is_not_written(day: Day, keys: Path) -> None:
    batch_id = refer(day, "C1")
    day.run("update intermediate.int_customers__contact_decision set loan_ids = array['L0']")

    with pytest.raises(DeliveryError, match="no loan was found to give evidence of"):
        write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)


def test_evidence_that_is_missing_stops_the_list(day: Day, keys: Path) -> None:
    batch_id = refer(day, "C1")
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    day.run("delete from ops.delivery_file where name like '%%.json'")

    with pytest.raises(GateError, match="evidence"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)


# Encryption ---------------------------------------------------------------------------------------------------------


def decrypted(content: bytes, key: Path) -> bytes:
    return bytes(pysequoia.decrypt(content, decryptor=pysequoia.Tsk.from_file(str(key)).decryptor()).bytes or b"")


def test_a_sealed_list_is_stored_encrypted_only_and_the_lawyer_can_read_it(day: Day, keys: Path) -> None:
    batch_id = sealed(day, "C1")

    stored = day.run("select name, content, encryption from ops.delivery_file order by position")
    *encrypted, (manifest_name, manifest, _) = stored
    assert [name.rsplit(".", 2)[1:] for name, _, _ in encrypted] == [["csv", "pgp"], ["pdf", "pgp"], ["json", "pgp"]]
    assert manifest_name == f"{batch_id}.manifest.json"
    assert {encryption for _, _, encryption in encrypted} == {"openpgp"}
    assert not [name for name, content, _ in stored if b"Person 1" in bytes(content) or b"11010119" in bytes(content)]
    (row,) = csv.DictReader(decrypted(bytes(encrypted[0][1]), keys).decode().splitlines())
    assert (row["full_name"], row["national_id"]) == ("Person 1", "110101199001010001")
    assert decrypted(bytes(encrypted[1][1]), keys).startswith(b"%PDF-")
    assert [file["encryption"] for file in json.loads(bytes(manifest))["files"]] == ["openpgp"] * 3


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_gnupg_reads_a_sealed_list(day: Day, keys: Path, tmp_path: Path) -> None:
    batch_id = sealed(day, "C1")
    tmp_path.chmod(0o700)

    def gpg(*arguments: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(tmp_path), "--batch", "--quiet", *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout

    gpg("--import", str(keys))

    assert gpg("--decrypt", given=day.content(batch_id)).startswith(b"contact_ref,contract_no,full_name")


@pytest.mark.sftp
def test_encrypted_files_are_made_once_and_sent_again_from_the_store(
    day: Day, keys: Path, connect: Callable[[str], VendorSftp], vendor_files: Callable[[str], Path]
) -> None:
    batch_id = sealed(day, "C1")
    before = day.run("select name, sha256 from ops.delivery_file order by name")
    for _ in range(2):
        write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
        with connect("demo_law") as sftp:
            deliver(day.warehouse, sftp, batch_id=batch_id, settings=day.settings, now=day.at(9))

    assert day.run("select name, sha256 from ops.delivery_file order by name") == before
    directory = vendor_files("demo_law") / "outbound" / "20200415"
    assert sorted(path.name for path in directory.iterdir()) == [name for name, _ in before]


def test_a_missing_certificate_stops_the_list(day: Day, keys: Path) -> None:
    batch_id = refer(day, "C1")
    (day.settings.home / "keys" / "demo_law.asc").unlink()

    with pytest.raises(DeliveryError, match=r"OpenPGP certificate demo_law.asc: expected it in .* found none"):
        write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert day.run("select count(*) from ops.delivery_file") == [(0,)]


def test_an_expired_certificate_stops_the_list_even_at_the_gate(day: Day, keys: Path) -> None:
    batch_id = refer(day, "C1")
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    expired = pysequoia.Tsk.generate("Late", validity_seconds=1).extract_certificate()
    (day.settings.home / "keys" / "demo_law.asc").write_text(str(expired))
    time.sleep(1.1)

    with pytest.raises(DeliveryError, match=r"demo_law.asc expired at"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert day.run("select count(*) from ops.delivery_file where name like '%%manifest%%'") == [(0,)]


def test_a_lawyer_without_a_key_gets_nothing(day: Day, keys: Path) -> None:
    batch_id = refer(day, "C1")
    day.run("update staging.vendors set encryption_key = null where vendor = 'demo_law'")
    try:
        with pytest.raises(DeliveryError, match="legal lists leave encrypted only"):
            write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    finally:
        day.run("update staging.vendors set encryption_key = 'demo_law' where vendor = 'demo_law'")


def test_other_lists_are_encrypted_where_a_key_is_configured(day: Day, keys: Path) -> None:
    day.contact("care", "C1")
    day.run("update staging.vendors set encryption_key = 'demo_law' where vendor = 'demo_care'")
    try:
        day.release("demo_care")
        (batch,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor="demo_care")
        write_batch(day.warehouse, batch_id=batch.batch_id, settings=day.settings)
        gate_batch(day.warehouse, batch_id=batch.batch_id, settings=day.settings)
    finally:
        day.run("update staging.vendors set encryption_key = null where vendor = 'demo_care'")

    assert b"Person 1" in decrypted(day.content(batch.batch_id), keys)


def test_nothing_personal_is_logged(day: Day, keys: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        sealed(day, "C1")

    told = caplog.text + str(day.run("select * from ops.delivery_event"))
    assert not [word for word in ("Person 1", "110101199001010001", "C1 ", "L1") if word in told]


# Keys ---------------------------------------------------------------------------------------------------------------


def test_a_changed_key_is_used_from_the_next_list_on(day: Day, keys: Path) -> None:
    """What is sealed stays as it is and readable with the old key, which the lawyer keeps until it is worked."""
    batch_id = sealed(day, "C1")
    before = day.content(batch_id)
    successor = pysequoia.Tsk.from_bytes(new_key("Successor"))
    certificate = certificate_path(day.settings.home, "demo_law")
    certificate.write_text(str(successor.extract_certificate()))

    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert day.content(batch_id) == before
    assert decrypted(before, keys).startswith(b"contact_ref")
    message = encrypt(b"the next list", load_certificate(certificate))
    assert bytes(pysequoia.decrypt(message, decryptor=successor.decryptor()).bytes or b"") == b"the next list"
    with pytest.raises(Exception, match=r"decrypt|key|session"):
        decrypted(message, keys)


def certificate_that_lasts(days: int) -> str:
    return str(pysequoia.Tsk.generate("Law", validity_seconds=days * 86_400).extract_certificate())


@pytest.mark.parametrize(
    ("days", "severity", "found"),
    [
        (40, None, "as expected"),
        (29, "warn", "expires at 20.*ask the vendor for the next one"),
        (0, "abort", "expected it in .* found none"),
    ],
    ids=["long enough", "a month before its end", "missing"],
)
def test_a_key_is_looked_at_a_month_before_it_ends(
    day: Day, keys: Path, caplog: pytest.LogCaptureFixture, days: int, severity: str | None, found: str
) -> None:
    path = certificate_path(day.settings.home, "demo_law")
    path.write_text(certificate_that_lasts(days)) if days else path.unlink()
    for _ in range(2):
        check_keys(day.warehouse, as_of=AS_OF, now=datetime.now(UTC), settings=day.settings)

    ((vendor, is_red, level, told),) = day.run(
        "select reference, not success, severity, found from ops.quality_results where rule_id = 'vendor_key_lasts'"
    )
    assert (vendor, is_red) == ("demo_law", severity is not None)
    assert re.search(found, told)
    assert severity is None or level == severity
    assert ("ALERT demo_law" in caplog.text) is is_red


def test_a_key_that_ended_stops_its_own_vendor_only(day: Day, keys: Path) -> None:
    refer(day, "C1")
    day.contact("sms", "C2")
    certificate_path(day.settings.home, "demo_law").unlink()
    day.release("demo_sms")
    (texts,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor="demo_sms")

    with pytest.raises(DeliveryError, match=r"demo_law\.asc"):
        write_batch(day.warehouse, batch_id=LEGAL, settings=day.settings)
    write_batch(day.warehouse, batch_id=texts.batch_id, settings=day.settings)
    gate_batch(day.warehouse, batch_id=texts.batch_id, settings=day.settings)

    assert day.run("select name from ops.delivery_file where name like 'sms%%manifest.json'")
