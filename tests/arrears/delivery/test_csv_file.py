import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.delivery.csv_file import neutralise, render, restore
from arrears.delivery.layouts import SMS, Field, Kind, Layout
from arrears.errors import DeliveryError

BANK = ZoneInfo("Asia/Shanghai")
TEXTS = Layout("texts", "Two texts", (Field("one", Kind.TEXT, "One"), Field("two", Kind.TEXT, "Two")))
one_line = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])).map(str.strip)


@given(st.lists(st.tuples(one_line, one_line)))
def test_every_text_comes_back_as_it_was(values: list[tuple[str, str]]) -> None:
    rows = [{"one": one, "two": two} for one, two in values]

    content = render(TEXTS, rows, ["USD"] * len(rows), BANK)

    read = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert read[0] == ["one", "two"]
    # A row of nothing but one empty field cannot be told from an empty line; two fields always can.
    assert [tuple(map(restore, row)) for row in read[1:]] == values


@given(st.text())
def test_no_text_is_run_by_a_spreadsheet(text: str) -> None:
    written = neutralise(text)

    assert not written.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"))
    assert not any(character in written for character in "\r\n\t\x00")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("'=1", "''=1"),
        ("'t Hooft", "'t Hooft"),
        ("O'Brien", "O'Brien"),
        ("two\r\nlines", "two lines"),
    ],
)
def test_a_dangerous_first_character_gets_an_apostrophe(text: str, written: str) -> None:
    assert neutralise(text) == written


def sms_row(**changes: object) -> dict[str, object]:
    return {
        "contact_ref": "r1",
        "phone": "+8613800000001",
        "language": None,
        "template_id": "gentle",
        "first_name": "=cmd",
        "amount_due": Decimal("12.30"),
        "due_date": date(2020, 4, 10),
        "currency": "USD",
        "pay_link_token": "r2",
        "send_after": datetime(2020, 4, 15, 1, tzinfo=UTC),
        "send_before": datetime(2020, 4, 15, 12, tzinfo=UTC),
        **changes,
    }


def test_a_file_is_utf8_with_lf_and_quotes_only_where_needed() -> None:
    content = render(SMS, [sms_row(first_name='Zoë "Z", ')], ["USD"], BANK)

    header, row, end = content.decode().split("\n")
    assert header.startswith("contact_ref,phone,language,template_id")
    assert row == (
        'r1,+8613800000001,,gentle,"Zoë ""Z"",",12.30,USD,2020-04-10,r2,'
        "2020-04-15T09:00:00+08:00,2020-04-15T20:00:00+08:00"
    )
    assert end == ""
    assert b"\r" not in content


def test_a_phone_keeps_its_plus_and_a_name_does_not() -> None:
    row = next(csv.DictReader(io.StringIO(render(SMS, [sms_row()], ["USD"], BANK).decode())))

    assert (row["phone"], row["first_name"]) == ("+8613800000001", "'=cmd")


def test_amounts_have_the_digits_of_the_rows_currency() -> None:
    rows = [sms_row(amount_due=Decimal("5.00"), currency="JPY"), sms_row(amount_due=Decimal("5.00"))]

    written = csv.DictReader(io.StringIO(render(SMS, rows, ["JPY", "USD"], BANK).decode()))

    assert [row["amount_due"] for row in written] == ["5", "5.00"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"phone": "13800000001"}, "phone is not a telephone number in E.164"),
        ({"phone": "+8613800000001\n"}, "phone is not a telephone number in E.164"),
        ({"phone": None}, "phone is required and empty"),
        ({"amount_due": 12.3}, "amount_due is not a decimal amount"),
        ({"amount_due": Decimal("NaN")}, "amount_due is not a decimal amount"),
        ({"amount_due": Decimal("1.234")}, "amount_due: an amount in USD has more than 2 digits"),
        ({"due_date": datetime(2020, 4, 10, tzinfo=UTC)}, "due_date is not a date"),
        ({"send_after": datetime(2020, 4, 15)}, "send_after is not an instant with an offset"),
        ({"template_id": "\x00"}, "template_id is required and empty"),
    ],
)
def test_a_value_of_another_kind_is_refused_and_not_told(change: dict[str, object], problem: str) -> None:
    with pytest.raises(DeliveryError, match="list sms, row 2: ") as caught:
        render(SMS, [sms_row(), sms_row(**change)], ["USD", "USD"], BANK)

    assert problem in str(caught.value)
    assert "1380000" not in str(caught.value)
