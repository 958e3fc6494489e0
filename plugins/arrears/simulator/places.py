"""Places where invented customers live, and telephone numbers that belong to nobody there.

Numbers come from ranges set aside for fiction where a country has them: 555-0100 to 555-0199 in each area code of the
United States (ATIS), Ofcom's numbers for drama in Great Britain. China and India set none aside: there they are
placeholders (a subscriber part of zeros) as manuals use them. Nothing in the demo dials or texts a number.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import chain

from arrears.errors import ArrearsError


@dataclass(frozen=True)
class Place:
    """A region's main town."""

    jurisdiction: str
    region: str
    city: str
    postal_code: str
    latitude: float
    longitude: float
    time_zone: str | None
    """None where the region spans two, so that a region alone does not tell."""
    phone_ranges: tuple[str, ...]
    """Beginnings of E.164 numbers."""
    phone_digits: int
    """How many digits follow a beginning."""


# state|capital|ZIP|latitude|longitude|time zone|area codes
_US = """
    AL|Montgomery|36104|32.377|-86.300|America/Chicago|205 251 256 334 659 938
    AK|Juneau|99801|58.302|-134.420||907
    AZ|Phoenix|85007|33.448|-112.097||480 520 602 623 928
    AR|Little Rock|72201|34.747|-92.289|America/Chicago|327 479 501 870
    CA|Sacramento|95814|38.577|-121.494|America/Los_Angeles|209 213 279 310 323 341 350 369
    CO|Denver|80203|39.739|-104.985|America/Denver|303 719 720 748 970 983
    CT|Hartford|06106|41.764|-72.683|America/New_York|203 475 860 959
    DE|Dover|19901|39.157|-75.520|America/New_York|302
    DC|Washington|20001|38.910|-77.018|America/New_York|202 771
    FL|Tallahassee|32301|30.438|-84.281||239 305 321 324 352 386 407 448
    GA|Atlanta|30334|33.749|-84.388|America/New_York|229 404 470 478 678 706 762 770
    HI|Honolulu|96813|21.307|-157.857|Pacific/Honolulu|808
    ID|Boise|83702|43.618|-116.200||208 986
    IL|Springfield|62701|39.798|-89.654|America/Chicago|217 224 309 312 331 447 464 618
    IN|Indianapolis|46204|39.768|-86.163||219 260 317 463 574 765 812 930
    IA|Des Moines|50319|41.591|-93.604|America/Chicago|319 515 563 641 712
    KS|Topeka|66612|39.048|-95.678||316 620 785 913
    KY|Frankfort|40601|38.187|-84.875||270 364 502 606 859
    LA|Baton Rouge|70802|30.457|-91.187|America/Chicago|225 318 337 504 985
    ME|Augusta|04330|44.307|-69.782|America/New_York|207
    MD|Annapolis|21401|38.979|-76.491|America/New_York|227 240 301 410 443 667
    MA|Boston|02133|42.358|-71.064|America/New_York|339 351 413 508 617 774 781 857
    MI|Lansing|48933|42.733|-84.555||231 248 269 313 517 586 616 734
    MN|Saint Paul|55155|44.955|-93.102|America/Chicago|218 320 507 612 651 763 952
    MS|Jackson|39201|32.303|-90.182|America/Chicago|228 601 662 769
    MO|Jefferson City|65101|38.579|-92.173|America/Chicago|235 314 417 557 573 636 660 816
    MT|Helena|59601|46.586|-112.018|America/Denver|406
    NE|Lincoln|68508|40.808|-96.700||308 402 531
    NV|Carson City|89701|39.164|-119.766||702 725 775
    NH|Concord|03301|43.207|-71.538|America/New_York|603
    NJ|Trenton|08608|40.220|-74.770|America/New_York|201 551 609 640 732 848 856 862
    NM|Santa Fe|87501|35.682|-105.940|America/Denver|505 575
    NY|Albany|12207|42.653|-73.757|America/New_York|212 315 329 332 347 363 516 518
    NC|Raleigh|27601|35.780|-78.639|America/New_York|252 336 472 704 743 828 910 919
    ND|Bismarck|58501|46.821|-100.783||701
    OH|Columbus|43215|39.961|-82.999|America/New_York|216 220 234 283 326 330 380 419
    OK|Oklahoma City|73105|35.492|-97.503|America/Chicago|405 539 572 580 918
    OR|Salem|97301|44.939|-123.030||458 503 541 971
    PA|Harrisburg|17101|40.264|-76.884|America/New_York|215 223 267 272 412 445 484 570
    RI|Providence|02903|41.831|-71.415|America/New_York|401
    SC|Columbia|29201|34.000|-81.033|America/New_York|803 821 839 843 854 864
    SD|Pierre|57501|44.367|-100.346||605
    TN|Nashville|37243|36.166|-86.784||423 615 629 731 865 901 931
    TX|Austin|78701|30.275|-97.740||210 214 254 281 325 346 361 409
    UT|Salt Lake City|84103|40.777|-111.888|America/Denver|385 435 801
    VT|Montpelier|05602|44.262|-72.581|America/New_York|802
    VA|Richmond|23219|37.539|-77.434|America/New_York|276 434 540 571 686 703 757 804
    WA|Olympia|98501|47.036|-122.905|America/Los_Angeles|206 253 360 425 509 564
    WV|Charleston|25301|38.336|-81.612|America/New_York|304 681
    WI|Madison|53703|43.075|-89.384|America/Chicago|262 274 353 414 534 608 715 920
    WY|Cheyenne|82001|41.140|-104.820|America/Denver|307
"""

