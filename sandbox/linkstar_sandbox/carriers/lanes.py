"""What is known of carriers and lanes: transit days, delivery days, trouble rates, sorting hubs and local time.

Transit and loss parameters are invented, in the range of the synthetic worlds; hub towns and time zones are real.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

__all__ = ["Hub", "Profile", "distance_zone", "hubs_between", "local_zone", "profile_of"]


@dataclass(frozen=True)
class Profile:
    """How a carrier service behaves: working days = `days` + `per_zone` × zone, log-normal with `sigma`."""

    days: float
    per_zone: float
    sigma: float
    loss: float
    saturday: bool = True
    sunday: bool = False


_PROFILES = {
    ("usps", "ground_advantage"): Profile(1.6, 0.32, 0.30, 0.004, sunday=True),
    ("usps", "priority_mail"): Profile(1.1, 0.22, 0.32, 0.004, sunday=True),
    ("ups", "ground"): Profile(0.9, 0.45, 0.20, 0.002),
    ("ups", "2nd_day_air"): Profile(2.0, 0.0, 0.10, 0.002, saturday=False),
    ("ups", "3_day_select"): Profile(3.0, 0.0, 0.10, 0.002, saturday=False),
    ("ups", "next_day_air_saver"): Profile(1.0, 0.0, 0.10, 0.002, saturday=False),
    ("fedex", "ground"): Profile(1.0, 0.45, 0.20, 0.002, saturday=False),
    ("fedex", "home_delivery"): Profile(1.0, 0.45, 0.22, 0.002, sunday=True),
    ("fedex", "2day"): Profile(2.0, 0.0, 0.10, 0.002, saturday=False),
    ("canpar", "ground"): Profile(1.4, 0.5, 0.25, 0.003, saturday=False),
    ("canada-post", "expedited"): Profile(1.6, 0.5, 0.28, 0.004, saturday=False),
    ("royal-mail", "tracked_24"): Profile(1.1, 0.0, 0.25, 0.003),
    ("royal-mail", "tracked_48"): Profile(2.1, 0.0, 0.25, 0.003),
    ("parcelforce", "express24"): Profile(1.0, 0.0, 0.10, 0.002, saturday=False),
    ("parcelforce", "express48"): Profile(2.0, 0.0, 0.10, 0.002, saturday=False),
    ("evri", "standard"): Profile(2.6, 0.0, 0.35, 0.012, sunday=True),
    ("dpd-uk", "next_day"): Profile(1.0, 0.0, 0.12, 0.002),
    ("dhl-de", "paket"): Profile(1.3, 0.0, 0.28, 0.003),
    ("hermes-de", "to_door"): Profile(2.2, 0.0, 0.32, 0.007),
    ("dpd-de", "classic"): Profile(1.5, 0.0, 0.25, 0.004),
    ("colissimo", "home"): Profile(2.0, 0.0, 0.25, 0.004),
    ("colissimo", "home_signature"): Profile(2.0, 0.0, 0.25, 0.004),
    ("mondial-relay", "relay"): Profile(3.2, 0.0, 0.30, 0.006),
    ("chronopost", "chrono_13"): Profile(1.0, 0.0, 0.10, 0.002),
    ("chronopost", "chrono_18"): Profile(1.0, 0.0, 0.12, 0.002),
}  # fmt: skip
_ORDINARY = Profile(2.5, 0.0, 0.25, 0.004)


def profile_of(carrier: str, service: str) -> Profile:
    """Return the behaviour of a carrier service; an unknown one behaves like an ordinary ground service."""
    return _PROFILES.get((carrier, service), _ORDINARY)


@dataclass(frozen=True)
class Hub:
    """A sorting centre."""

    city: str
    region: str
    postcode: str
    country: str
    timezone: str


_US_HUBS = {
    "0": Hub("Jersey City", "NJ", "07097", "US", "America/New_York"),
    "1": Hub("Harrisburg", "PA", "17107", "US", "America/New_York"),
    "2": Hub("Richmond", "VA", "23232", "US", "America/New_York"),
    "3": Hub("Atlanta", "GA", "30304", "US", "America/New_York"),
    "4": Hub("Indianapolis", "IN", "46206", "US", "America/Indiana/Indianapolis"),
    "5": Hub("Minneapolis", "MN", "55401", "US", "America/Chicago"),
    "6": Hub("Chicago", "IL", "60607", "US", "America/Chicago"),
    "7": Hub("Dallas", "TX", "75260", "US", "America/Chicago"),
    "8": Hub("Denver", "CO", "80217", "US", "America/Denver"),
    "9": Hub("Los Angeles", "CA", "90052", "US", "America/Los_Angeles"),
}
_HUBS = {
    "CA": (Hub("Mississauga", "ON", "L5T", "CA", "America/Toronto"),
           Hub("Winnipeg", "MB", "R3H", "CA", "America/Winnipeg"),
           Hub("Montreal", "QC", "H4T", "CA", "America/Toronto")),
    "GB": (Hub("Birmingham", "", "B24", "GB", "Europe/London"),
           Hub("Coventry", "", "CV3", "GB", "Europe/London"),
           Hub("Warrington", "", "WA2", "GB", "Europe/London")),
    "DE": (Hub("Hannover", "NI", "30179", "DE", "Europe/Berlin"),
           Hub("Staufenberg", "HE", "35460", "DE", "Europe/Berlin"),
           Hub("Feucht", "BY", "90537", "DE", "Europe/Berlin")),
    "FR": (Hub("Lesquin", "", "59810", "FR", "Europe/Paris"),
           Hub("Gonesse", "", "95500", "FR", "Europe/Paris"),
           Hub("Saint-Priest", "", "69800", "FR", "Europe/Paris")),
}  # fmt: skip

_EASTERN = "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV"
_CENTRAL = "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI"
_ZONE_OF_REGION = {
    "US": {
        **dict.fromkeys(_EASTERN.split(), "America/New_York"), **dict.fromkeys(_CENTRAL.split(), "America/Chicago"),
        **dict.fromkeys(("CO", "ID", "MT", "NM", "UT", "WY"), "America/Denver"), "AZ": "America/Phoenix",
        **dict.fromkeys(("CA", "NV", "OR", "WA"), "America/Los_Angeles"), "AK": "America/Anchorage",
        "HI": "Pacific/Honolulu",
    },
    "CA": {
        "BC": "America/Vancouver", "AB": "America/Edmonton", "SK": "America/Regina", "MB": "America/Winnipeg",
        "NS": "America/Halifax", "NB": "America/Moncton", "PE": "America/Halifax", "NL": "America/St_Johns",
    },
}  # fmt: skip
_ZONE_OF_COUNTRY = {
    "US": "America/New_York", "CA": "America/Toronto", "GB": "Europe/London", "DE": "Europe/Berlin",
    "FR": "Europe/Paris",
}  # fmt: skip


def local_zone(country: str, region: str) -> ZoneInfo:
    """Return the time zone a carrier's scanner shows at that place."""
    name = _ZONE_OF_REGION.get(country, {}).get(region) or _ZONE_OF_COUNTRY.get(country, "UTC")
    return ZoneInfo(name)


def distance_zone(label_zone: str, country: str, origin: str, destination: str) -> int:
    """Return a distance zone from 1 to 9: the label's own, else guessed from how far apart the first digits are."""
    if label_zone.isdigit() and 1 <= int(label_zone) <= 9:
        return int(label_zone)
    if country == "US" and origin[:1].isdigit() and destination[:1].isdigit():
        return min(8, 2 + abs(int(origin[0]) - int(destination[0])))
    if country == "CA" and origin[:1] and destination[:1]:
        return min(8, 2 + abs(ord(origin[0].upper()) - ord(destination[0].upper())) // 2)
    return 3


def hubs_between(country: str, origin: str, destination: str, count: int) -> tuple[Hub, ...]:
    """Return `count` sorting hubs on the way, first near the origin, last near the destination."""
    if country == "US":
        first, last = (int(postcode[0]) if postcode[:1].isdigit() else 0 for postcode in (origin, destination))
        steps = [round(first + (last - first) * i / max(1, count - 1)) for i in range(count)]
        return tuple(_US_HUBS[str(step)] for step in steps)
    known = _HUBS.get(country, _HUBS["DE"])
    return tuple(known[i % len(known)] for i in range(count))
