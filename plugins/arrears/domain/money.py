"""How many digits an amount has behind the point, by currency (ISO 4217), and how it is written in a file."""

from decimal import Decimal

_DIGITS_OTHER_THAN_TWO = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MINOR_DIGITS = {code: digits for digits, codes in _DIGITS_OTHER_THAN_TWO.items() for code in codes.split()}


def minor_digits(currency: str) -> int:
    """Digits behind the point; 2 for every currency that ISO 4217 does not list with another number."""
    return _MINOR_DIGITS.get(currency, 2)


def format_amount(amount: Decimal, currency: str) -> str:
    """The amount as decimal text in major units with exactly the currency's minor digits, never rounded.

    Raises:
        ValueError: the amount has more digits than the currency. The message does not hold the amount.
    """
    digits = minor_digits(currency)
    exact = amount.quantize(Decimal(1).scaleb(-digits))
    if exact != amount:
        raise ValueError(f"an amount in {currency} has more than {digits} digits behind the point")
    return f"{exact:f}"
