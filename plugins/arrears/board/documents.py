"""The documents that the DAGs write below the state directory: where they lie, and what a browser may do with them."""

from pathlib import Path

from arrears.settings import Settings


def data_docs(settings: Settings, path: str) -> Path | None:
    """A page of Data Docs by its path below their directory; None where there is none (or none any more)."""
    root = (settings.home / "data_docs").resolve()
    page = (root / path).resolve()
    return page if page.is_relative_to(root) and page.suffix == ".html" and page.is_file() else None


def dbt_docs(settings: Settings) -> Path | None:
    """dbt's documentation, one file; None before it was first built."""
    page = settings.home / "dbt_docs" / "index.html"
    return page if page.is_file() else None
