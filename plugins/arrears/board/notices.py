"""What of a day needs a person, the most urgent first: each with what it means and where to go on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from arrears.board.parts import Day, Row
from arrears.board.runs import DagState


class Urgency(StrEnum):
    """How soon somebody should look."""

    NOW = "now"
    """Customers or vendors are affected until somebody acts."""
    TODAY = "today"
    """Goes on without anybody, and wants to be looked at."""


@dataclass(frozen=True)
class Notice:
    """One line of the list."""

    urgency: Urgency
    what: str
    meaning: str
    link: str
    """Where to go on: an anchor of the page, or a path of Airflow's web page that begins with `dags/`."""


def notices(day: Day, dags: Sequence[DagState]) -> list[Notice]:
    """Everything of the day that wants a person."""
    found = [*_dags(dags), *_gates(day), *_breaches(day), *_lists(day), *_vendors(day), *_alerts(day), *_unread(day)]
    return sorted(found, key=lambda notice: list(Urgency).index(notice.urgency))


def _dags(dags: Sequence[DagState]) -> Iterator[Notice]:
    for dag in dags:
        run = f"dags/{dag.dag_id}/runs/{dag.run_id}"
        if waiting := dag.tasks.get("awaiting_input"):
            what = f"{dag.dag_id} waits for an answer: {_listed(waiting)}"
            yield Notice(Urgency.NOW, what, "Referrals to lawyers stay at home until two people have approved.", run)
        failed = dag.tasks.get("failed", [])
        if dag.state == "failed":
            what = f"{dag.dag_id} failed" + (f" at {_listed(failed)}" if failed else "")
            yield Notice(Urgency.NOW, what, "The DAG's page says what each failure means and what to do.", run)
        elif failed:
            what = f"{dag.dag_id}: {_listed(failed)} failed, the rest goes on"
            yield Notice(Urgency.NOW, what, "The DAG's page says what each failure means and what to do.", run)


def _gates(day: Day) -> Iterator[Notice]:
    for rule in day.red_rules.of(severity="abort"):
        name = f"{rule['border'].replace('_', ' ')} gate: {rule['subject']}.{rule['rule_id']} is red"
        yield Notice(Urgency.NOW, name, _held_by_gate(rule), "#gates")
    rejected = sum(row["rejected_rows"] for row in day.loads.rows)
    if rejected:
        meaning = "They lie in quarantine; nobody of them is contacted until a corrected row arrives."
        yield Notice(Urgency.TODAY, f"Rejected rows of core banking: {rejected:,}", meaning, "#gates")


BREACHES = {
    "result_attempt_in_window": "outside the hours",
    "result_attempt_before_recall": "after a recall or stop file",
}
"""Rules on vendors' results that no rejected row mends: what was done was done."""


def _breaches(day: Day) -> Iterator[Notice]:
    found = [rule for rule in day.red_rules.rows if rule["rule_id"] in BREACHES]
    if found:
        meaning = (
            "Somebody was contacted who was to be left alone by then: ask the vendor, and look what the law asks of us."
        )
        yield Notice(
            Urgency.TODAY,
            f"Vendors report contacts {_listed([BREACHES[f['rule_id']] for f in found])}",
            meaning,
            "#gates",
        )


def _held_by_gate(rule: Row) -> str:
    what = {
        "landing": "The load is held back and the marts stay as they were.",
        "marts": "No list leaves.",
        "contact_list": "The list stays at home.",
        "vendor_file": "The file was refused.",
    }[rule["border"]]
    return f"{what} Expected {rule['expected']}, found {rule['found']}."


def _lists(day: Day) -> Iterator[Notice]:
    for batch in day.batches.rows:
        if batch["state"] == "refused":
            meaning = batch["refused_reason"] or "The vendor refused it."
            yield Notice(Urgency.NOW, f"{batch['batch_id']} was refused", meaning, "#lists")
        elif batch["state"] == "expired" and batch["row_count"]:
            meaning = f"It could not leave in time: {batch['row_count']:,} rows are not worked today."
            yield Notice(Urgency.NOW, f"{batch['batch_id']} expired", meaning, "#lists")
        elif batch["is_late"]:
            meaning = "The vendor has the file and has not said that it took it: call the vendor."
            yield Notice(Urgency.NOW, f"{batch['batch_id']} is not acknowledged", meaning, "#lists")


def _vendors(day: Day) -> Iterator[Notice]:
    for outage in day.outages.rows:
        if outage["opened_at"]:
            meaning = (
                f"{outage['failures']} failures in a row ({outage['reason']}): it is tried rarely, its lists wait."
            )
            yield Notice(Urgency.NOW, f"{outage['vendor']} cannot be reached", meaning, "#vendors")
    refused = day.refused_files.of(state="refused")
    if refused:
        meaning = "Each lies in the vendor's inbound/refused beside its reason: the vendor has to mend it."
        yield Notice(Urgency.TODAY, f"Refused files of vendors: {len(refused):,}", meaning, "#vendors")


def _alerts(day: Day) -> Iterator[Notice]:
    alerts = day.alerts.rows
    if alerts:
        urgency = Urgency.NOW if alerts[0]["severity"] == "critical" else Urgency.TODAY
        meaning = "Each says what it means for customers, and its page of the run-book what to do."
        yield Notice(urgency, f"Open alerts: {len(alerts):,}", meaning, "#alerts")


def _unread(day: Day) -> Iterator[Notice]:
    unread = [name for name, part in vars(day).items() if part.problem]
    if unread:
        meaning = "What is below may be less than there is: each part says what is wrong."
        yield Notice(
            Urgency.TODAY, f"Not read: {', '.join(name.replace('_', ' ') for name in unread)}", meaning, "#steps"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
