"""Send each vendor its contact list of the business date: stop file first, gate on the file itself, manifest last.

**Safe to clear and run again at any task.** A batch is delivered once with one content; the ledger
(`ops.delivery_batch`, `arrears deliveries --as-of DATE`) says what each vendor has.

**When it is red**

* `seal_day`: the customers' flags are missing or stale. No list leaves until the flag feed is back (fail closed).
* `stop_file_taken`: the vendor did not take its stop file in time. Call the vendor; clear the task when it is back.
* `check`: the list breaks its gate (`ops.quality_results` names the rule). It stays at home. Never send it by hand.
* `deliver`: the vendor is down, refused our key or shows another host key. A changed host key is never accepted
  unseen: ask the vendor by telephone, then change the connection. Other vendors are not affected.
* a vendor's task waits for its next try: `ops.vendor_outage` says since when the vendor fails and when it is tried
  again. It goes on by itself when the vendor is back; a list that cannot leave in time expires (`docs/delivery.md`).
* `first_approval`, `second_approval`: waits for two different people (Airflow: *Required Actions*). Unanswered after
  eight hours counts as no; nothing is sent that was not approved.

* `check_keys` stops nothing: it says ahead of time which vendor's OpenPGP key ends (`docs/keys.md`).
* `ask_<vendor>`: the vendor did not get its request for reviews. Its list is not affected; clear the task.

Hands on: asset `contact_lists`, partition key = business date.
Run-book: `docs/runbook/dags/dispatch_contact_lists.md`.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, PartitionedAssetTimetable, TaskGroup, dag, task

from arrears.assets import CONTACT_LISTS, MARTS
from arrears.dag_defaults import DEFAULT_ARGS, START_DATE, at_vendor, told_late
from arrears.operators.delivery import (
    BuildContactListOperator,
    CheckContactListOperator,
    DeliverContactListOperator,
    SealDayOperator,
    SendStopFileOperator,
    StopFileTakenSensor,
)
from arrears.operators.keys import CheckVendorKeysOperator
from arrears.operators.legal import ProposeReferralsOperator, RecordApprovalsOperator
from arrears.operators.qa_request import SendQaRequestOperator
from arrears.services.vendors import configured, vendor_codes
from arrears.settings import get_settings

ASKED_FIRST = 100
"""Weight of the tasks that lead to a question: while people think it over, the lists that need nobody are made."""


def contact_lists(vendor: str) -> TaskGroup:
    """One vendor's chain; a vendor that is down stops no other."""
    there = at_vendor(vendor)
    with TaskGroup(group_id=vendor) as group:
        stop = SendStopFileOperator(task_id="send_stop_file", vendor=vendor, trigger_rule="none_failed", **there)
        taken = StopFileTakenSensor(
            task_id="stop_file_taken",
            vendor=vendor,
            timeout=get_settings().stop_ack_timeout_seconds,
            **there,
        )
        # Also for a vendor that is not reached all day: then the ledger says of each row that its list expired.
        build = BuildContactListOperator(task_id="build", vendor=vendor, trigger_rule="none_failed")
        check = CheckContactListOperator(task_id="check", batch_ids=build.output)
        deliver = DeliverContactListOperator(task_id="deliver", vendor=vendor, batch_ids=build.output, **there)
        [stop >> taken, build] >> check >> deliver
    return group


def approval(task_id: str, proposals: Any) -> HITLOperator:
    """A request for one person's decision on all proposals of the day; single loans can be left out."""
    return HITLOperator(
        task_id=task_id,
        subject="Legal referrals of {{ dag_run.partition_key }}: approve?",
        body=f"{{{{ ti.xcom_pull(task_ids='{proposals.task_id}') }}}}\n\nTwo different people must approve.",
        options=["Approve", "Reject"],
        defaults="Reject",
        params={"exclude": Param([], type="array", description="Loans to leave out, by their numbers.")},
        priority_weight=ASKED_FIRST,
        response_timeout=timedelta(hours=8),
        execution_timeout=None,
    )


@dag(
    schedule=PartitionedAssetTimetable(assets=MARTS),
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    deadline=told_late("lists_late"),
    tags=["delivery", "impact:high"],
    doc_md=__doc__,
)
def dispatch_contact_lists() -> None:
    waits_for_people = {vendor.code for vendor in configured() if vendor.channel == "legal"}
    seal = SealDayOperator(task_id="seal_day")
    lists = [contact_lists(vendor) for vendor in vendor_codes() if vendor not in waits_for_people]

    propose = ProposeReferralsOperator(task_id="propose_referrals", priority_weight=ASKED_FIRST)

    @task.short_circuit(ignore_downstream_trigger_rules=False, priority_weight=ASKED_FIRST)
    def any_referrals(proposals: str) -> bool:
        """Ask nobody when there is nothing to approve."""
        return bool(proposals)

    first, second = approval("first_approval", propose), approval("second_approval", propose)
    record = RecordApprovalsOperator(task_id="record_approvals", responses=[first.output, second.output])
    legal_lists = [contact_lists(vendor) for vendor in vendor_codes() if vendor in waits_for_people]

    @task(outlets=[CONTACT_LISTS])
    def publish() -> None:
        """Say that the lists of this business date are out."""

    CheckVendorKeysOperator(task_id="check_keys")
    for group in lists:
        vendor = str(group.group_id)
        # After the list, whatever became of it, and nothing waits for it.
        group >> SendQaRequestOperator(
            task_id=f"ask_{vendor}", vendor=vendor, trigger_rule="all_done", **at_vendor(vendor)
        )

    done = publish()
    seal >> lists >> done
    seal >> propose >> any_referrals(propose.output) >> [first, second] >> record >> legal_lists >> done


dispatch_contact_lists()
