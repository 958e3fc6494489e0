"""The system's Chromium, driven by Playwright, and what its console complains of."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LAPTOP, PHONE = (1440, 900), (390, 844)
"""Width and height of screens, in CSS pixels."""


def require_chromium() -> str:
    """The path of the browser. Without one a test is skipped, except in CI, where pages are always looked at."""
    if CHROMIUM is None:
        message = "no chromium here: `make browser` installs it where it may"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return CHROMIUM


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; each page of it begins without cookies of another context."""
    path = require_chromium()
    with sync_playwright() as playwright:
        # Root may not use the sandbox, and a container's /dev/shm is small.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Complaints:
    """What went wrong on a page since `watch`: errors of its console and scripts, and answers of 400 and above."""

    found: list[str] = field(default_factory=list)

    def take(self) -> list[str]:
        """What was found since the last call."""
        found, self.found = self.found, []
        return found


def watch(page: Page) -> Complaints:
    """Collect what goes wrong on the page from now on."""
    complaints = Complaints()

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.found.append(f"console: {message.text}")

    def on_response(response: Response) -> None:
        if response.status >= 400:
            complaints.found.append(f"{response.status} of {response.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.found.append(f"script: {error}"))
    page.on("response", on_response)
    return complaints


@contextmanager
def open_page(browser: Browser, size: tuple[int, int] = LAPTOP, **options: object) -> Iterator[Page]:
    """A page in a context of its own. `options`: Playwright's for a context, for example `color_scheme="dark"`."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    try:
        yield context.new_page()
    finally:
        context.close()
