"""The settings as a table on the terminal and as `docs/configuration.md`, both from the one definition."""

from pathlib import Path

from rich.table import Table

from arrears.settings import PROJECT_ROOT, Settings

_HEAD = """# Configuration

Connections are Airflow connections: `core_banking` (the bank's PostgreSQL, read only), `warehouse`, and one
`vendor_<name>` per vendor (SFTP; private key and pinned host key in its extra); for alerts `smtp_default` and that of a
web hook (`docs/alerts.md`). Everything else is below: set the variable, or write `name = value` into `arrears.toml` in
the state directory. The defaults are those of the demo.

Secrets are never settings. They are files in `<home>/secrets` (made once, readable by their owner only), or variables
`ARREARS_SECRET_<NAME>` where a secrets store injects them.

This page is written by `arrears settings --markdown`.

| variable | default | what it is |
|---|---|---|
"""


def markdown_page() -> str:
    """The text of docs/configuration.md."""
    rows = [
        f"| `ARREARS_{name.upper()}` | `{_default(name)}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def settings_table(settings: Settings) -> Table:
    """Every setting with its value; changed ones stand out."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("variable", "value", "what it is"):
        table.add_column(heading)
    for name, field in Settings.model_fields.items():
        value = _text(getattr(settings, name))
        table.add_row(
            f"ARREARS_{name.upper()}", value if value == _default(name) else f"[bold]{value}[/]", field.description
        )
    return table


def _default(name: str) -> str:
    return _text(PROJECT_ROOT / ".arrears" if name == "home" else Settings.model_fields[name].get_default())


def _text(value: object) -> str:
    if isinstance(value, Path) and value.is_relative_to(PROJECT_ROOT):
        return str(value.relative_to(PROJECT_ROOT))
    return ", ".join(value) if isinstance(value, tuple) else str(value)
