"""Invented people and numbers cannot be mistaken for real ones."""

import phonenumbers
import pytest

from arrears.errors import ArrearsError
from arrears.simulator.people import invent_person
from arrears.simulator.places import PLACES, US_STATES, PhoneBook, Place


@pytest.mark.parametrize("place", [place for places in PLACES.values() for place in places], ids=lambda p: p.region)
def test_every_range_gives_valid_numbers_of_its_country(place: Place) -> None:
    for beginning in place.phone_ranges:
        for last in ("0" * place.phone_digits, "9" * place.phone_digits):
            number = phonenumbers.parse(beginning + last)
            assert phonenumbers.is_valid_number(number), beginning
            assert phonenumbers.region_code_for_number(number) == place.jurisdiction


def test_american_numbers_are_those_set_aside_for_fiction() -> None:
    assert all(beginning[5:] == "55501" for place in PLACES["US"] for beginning in place.phone_ranges)


def test_numbers_are_given_once_and_the_country_helps_out() -> None:
    book, alaska = PhoneBook(), US_STATES["AK"]
    numbers = [book.next_number(alaska) for _ in range(150)]
    assert len(set(numbers)) == 150
    assert sum(number.startswith("+1907") for number in numbers) == 100


def test_a_country_without_a_number_left_says_so() -> None:
    place = Place("XX", "", "", "", 0, 0, None, ("+999",), 1)
    PLACES["XX"] = [place]
    try:
        book = PhoneBook()
        for _ in range(10):
            book.next_number(place)
        with pytest.raises(ArrearsError, match="no fictitious telephone number is left in XX"):
            book.next_number(place)
    finally:
        del PLACES["XX"]


def test_states_that_span_two_zones_have_none() -> None:
    assert US_STATES["FL"].time_zone is None
    assert US_STATES["TX"].time_zone is None
    assert US_STATES["CA"].time_zone == "America/Los_Angeles"
    assert len(US_STATES) == 51


@pytest.mark.parametrize("country", sorted(PLACES))
def test_a_person_follows_from_the_key_and_is_plainly_invented(country: str) -> None:
    place = PLACES[country][0]
    person = invent_person("C1", place)
    assert person == invent_person("C1", place)
    assert person != invent_person("C2", place)
    assert person.email.endswith("@example.com")
    assert person.national_id.startswith({"US": "000-", "GB": "QQ", "CN": "000000", "IN": "0000 "}[country])
