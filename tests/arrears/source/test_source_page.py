"""The page that a bank reads says what the contract says."""

import re
from pathlib import Path

from arrears.simulator.calibration import TAPE_RATES
from arrears.source.contract import TABLES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "source.md").read_text(encoding="utf-8")


def test_page_has_every_column_with_its_type_and_whether_it_is_required() -> None:
    documented = {}
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE):
        if name := re.match(r"`(\w+)`", section):
            rows = re.findall(r"^\| (\*\*)?(\w+)(?:\*\*)? \| ([^|]+) \| [^|]+ \|$", section, flags=re.MULTILINE)
            documented[name[1]] = [(column, kind, bool(bold)) for bold, column, kind in rows if column != "column"]
    assert documented == {
        table.name: [(column.name, str(column.type), column.required) for column in table.columns] for table in TABLES
    }


def test_page_has_the_measured_rates() -> None:
    for state, label in (("0", "0"), ("1", "1"), ("2", "2"), ("3+", "3 and more")):
        shares = " | ".join(f"{rate * 100:.1f} %" for rate in TAPE_RATES[state].values())
        assert f"| {label}, tape | {shares} |" in PAGE
