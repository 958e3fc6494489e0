"""Photographs of the running demo's board and dashboards: `make screenshots` writes docs/screenshots."""

from io import BytesIO

from board_walk import visitor
from browser import chromium, open_page
from dashboards import TALL, Superset
from PIL import Image
from playwright.sync_api import Browser

from arrears.bi.assets import slug
from arrears.bi.spec import read_spec
from arrears.services.airflow import AirflowService
from arrears.services.superset import SupersetService
from arrears.settings import PROJECT_ROOT, Settings, get_settings

PICTURES = PROJECT_ROOT / "docs" / "screenshots"
BOARD = (1440, 1500)


def main() -> None:
    settings = get_settings()
    PICTURES.mkdir(exist_ok=True)
    with chromium() as browser:
        board(browser, settings)
        dashboards(browser, settings)


def board(browser: Browser, settings: Settings) -> None:
    """The newest day, inside Airflow."""
    with visitor(browser, AirflowService(settings).url, "admin", settings.secret("airflow_user_admin"), BOARD) as user:
        user.go("/")
        user.board_in_airflow().get_by_role("heading", name="Contact lists").wait_for()
        keep(user.page.screenshot(), "board")


def dashboards(browser: Browser, settings: Settings) -> None:
    """Each from its top to its last chart."""
    with open_page(browser, TALL) as page:
        superset = Superset(page, SupersetService(settings).url, settings.secret("superset_admin"))
        for dashboard in read_spec().dashboards:
            superset.open(dashboard)
            charts = page.locator(".grid-content")
            box = charts.bounding_box() or {"y": 0, "height": TALL[1]}
            height = min(TALL[1], box["y"] + box["height"] + 16)
            keep(page.screenshot(clip={"x": 0, "y": 0, "width": TALL[0], "height": height}), slug(dashboard))


def keep(photograph: bytes, name: str) -> None:
    """A page has few colours: a third of the size, and nobody sees the difference."""
    picture = Image.open(BytesIO(photograph)).convert("RGB").quantize(96, dither=Image.Dither.NONE)
    picture.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
