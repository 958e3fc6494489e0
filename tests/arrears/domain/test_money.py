from decimal import Decimal

import pytest

from arrears.domain.money import format_amount, minor_digits


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("48211.07", "USD", "48211.07"),
        ("48211.00", "JPY", "48211"),
        ("1.50", "KWD", "1.500"),
        ("0.00", "CNY", "0.00"),
        ("1E+3", "USD", "1000.00"),
    ],
)
def test_an_amount_has_exactly_its_currencys_digits(amount: str, currency: str, text: str) -> None:
    assert format_amount(Decimal(amount), currency) == text


def test_an_amount_is_never_rounded_and_never_told() -> None:
    with pytest.raises(ValueError, match="JPY has more than 0 digits") as caught:
        format_amount(Decimal("100.50"), "JPY")

    assert "100" not in str(caught.value)


def test_most_currencies_have_two_digits() -> None:
    assert {currency: minor_digits(currency) for currency in ("USD", "CNY", "EUR", "GBP", "INR")} == {
        "USD": 2,
        "CNY": 2,
        "EUR": 2,
        "GBP": 2,
        "INR": 2,
    }
