"""Invented people: everything about them follows from a key, and nobody can take them for real.

Surnames say what they are, e-mail addresses end in example.com, national ids have forms that no authority issues.
"""

import hashlib
import random
from dataclasses import dataclass
from datetime import date, timedelta

from arrears.simulator.places import Place

_GIVEN = {
    "US": "Ada Ben Cora Dan Eve Finn Gia Hal Ivy Jon Kit Lou Mia Ned Ora Pat Quinn Ray Sue Ted Una Vic Wes Zoe".split(),
    "GB": "Alfie Beth Colin Dora Ewan Faye Giles Hugh Isla Jack Kirsty Liam Maeve Nora Owen Pippa Rory Tess".split(),
    "CN": "伟 芳 娜 敏 静 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 霞 平 刚 丽".split(),
    "IN": "Aarav Asha Dev Diya Ishan Jaya Kiran Lata Mohan Neha Om Priya Rahul Sita Tara Uma Vijay Yash".split(),
}
_FAMILY = {
    "US": "Sample Mockford Testerson Placeholder Demoville Fictman Specimen Exampleton".split(),
    "GB": "Samplewick Mockingham Testerby Placeholderson Demosworth Fictley Specimenshire".split(),
    "CN": "测试 示例 样本 演示 虚构".split(),
    "IN": "Namoonakar Testkumar Pradarshan Kalpanik Udaharan".split(),
}
_LANGUAGES = {"US": ["en-US", "en-US", "en-US", "es-US"], "GB": ["en-GB"], "CN": ["zh-CN"], "IN": ["en-IN", "hi-IN"]}
_STREETS = {"US": "Example Street", "GB": "Example Road", "CN": "示例路", "IN": "Example Marg"}


@dataclass(frozen=True)
class Person:
    """An invented customer."""

    full_name: str
    given_name: str
    national_id: str
    sex: str
    date_of_birth: date
    language: str
    email: str
    address: str
    latitude: str
    longitude: str


def randomness(key: str) -> random.Random:
    """A source of chance that depends on a key alone: not on the order of calls, the run or the machine."""
    return random.Random(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]))


def invent_person(key: str, place: Place) -> Person:
    """The person of a key, living in a place."""
    chance = randomness(f"person {key}")
    country = place.jurisdiction
    given, family = chance.choice(_GIVEN[country]), chance.choice(_FAMILY[country])
    born = date(1949, 1, 1) + timedelta(days=chance.randrange(52 * 365))
    number = chance.randrange(10**6)
    house = chance.randrange(1, 400)
    street = _STREETS[country]
    return Person(
        full_name=f"{family}{given}" if country == "CN" else f"{given} {family}",
        given_name=given,
        national_id=_national_id(country, born, number),
        sex=chance.choice("FM"),
        date_of_birth=born,
        language=chance.choice(_LANGUAGES[country]),
        email=f"{key.lower()}@example.com",
        address=f"{place.city}{street}{house}号" if country == "CN" else f"{house} {street}, {place.city}",
        latitude=f"{place.latitude + chance.uniform(-0.05, 0.05):.5f}",
        longitude=f"{place.longitude + chance.uniform(-0.05, 0.05):.5f}",
    )


def _national_id(country: str, born: date, number: int) -> str:
    """A form that is never issued: SSN area 000, NINO prefix QQ, region code 000000, Aadhaar beginning with 0."""
    return {
        "US": f"000-{number % 99 + 1:02d}-{number % 9999 + 1:04d}",
        "GB": f"QQ{number:06d}C",
        "CN": f"000000{born:%Y%m%d}{number % 1000:03d}X",
        "IN": f"0000 {number // 10000:04d} {number % 10000:04d}",
    }[country]
