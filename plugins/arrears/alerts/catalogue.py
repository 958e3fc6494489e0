"""Every alert that there is: what it means for customers and what to do. Its page in the run-book has its code as name.

`docs/runbook/alerts/<code>.md` says more; a test holds the two together.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody must look."""

    CRITICAL = "critical"
    """Now, at night too: customers feel it or will this morning."""
    WARNING = "warning"
    """On the next working day."""


@dataclass(frozen=True)
class Kind:
    """One kind of alert."""

    code: str
    title: str
    """What happened, in a few words; the summary of each alert has the figures."""
    severity: Severity
    customers: str
    to_do: str

    def run_book(self, base: str) -> str:
        """Where its page is, below the setting `run_book_url`."""
        return f"{base.rstrip('/')}/alerts/{self.code}.md"


_ALL = (
    Kind(
        "dag_failed",
        "A task failed",
        Severity.CRITICAL,
        "What follows in that DAG did not happen. Where it is the day's chain, no list leaves: nobody is contacted by"
        " mistake, and nobody is helped. Where it is the recall, customers who have paid may be called.",
        "Read the end of the task's log, then the page of the DAG. Mend what it names and clear the task: every task"
        " may be run again.",
    ),
    Kind(
        "gate_failed",
        "A gate stopped bad data",
        Severity.CRITICAL,
        "Nobody is contacted on these data. The lists of the day wait, so customers who would be helped wait too.",
        "The summary names the rules and how many rows break them. Have the source, or what was built, corrected, and"
        " clear the task before the gate. Never send a list by hand.",
    ),
    Kind(
        "source_drift",
        "Core banking has changed",
        Severity.CRITICAL,
        "Nothing was loaded: payments of today are not known, so no list leaves, and whoever paid is not recalled.",
        "Ask the bank's team about the table and column named. Then change the view, or the contract, and clear the"
        " load.",
    ),
    Kind(
        "tier_swing",
        "A tier grew or shrank beyond its limits",
        Severity.CRITICAL,
        "No list leaves. If the swing is an error, many customers would have been chased who owe nothing, or left alone"
        " who need help.",
        "Compare the figures with what the bank did (a sale, a migration, a payment run that is missing). If it is"
        " real, accept it as docs/quality.md says; otherwise load again.",
    ),
    Kind(
        "landing_late",
        "The night's load is late",
        Severity.CRITICAL,
        "The day's decisions wait for it. Without it no list leaves today.",
        "See whether core banking has closed its day and whether load_core_banking runs, waits or failed.",
    ),
    Kind(
        "marts_late",
        "The marts are late",
        Severity.CRITICAL,
        "The lists wait for them, and BI shows yesterday.",
        "See what build_marts does: it may wait for another build, or for the load.",
    ),
    Kind(
        "lists_late",
        "Contact lists are late",
        Severity.CRITICAL,
        "Customers who should be reminded or helped this morning are not. Lists that miss their vendor's hours expire.",
        "`arrears deliveries --as-of DATE` says which list waits and for what.",
    ),
    Kind(
        "batch_unacknowledged",
        "A vendor did not acknowledge what it was sent",
        Severity.CRITICAL,
        "Nobody knows whether the vendor works the list, and whether it heeds a stop file or a recall: customers who"
        " paid may be called.",
        "Call the vendor. Ask whether it has the batch named and why it does not answer.",
    ),
    Kind(
        "circuit_open",
        "A vendor's server fails repeatedly",
        Severity.CRITICAL,
        "Its customers are not contacted, and whoever paid since the list left is not recalled from this vendor."
        " Other vendors are not affected.",
        "Call the vendor. Never accept a changed host key unseen. Deliveries go on by themselves when it is back.",
    ),
    Kind(
        "key_expiring",
        "A vendor's OpenPGP key ends soon",
        Severity.WARNING,
        "None yet. From its end on nothing encrypted can leave for this vendor.",
        "Ask the vendor for its next certificate, compare the fingerprint by telephone and put it in place"
        " (docs/keys.md).",
    ),
    Kind(
        "key_unusable",
        "A vendor's OpenPGP key has ended or cannot be used",
        Severity.CRITICAL,
        "No list leaves for this vendor, so its customers hear nothing. Nothing is sent unencrypted.",
        "Get a good certificate from the vendor, compare the fingerprint by telephone, put it in place, and clear the"
        " failed task.",
    ),
    Kind(
        "policy_ending",
        "A rule of the policy ends without a successor",
        Severity.WARNING,
        "None until that day. From it on customers of this jurisdiction are decided without the rule: a limit, a"
        " window or a tier that protects them may be gone.",
        "Ask the compliance officer for the next row. `arrears policy check` says what would be missing.",
    ),
    Kind(
        "experiment_to_end",
        "An experiment is to be ended",
        Severity.WARNING,
        "Customers in an arm complain or opt out more often than others, and go on being treated so; or the draw is"
        " broken, and what they are put through proves nothing.",
        "`arrears experiment show NAME`. Who owns the experiment ends it: `valid_to` in all of its rows.",
    ),
    Kind(
        "recall_late",
        "A recall is late",
        Severity.CRITICAL,
        "Customers who have paid, opted out or died since the lists left may still be called or visited.",
        "Mend this first. If it lasts, telephone the vendor and have it stop the day's list.",
    ),
    Kind(
        "erasure_not_done",
        "Something past its time was not erased",
        Severity.WARNING,
        "The bank keeps data of customers, or a vendor does, that it no longer may.",
        "`ops.retention_result` says what is still due. Clear the task of enforce_retention that failed.",
    ),
    Kind(
        "model_drifted",
        "A model of risk looks at other loans than it learnt from",
        Severity.WARNING,
        "Reminders before the due date, and calls that are left out, go to the wrong ones more often than they should."
        " Nobody is contacted more harshly by it.",
        "`arrears model show VERSION`, and what changed in the features named: the data or the customers. The weekly"
        " training may mend it; `arrears model roll-back` undoes a model.",
    ),
    Kind(
        "overdue_rate_outside",
        "The overdue rate left its forecast",
        Severity.WARNING,
        "None by itself. More or fewer of them fall behind than a month ago anybody had reason to expect.",
        "See which product and tier moved and whether the data are right. If it is real, tell those who plan staff,"
        " provisions and offers of help.",
    ),
    Kind(
        "warehouse_unreachable",
        "The warehouse cannot be reached",
        Severity.CRITICAL,
        "Nothing works: no list, no result, and no recall. Customers who pay now may be called.",
        "Bring PostgreSQL back. Then clear what failed. Until then alerts are not recorded, and each machine tells of"
        " this one by itself.",
    ),
    Kind(
        "test",
        "This is a test",
        Severity.WARNING,
        "None.",
        "Nothing. Somebody asked whether alerts arrive here: they do.",
    ),
)

KINDS = {kind.code: kind for kind in _ALL}
