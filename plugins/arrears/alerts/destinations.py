"""Where alerts go: mail and a web hook, each by an Airflow connection and each on its own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from arrears.settings import Settings

if TYPE_CHECKING:
    from arrears.alerts.message import Message

MAIL_CONNECTION = "smtp_default"


class Destination(Protocol):
    """One place that is told."""

    @property
    def name(self) -> str:
        """As in `ops.alert_message`."""

    def send(self, message: "Message") -> None:
        """Raises whatever goes wrong."""


@dataclass(frozen=True)
class Mail:
    """Mail through the Airflow connection `smtp_default`, which also says whom it is from (`from_email`)."""

    to: str
    name: str = "mail"

    def send(self, message: "Message") -> None:
        from airflow.providers.smtp.hooks.smtp import SmtpHook

        with SmtpHook(MAIL_CONNECTION) as smtp:
            smtp.send_email_smtp(to=self.to, subject=message.title, html_content=message.html())


@dataclass(frozen=True)
class WebHook:
    """JSON to the address of an Airflow connection."""

    conn_id: str
    name: str = "web_hook"

    def send(self, message: "Message") -> None:
        from arrears.hooks.web_hook import post

        post(self.conn_id, message.payload())


def configured(settings: Settings) -> list[Destination]:
    """The places that the settings name."""
    places: list[Destination] = []
    if settings.alert_mail_to:
        places.append(Mail(settings.alert_mail_to))
    if settings.alert_web_hook:
        places.append(WebHook(settings.alert_web_hook))
    return places
