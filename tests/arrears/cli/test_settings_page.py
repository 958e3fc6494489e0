"""docs/configuration.md is what `arrears settings --markdown` prints."""

from arrears.cli.settings_page import markdown_page
from arrears.settings import PROJECT_ROOT


def test_the_page_lists_every_setting_as_it_is() -> None:
    assert (PROJECT_ROOT / "docs" / "configuration.md").read_text() == markdown_page()
