"""A mail server and a web hook that alerts go to, by Airflow connections, and the warehouse of a day (`day`)."""

import json
from collections.abc import Iterator

import pytest
from delivery_day import Day
from receivers import Hook, Mailbox, mailbox, web_hook

from arrears.settings import Settings, get_settings


@pytest.fixture
def mail() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_hook() as receiver:
        yield receiver


@pytest.fixture
def settings(day: Day, mail: Mailbox, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that name both destinations."""
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(mail.connection()))
    monkeypatch.setenv("AIRFLOW_CONN_ON_CALL", json.dumps(hook.connection()))
    monkeypatch.setenv("ARREARS_ALERT_MAIL_TO", "night@bank.example, day@bank.example")
    monkeypatch.setenv("ARREARS_ALERT_WEB_HOOK", "on_call")
    monkeypatch.setenv("ARREARS_RUN_BOOK_URL", "https://run.bank.example/book/")
    return get_settings()
