"""The files that we send: the only definition of their columns.

The writer, the gate and the table schemas in `docs/vendors` (see `table_schema`) all derive from `LAYOUTS`. A column
that is not declared here cannot reach a vendor.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a column is written."""

    TEXT = "text"
    """Any text on one line; what a spreadsheet would run is neutralised."""
    E164 = "e164"
    """A telephone number as +8613800000000. Declared as text: it keeps its plus sign."""
    AMOUNT = "amount"
    """Money in major units with the currency's minor digits."""
    NUMBER = "number"
    INTEGER = "integer"
    DATE = "date"
    INSTANT = "instant"
    """ISO 8601 with offset."""


E164_PATTERN = r"^\+[1-9][0-9]{6,14}$"

_FRICTIONLESS_TYPES = {
    Kind.TEXT: "string",
    Kind.E164: "string",
    Kind.AMOUNT: "number",
    Kind.NUMBER: "number",
    Kind.INTEGER: "integer",
    Kind.DATE: "date",
    Kind.INSTANT: "datetime",
}


@dataclass(frozen=True)
class Field:
    """One column of a file."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    """Never empty."""
    is_control_total: bool = False
    """Its sum by currency is in the manifest."""
    made_here: bool = False
    """Made by delivery; every other column comes from `int_contact_list__<channel>`."""
    choices: tuple[str, ...] = ()
    is_key: bool = False
    """Names the row: no two of a file have the same."""
    example: str = ""
    """What a row may hold here; empty where the example of the hand-book leaves it out."""

    def schema(self) -> dict[str, object]:
        """This column as a Frictionless field descriptor."""
        descriptor: dict[str, object] = {
            "name": self.name,
            "type": _FRICTIONLESS_TYPES[self.kind],
            "description": self.description,
        }
        if self.example:
            descriptor["example"] = self.example
        constraints: dict[str, object] = {}
        if self.required:
            constraints["required"] = True
        if self.kind == Kind.E164:
            constraints["pattern"] = E164_PATTERN
        if self.choices:
            constraints["enum"] = list(self.choices)
        if self.is_key:
            constraints["unique"] = True
        if constraints:
            descriptor["constraints"] = constraints
        return descriptor


@dataclass(frozen=True)
class Layout:
    """One kind of file."""

    name: str
    """The channel of a contact list; otherwise the kind of file (`stop`, `recall`, `qa_request`)."""
    title: str
    fields: tuple[Field, ...]
    window: tuple[str, str] | None = None
    """The columns between whose instants a row may be worked."""
    must_encrypt: bool = False
    """Never leaves unless encrypted with the vendor's key."""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def queried_columns(self) -> tuple[str, ...]:
        """The columns that come from the warehouse, in order."""
        return tuple(field.name for field in self.fields if not field.made_here)

    @property
    def phone_columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.kind == Kind.E164)

    @property
    def control_total_columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.is_control_total)


_CONTACT_REF = Field(
    "contact_ref",
    Kind.TEXT,
    "Opaque reference of this row, different in every batch; quote it in results.",
    required=True,
    made_here=True,
    is_key=True,
    example="rmzxw6ytboi7dsmbrgezdgnbvgy",
)
_PHONE = Field("phone", Kind.E164, "Number to use, E.164, as text.", required=True, example="+8613800000001")
_FULL_NAME = Field(
    "full_name",
    Kind.TEXT,
    "Name of the person to reach; verify it before speaking of the debt.",
    example="Example Person",
)
_LANGUAGE = Field("language", Kind.TEXT, "Language to use, BCP 47.", example="en")
_CURRENCY = Field("currency", Kind.TEXT, "Currency of every amount of the row, ISO 4217.", required=True, example="USD")
_AMOUNT_DUE = Field(
    "amount_due",
    Kind.AMOUNT,
    "What is owed as of the list's day.",
    required=True,
    is_control_total=True,
    example="214.50",
)
_DAYS_PAST_DUE = Field(
    "days_past_due", Kind.INTEGER, "Days since the oldest unpaid due date.", required=True, example="17"
)
_OFFER_CODE = Field("offer_code", Kind.TEXT, "Offer that may be made.", example="LONGER_TERM")
_ADDRESS = Field("address", Kind.TEXT, "Address on one line.", required=True, example="1 Example Road")


