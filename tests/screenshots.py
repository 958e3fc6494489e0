"""Photographs of the running demo's dashboards: `make screenshots` writes docs/screenshots."""

from io import BytesIO

from browser import chromium, open_page
from dashboards import TALL, Superset
from PIL import Image

from arrears.bi.assets import slug
from arrears.bi.spec import read_spec
from arrears.services.superset import SupersetService
from arrears.settings import PROJECT_ROOT, get_settings

PICTURES = PROJECT_ROOT / "docs" / "screenshots"


def main() -> None:
    settings = get_settings()
    PICTURES.mkdir(exist_ok=True)
    with chromium() as browser, open_page(browser, TALL) as page:
        superset = Superset(page, SupersetService(settings).url, settings.secret("superset_admin"))
        for dashboard in read_spec().dashboards:
            superset.open(dashboard)
            charts = page.locator(".grid-content")
            box = charts.bounding_box() or {"y": 0, "height": TALL[1]}
            clip = {"x": 0, "y": 0, "width": TALL[0], "height": min(TALL[1], box["y"] + box["height"] + 16)}
            picture = Image.open(BytesIO(page.screenshot(clip=clip)))
            # A page has few colours: a third of the size, and nobody sees the difference.
            picture.convert("RGB").quantize(96, dither=Image.Dither.NONE).save(
                PICTURES / f"{slug(dashboard)}.png", optimize=True
            )


if __name__ == "__main__":
    main()