# region|city|postal code|latitude|longitude
_GB = """
    England|London|SW1A 1AA|51.507|-0.128
    England|Manchester|M2 5DB|53.480|-2.244
    England|Leeds|LS1 3AD|53.800|-1.549
    Scotland|Edinburgh|EH1 1YZ|55.953|-3.188
    Wales|Cardiff|CF10 3ND|51.482|-3.179
"""
_CN = """
    北京市|北京|100000|39.904|116.407
    上海市|上海|200000|31.230|121.474
    广东省|广州|510000|23.129|113.264
    四川省|成都|610000|30.573|104.066
    湖北省|武汉|430000|30.593|114.305
"""
_IN = """
    Maharashtra|Mumbai|400001|18.939|72.835
    Karnataka|Bengaluru|560001|12.976|77.603
    Delhi|New Delhi|110001|28.632|77.220
    Tamil Nadu|Chennai|600001|13.094|80.292
"""

_GB_RANGES = tuple(
    f"+44{area}{exchange}"
    for area, exchange in [
        *((area, "960") for area in (1134, 1144, 1164, 1174, 1184, 1214, 1314, 1414, 1514, 1614)),
        (20794, "60"),
        (1914, "980"),
        (2896496, ""),
        (2920180, ""),
    ]
)
_CN_RANGES = tuple(f"+86{prefix}0000" for prefix in (138, 139, 137, 136, 135, 150, 151, 152, 158, 159, 182, 187, 188))
_IN_RANGES = tuple(f"+91{prefix}00" for prefix in (9000, 8000, 7000, 9100, 8100, 7300, 9200, 8200, 9300, 8300))


def _united_states() -> list[Place]:
    places = []
    for line in _US.split("\n"):
        if line:
            state, city, postal_code, latitude, longitude, zone, codes = line.strip().split("|")
            ranges = tuple(f"+1{code}55501" for code in codes.split())
            places.append(
                Place("US", state, city, postal_code, float(latitude), float(longitude), zone or None, ranges, 2)
            )
    return places


def _country(jurisdiction: str, lines: str, time_zone: str, ranges: tuple[str, ...], digits: int) -> list[Place]:
    places = []
    for line in lines.strip().split("\n"):
        region, city, postal_code, latitude, longitude = line.strip().split("|")
        places.append(
            Place(jurisdiction, region, city, postal_code, float(latitude), float(longitude), time_zone, ranges, digits)
        )
    return places


PLACES: dict[str, list[Place]] = {
    "US": _united_states(),
    "GB": _country("GB", _GB, "Europe/London", _GB_RANGES, 3),
    "CN": _country("CN", _CN, "Asia/Shanghai", _CN_RANGES, 4),
    "IN": _country("IN", _IN, "Asia/Kolkata", _IN_RANGES, 4),
}
US_STATES: dict[str, Place] = {place.region: place for place in PLACES["US"]}


class PhoneBook:
    """Hands out each fictitious number once; the same requests in the same order get the same numbers."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def next_number(self, place: Place) -> str:
        """The next unused number of a place, of its country when the place has none left.

        Raises:
            ArrearsError: the country has none left either.
        """
        size = 10**place.phone_digits
        for beginning in chain(place.phone_ranges, (r for p in PLACES[place.jurisdiction] for r in p.phone_ranges)):
            if self._given[beginning] < size:
                self._given[beginning] += 1
                return f"{beginning}{self._given[beginning] - 1:0{place.phone_digits}d}"
        raise ArrearsError(
            f"no fictitious telephone number is left in {place.jurisdiction}: simulate fewer loans in one source"
        )
