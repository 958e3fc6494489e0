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

    def schema(self) -> dict[str, object]:
        """This column as a Frictionless field descriptor."""
        descriptor: dict[str, object] = {
            "name": self.name,
            "type": _FRICTIONLESS_TYPES[self.kind],
            "description": self.description,
        }
        constraints: dict[str, object] = {}
        if self.required:
            constraints["required"] = True
        if self.kind == Kind.E164:
            constraints["pattern"] = E164_PATTERN
        if self.choices:
            constraints["enum"] = list(self.choices)
        if self.name == "contact_ref":
            constraints["unique"] = True
        if constraints:
            descriptor["constraints"] = constraints
        return descriptor


@dataclass(frozen=True)
class Layout:
    """One kind of file."""

    name: str
    """The channel of a contact list; otherwise the kind of file (`stop`, `recall`)."""
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
)
_PHONE = Field("phone", Kind.E164, "Number to use, E.164, as text.", required=True)
_FULL_NAME = Field("full_name", Kind.TEXT, "Name of the person to reach; verify it before speaking of the debt.")
_LANGUAGE = Field("language", Kind.TEXT, "Language to use, BCP 47.")
_CURRENCY = Field("currency", Kind.TEXT, "Currency of every amount of the row, ISO 4217.", required=True)
_AMOUNT_DUE = Field(
    "amount_due", Kind.AMOUNT, "What is owed as of the list's day.", required=True, is_control_total=True
)
_DAYS_PAST_DUE = Field("days_past_due", Kind.INTEGER, "Days since the oldest unpaid due date.", required=True)
_OFFER_CODE = Field("offer_code", Kind.TEXT, "Offer that may be made.")
_ADDRESS = Field("address", Kind.TEXT, "Address on one line.", required=True)


def _window(verb: str) -> tuple[Field, Field]:
    return (
        Field(f"{verb}_after", Kind.INSTANT, "Not before this instant.", required=True),
        Field(f"{verb}_before", Kind.INSTANT, "Not after this instant.", required=True),
    )


SMS = Layout(
    "sms",
    "Text messages to send",
    (
        _CONTACT_REF,
        _PHONE,
        _LANGUAGE,
        Field("template_id", Kind.TEXT, "Approved template to use.", required=True),
        Field("first_name", Kind.TEXT, "First name for the template."),
        _AMOUNT_DUE,
        _CURRENCY,
        Field("due_date", Kind.DATE, "Due date that the message speaks of."),
        Field(
            "pay_link_token",
            Kind.TEXT,
            "Opaque reference that the bank's payment page resolves.",
            required=True,
            made_here=True,
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
        Field("alternate_phone", Kind.E164, "Second number of the same person, E.164, as text."),
        _FULL_NAME,
        _LANGUAGE,
        Field("tier", Kind.TEXT, "How far behind, as a tier.", required=True),
        Field("priority", Kind.INTEGER, "1 is called first."),
        _AMOUNT_DUE,
        _CURRENCY,
        _DAYS_PAST_DUE,
        Field("oldest_due_date", Kind.DATE, "Oldest unpaid due date."),
        Field("last_payment_on", Kind.DATE, "Day of the last payment."),
        Field("last_payment_amount", Kind.AMOUNT, "Amount of the last payment."),
        Field("last_disposition", Kind.TEXT, "How the last attempt ended."),
        _OFFER_CODE,
        *_window("call"),
        Field("attempts_left", Kind.INTEGER, "At most so many attempts on this list.", required=True),
        Field("collector_hint", Kind.TEXT, "Who should call, where one collector knows the case."),
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
        Field("city", Kind.TEXT, "City."),
        Field("postal_code", Kind.TEXT, "Postal code."),
        Field("latitude", Kind.NUMBER, "Degrees north, WGS 84."),
        Field("longitude", Kind.NUMBER, "Degrees east, WGS 84."),
        Field("route", Kind.TEXT, "Tour of one visitor that the visit belongs to.", required=True, made_here=True),
        Field("stop", Kind.INTEGER, "Place of the visit on its tour, from 1.", required=True, made_here=True),
        _LANGUAGE,
        _AMOUNT_DUE,
        _CURRENCY,
        _DAYS_PAST_DUE,
        *_window("visit"),
        Field(
            "safety_note", Kind.TEXT, "Code of a precaution to take: `two_visitors` where a visit was not safe before."
        ),
    ),
    window=("visit_after", "visit_before"),
)

LEGAL = Layout(
    "legal",
    "Referrals to a lawyer, each approved by two people",
    (
        _CONTACT_REF,
        Field("contract_no", Kind.TEXT, "Number of the loan contract.", required=True),
        Field("full_name", Kind.TEXT, "Full legal name of the debtor.", required=True),
        Field("national_id", Kind.TEXT, "National identity number of the debtor."),
        Field("address", Kind.TEXT, "Address on one line."),
        Field("product", Kind.TEXT, "Kind of loan.", required=True),
        Field("disbursed_on", Kind.DATE, "Day on which the loan was paid out.", required=True),
        Field("principal", Kind.AMOUNT, "Principal of the contract.", required=True, is_control_total=True),
        Field("outstanding", Kind.AMOUNT, "Principal still owed.", required=True, is_control_total=True),
        Field("arrears_amount", Kind.AMOUNT, "What is overdue.", required=True, is_control_total=True),
        _DAYS_PAST_DUE,
        Field(
            "evidence_file",
            Kind.TEXT,
            "Statement of account and contact history as PDF; the same as JSON has the same name with `.json`.",
            required=True,
            made_here=True,
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
        Field("reason", Kind.TEXT, "Code of why help is offered.", required=True),
        _OFFER_CODE,
        Field("offer_term_months", Kind.INTEGER, "Term of the offer in months."),
        Field("offer_instalment", Kind.AMOUNT, "Monthly instalment of the offer.", is_control_total=True),
        _CURRENCY,
        *_window("call"),
    ),
    window=("call_after", "call_before"),
)

VENDOR_REASONS = ("nothing_due", "promise_made", "do_not_contact", "replaced")
"""Why a row must be dropped, as a vendor may know it. Whether somebody is ill, bankrupt or dead stays here."""

_DROP_REASON = Field("reason", Kind.TEXT, "Why the row must be dropped.", required=True, choices=VENDOR_REASONS)

STOP = Layout(
    "stop",
    "Rows of earlier lists to drop before today's work",
    (_CONTACT_REF, _DROP_REASON, Field("effective_at", Kind.INSTANT, "No attempt from then on.", required=True)),
)

RECALL = Layout(
    "recall",
    "Rows to drop at once; the newest file of a day holds all of that day",
    (_CONTACT_REF, _DROP_REASON, Field("recalled_at", Kind.INSTANT, "No attempt from then on.", required=True)),
)

CHANNELS: dict[str, Layout] = {layout.name: layout for layout in (SMS, PHONE, FIELD_VISIT, LEGAL, CARE)}
LAYOUTS: dict[str, Layout] = {**CHANNELS, STOP.name: STOP, RECALL.name: RECALL}


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
        "primaryKey": ["contact_ref"],
        "missingValues": [""],
    }
