"""Every alert has its page in the run-book, and every page its alert."""

import re

import pytest

from arrears.alerts.catalogue import KINDS, Severity
from arrears.settings import PROJECT_ROOT

RUN_BOOK = PROJECT_ROOT / "docs" / "runbook"
PAGES = {path.stem: path.read_text() for path in (RUN_BOOK / "alerts").glob("*.md")}
ASKED_AT_NIGHT = ("What happened.", "What customers feel.", "Check.", "Mend.", "It is over")


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert PAGES.keys() == KINDS.keys()


@pytest.mark.parametrize("code", KINDS)
def test_a_page_is_headed_by_its_alert_and_answers_what_is_asked_at_night(code: str) -> None:
    assert PAGES[code].splitlines()[0] == f"# {KINDS[code].title} (`{code}`)"
    found = [PAGES[code].find(f"**{question}") for question in ASKED_AT_NIGHT]
    assert found == sorted(found) and found[0] > 0


def test_the_index_lists_every_alert_by_how_soon_somebody_must_look() -> None:
    words = {Severity.CRITICAL: "**now**", Severity.WARNING: "*next day*"}
    listed = re.findall(r"\| \[(.+)\]\(alerts/(\w+)\.md\) \| (\S.*\S) \|", (RUN_BOOK / "README.md").read_text())
    assert sorted(listed) == sorted((kind.title, kind.code, words[kind.severity]) for kind in KINDS.values())


def test_pages_link_to_pages_and_settings_that_exist() -> None:
    settings = (PROJECT_ROOT / "docs" / "configuration.md").read_text()
    for code, page in PAGES.items():
        for target in re.findall(r"\]\(([^)]+)\)", page):
            assert (RUN_BOOK / "alerts" / target).is_file(), f"{code}: {target}"
        for document in re.findall(r"`(docs/[\w-]+\.md)`", page):
            assert (PROJECT_ROOT / document).is_file(), f"{code}: {document}"
        for name in re.findall(r"`(ARREARS_\w+)`", page):
            assert f"`{name}`" in settings, f"{code}: {name}"
