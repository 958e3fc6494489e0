"""What is said about an alert: as a mail, and as JSON for a web hook."""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Literal

from arrears.alerts.catalogue import KINDS, Kind
from arrears.settings import Settings

Occasion = Literal["opened", "repeated", "closed", "test"]

_PREFIX = {"opened": "", "repeated": "still: ", "closed": "over: ", "test": "test: "}


@dataclass(frozen=True)
class Message:
    """One thing to say."""

    occasion: Occasion
    kind: Kind
    severity: str
    subject: str
    summary: str
    run_book: str
    opened_at: datetime
    alert_id: int | None = None
    """None for what is not in the ledger."""
    log_url: str | None = None

    @property
    def title(self) -> str:
        """The line that is read on a lock screen."""
        return f"[Arrears {self.severity}] {_PREFIX[self.occasion]}{self.kind.title}: {self.subject}"

    def parts(self) -> list[tuple[str, str]]:
        """Headings and texts, in the order in which they are read."""
        if self.occasion == "closed":
            return [("It is over", self.summary), ("Run-book", self.run_book)]
        parts = [
            ("What happened", f"{self.summary} (since {self.opened_at:%Y-%m-%d %H:%M %Z})"),
            ("What it means for customers", self.kind.customers),
            ("What to do", self.kind.to_do),
            ("Run-book", self.run_book),
        ]
        return [*parts, ("Log", self.log_url)] if self.log_url else parts

    def html(self) -> str:
        """The body of a mail."""
        return "\n".join(f"<p><b>{escape(heading)}</b><br>{_linked(text)}</p>" for heading, text in self.parts())

    def payload(self) -> dict[str, object]:
        """The body of a POST. `text` alone is what chat systems show."""
        lines = [self.title, *(f"{heading}: {text}" for heading, text in self.parts())]
        return {
            "text": "\n".join(lines),
            "occasion": self.occasion,
            "alert_id": self.alert_id,
            "code": self.kind.code,
            "severity": self.severity,
            "title": self.kind.title,
            "subject": self.subject,
            "summary": self.summary,
            "customers": self.kind.customers,
            "to_do": self.kind.to_do,
            "run_book": self.run_book,
            "log": self.log_url,
            "opened_at": self.opened_at.isoformat(),
        }


def unrecorded(
    code: str, subject: str, summary: str, *, occasion: Occasion, now: datetime, settings: Settings
) -> Message:
    """A message that stands in no ledger."""
    kind = KINDS[code]
    since = now.astimezone(settings.bank_tz)
    return Message(occasion, kind, str(kind.severity), subject, summary, kind.run_book(settings.run_book_url), since)


def _linked(text: str) -> str:
    shown = escape(text)
    return f'<a href="{shown}">{shown}</a>' if text.startswith(("http://", "https://")) else shown