def _window(verb: str) -> tuple[Field, Field]:
    return (
        Field(
            f"{verb}_after",
            Kind.INSTANT,
            "Not before this instant.",
            required=True,
            example="2020-04-15T09:00:00+08:00",
        ),
        Field(
            f"{verb}_before",
            Kind.INSTANT,
            "Not after this instant.",
            required=True,
            example="2020-04-15T18:00:00+08:00",
        ),
    )


SMS = Layout(
    "sms",
    "Text messages to send",
    (
        _CONTACT_REF,
        _PHONE,
        _LANGUAGE,
        Field("template_id", Kind.TEXT, "Approved template to use.", required=True, example="M1_GENTLE"),
        Field("first_name", Kind.TEXT, "First name for the template.", example="Example"),
        _AMOUNT_DUE,
        _CURRENCY,
        Field("due_date", Kind.DATE, "Due date that the message speaks of.", example="2020-03-29"),
        Field(
            "pay_link_token",
            Kind.TEXT,
            "Opaque reference that the bank's payment page resolves.",
            required=True,
            made_here=True,
            example="rge3tqobzgaytemzugu3dona",
        ),
        *_window("send"),
    ),
    window=("send_after", "send_before"),
)

PHONE = Layout(
    "phone",
    "Telephone calls to make",
    (
        _CONTACT_REF,
        _PHONE,
        Field(
            "alternate_phone", Kind.E164, "Second number of the same person, E.164, as text.", example="+8613800000002"
        ),
        _FULL_NAME,
        _LANGUAGE,
        Field("tier", Kind.TEXT, "How far behind, as a tier.", required=True, example="M1"),
        Field("priority", Kind.INTEGER, "1 is called first.", example="1"),
        _AMOUNT_DUE,
        _CURRENCY,
        _DAYS_PAST_DUE,
        Field("oldest_due_date", Kind.DATE, "Oldest unpaid due date.", example="2020-03-29"),
        Field("last_payment_on", Kind.DATE, "Day of the last payment.", example="2020-02-28"),
        Field("last_payment_amount", Kind.AMOUNT, "Amount of the last payment.", example="214.50"),
        Field("last_disposition", Kind.TEXT, "How the last attempt ended.", example="no_answer"),
        _OFFER_CODE,
        *_window("call"),
        Field("attempts_left", Kind.INTEGER, "At most so many attempts on this list.", required=True, example="2"),
        Field("collector_hint", Kind.TEXT, "Who should call, where one collector knows the case.", example="C-17"),
    ),
    window=("call_after", "call_before"),
)

FIELD_VISIT = Layout(
    "field_visit",
    "Visits to make",
    (
        _CONTACT_REF,
        _FULL_NAME,
        _ADDRESS,
        Field("city", Kind.TEXT, "City.", example="Example City"),
        Field("postal_code", Kind.TEXT, "Postal code.", example="200000"),
        Field("latitude", Kind.NUMBER, "Degrees north, WGS 84.", example="31.2304"),
        Field("longitude", Kind.NUMBER, "Degrees east, WGS 84.", example="121.4737"),
        Field(
            "route",
            Kind.TEXT,
            "Tour of one visitor that the visit belongs to.",
            required=True,
            made_here=True,
            example="1",
        ),
        Field(
            "stop", Kind.INTEGER, "Place of the visit on its tour, from 1.", required=True, made_here=True, example="1"
        ),
        _LANGUAGE,
        _AMOUNT_DUE,
        _CURRENCY,
        _DAYS_PAST_DUE,
        *_window("visit"),
        Field(
            "safety_note",
            Kind.TEXT,
            "Code of a precaution to take: `two_visitors` where a visit was not safe before.",
            example="two_visitors",
        ),
    ),
    window=("visit_after", "visit_before"),
)

