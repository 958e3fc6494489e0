"""The board in a browser, as a user of the running Airflow sees it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from browser import LAPTOP, PHONE, Complaints, open_page, watch
from playwright.sync_api import Browser, Frame, Page

SCREENS: list[tuple[tuple[int, int], Literal["light", "dark"]]] = [
    (LAPTOP, "light"),
    (LAPTOP, "dark"),
    (PHONE, "light"),
    (PHONE, "dark"),
]

_PATIENCE_MS = 90_000
"""Airflow's own page loads megabytes of script, on a machine that may have much else to do."""
_WIDER_THAN_THE_SCREEN = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_WITHOUT_HEADER = """
() => [...document.querySelectorAll("table")].filter((table) => !table.tHead?.querySelector("th[scope=col]")).length
"""
_HARD_TO_READ = """
() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
  const linear = (value) => (value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4);
  const light = ({ r, g, b }) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const back = parse(getComputedStyle(at).backgroundColor);
      if (back.a === 1) return back;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.offsetParent || element.closest("script, style")) continue;
    const [high, low] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (high + .05) / (low + .05);
    if (ratio < 4.5) found.add(`${ratio.toFixed(1)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return [...found];
}
"""
_FOCUSED = """
() => {
  const at = document.activeElement;
  const box = at.getBoundingClientRect();
  return {
    name: at === document.body ? "" : (at.getAttribute("aria-label") || at.innerText || at.name || at.tagName).trim(),
    is_marked: getComputedStyle(at).outlineStyle !== "none",
    is_on_screen: box.bottom > 0 && box.right > 0 && box.top < innerHeight,
  };
}
"""


class Visitor:
    """A user of Airflow with a browser."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: Complaints = watch(page)
        page.set_default_timeout(_PATIENCE_MS)

    def log_in(self, user: str, password: str) -> None:
        """By Airflow's own page, with a keyboard."""
        self.page.goto(self.url)
        self.page.locator("input[name=username]").fill(user)
        self.page.locator("input[name=password]").fill(password)
        self.page.keyboard.press("Enter")
        self.page.get_by_role("link", name="Arrears").wait_for()

    def go(self, path: str) -> Page:
        """Open a page below Airflow and wait until it is whole."""
        self.page.goto(self.url + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def board_in_airflow(self) -> Frame:
        """Follow the entry in Airflow's navigation."""
        self.page.get_by_role("link", name="Arrears").click()
        self.page.frame_locator("iframe").get_by_role("heading", level=1).wait_for()
        frame = self.page.locator("iframe").element_handle().content_frame()
        assert frame is not None
        return frame


@contextmanager
def visitor(
    browser: Browser,
    url: str,
    user: str,
    password: str,
    size: tuple[int, int] = LAPTOP,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[Visitor]:
    """A user who is logged in."""
    with open_page(browser, size, color_scheme=scheme) as page:
        answer = page.request.post(f"{url}/auth/token", data={"username": user, "password": password})
        page.context.add_cookies([{"name": "_token", "value": answer.json()["access_token"], "url": url}])
        yield Visitor(page, url)


def faults_of(page: Page) -> list[str]:
    """What a person with this screen could not use of a page."""
    faults = [f"hard to read, {each}" for each in page.evaluate(_HARD_TO_READ)]
    if (wider := page.evaluate(_WIDER_THAN_THE_SCREEN)) > 0:
        faults.append(f"{wider} pixels wider than the screen")
    if headless := page.evaluate(_WITHOUT_HEADER):
        faults.append(f"{headless} tables without headers")
    for landmark in ("main", "h1", "header nav[aria-label]"):
        if page.locator(landmark).count() != 1:
            faults.append(f"{page.locator(landmark).count()} of {landmark}")
    return faults


def tab_order(page: Page, most: int = 400) -> list[str]:
    """The names of what the Tab key reaches, in its order; each must show that it has the focus, on the screen."""
    names = []
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if not focused["name"]:
            return names
        assert focused["is_marked"], f"nothing shows that {focused['name']} has the focus"
        assert focused["is_on_screen"], f"{focused['name']} has the focus and cannot be seen"
        names.append(focused["name"])
    raise AssertionError(f"the Tab key does not come to an end: {names[-5:]}")


def wait_for_file(path: Path, seconds: float = 240) -> None:
    """Until a DAG that nothing waits for has written it."""
    deadline = time.monotonic() + seconds
    while not path.is_file():
        assert time.monotonic() < deadline, f"{path} was not written"
        time.sleep(1)
