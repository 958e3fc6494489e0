"""HTML from the templates: everything that is put in is escaped, and what is missing is an error."""

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("arrears.board"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "clock": _clock, "words": _words}
    return environment


def render(template: str, **values: Any) -> str:
    """The text of a page."""
    return _environment().get_template(template).render(values)


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:,}"


def _clock(instant: datetime | None, zone: ZoneInfo) -> str:
    """Day and time in the bank's zone."""
    return "–" if instant is None else f"{instant.astimezone(zone):%d %b %H:%M}"


def _words(name: str) -> str:
    return name.replace("_", " ")