LEGAL = Layout(
    "legal",
    "Referrals to a lawyer, each approved by two people",
    (
        _CONTACT_REF,
        Field("contract_no", Kind.TEXT, "Number of the loan contract.", required=True, example="K-2018-000123"),
        Field("full_name", Kind.TEXT, "Full legal name of the debtor.", required=True, example="Example Person"),
        Field("national_id", Kind.TEXT, "National identity number of the debtor.", example="EXAMPLE-ID"),
        Field("address", Kind.TEXT, "Address on one line.", example="1 Example Road"),
        Field("product", Kind.TEXT, "Kind of loan.", required=True, example="auto"),
        Field("disbursed_on", Kind.DATE, "Day on which the loan was paid out.", required=True, example="2018-05-02"),
        Field(
            "principal",
            Kind.AMOUNT,
            "Principal of the contract.",
            required=True,
            is_control_total=True,
            example="12000.00",
        ),
        Field(
            "outstanding", Kind.AMOUNT, "Principal still owed.", required=True, is_control_total=True, example="7410.22"
        ),
        Field(
            "arrears_amount", Kind.AMOUNT, "What is overdue.", required=True, is_control_total=True, example="1287.00"
        ),
        _DAYS_PAST_DUE,
        Field(
            "evidence_file",
            Kind.TEXT,
            "Statement of account and contact history as PDF; the same as JSON has the same name with `.json`.",
            required=True,
            made_here=True,
            example="legal-demo_law-20200415-01.rmzxw6ytboi7dsmbrgezdgnbvgy.pdf.pgp",
        ),
    ),
    must_encrypt=True,
)

CARE = Layout(
    "care",
    "Customers in difficulty, to be offered help",
    (
        _CONTACT_REF,
        _PHONE,
        _FULL_NAME,
        _LANGUAGE,
        Field("reason", Kind.TEXT, "Code of why help is offered.", required=True, example="hardship_requested"),
        _OFFER_CODE,
        Field("offer_term_months", Kind.INTEGER, "Term of the offer in months.", example="36"),
        Field(
            "offer_instalment", Kind.AMOUNT, "Monthly instalment of the offer.", is_control_total=True, example="180.00"
        ),
        _CURRENCY,
        *_window("call"),
    ),
    window=("call_after", "call_before"),
)

VENDOR_REASONS = ("nothing_due", "promise_made", "do_not_contact", "replaced")
"""Why a row must be dropped, as a vendor may know it. Whether somebody is ill, bankrupt or dead stays here."""

_DROP_REASON = Field(
    "reason", Kind.TEXT, "Why the row must be dropped.", required=True, choices=VENDOR_REASONS, example="do_not_contact"
)

STOP = Layout(
    "stop",
    "Rows of earlier lists to drop before today's work",
    (
        _CONTACT_REF,
        _DROP_REASON,
        Field(
            "effective_at", Kind.INSTANT, "No attempt from then on.", required=True, example="2020-04-15T05:02:11+08:00"
        ),
    ),
)

RECALL = Layout(
    "recall",
    "Rows to drop at once; the newest file of a day holds all of that day",
    (
        _CONTACT_REF,
        _DROP_REASON,
        Field(
            "recalled_at", Kind.INSTANT, "No attempt from then on.", required=True, example="2020-04-15T11:20:05+08:00"
        ),
    ),
)

QA_REQUEST = Layout(
    "qa_request",
    "Recordings to review",
    (
        Field(
            "recording_ref",
            Kind.TEXT,
            "Reference of the recording, as you reported it.",
            required=True,
            is_key=True,
            example="R-2020-0414-0071",
        ),
        Field("collector_id", Kind.TEXT, "Who is heard on it.", required=True, example="C-17"),
        Field("reason", Kind.TEXT, "Code of why it is asked for.", required=True, example="quick_promise"),
    ),
)

CHANNELS: dict[str, Layout] = {layout.name: layout for layout in (SMS, PHONE, FIELD_VISIT, LEGAL, CARE)}
LAYOUTS: dict[str, Layout] = {**CHANNELS, STOP.name: STOP, RECALL.name: RECALL, QA_REQUEST.name: QA_REQUEST}


def layout_of(kind: str, channel: str) -> Layout:
    """The layout of a batch of that kind and channel."""
    return CHANNELS[channel] if kind == "contact_list" else LAYOUTS[kind]


def table_schema(layout: Layout) -> dict[str, object]:
    """The layout as a Frictionless table schema, as published in `docs/vendors/<name>.schema.json`."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "name": layout.name.replace("_", "-"),
        "title": layout.title,
        "fields": [field.schema() for field in layout.fields],
        "primaryKey": [field.name for field in layout.fields if field.is_key],
        "missingValues": [""],
    }
