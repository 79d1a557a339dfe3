"""Invented customers: names common in their country, streets that exist in every town, numbers from reserved ranges."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

__all__ = ["Person", "invent_person"]

_FIRST = {
    "US": "Ava Noah Mia Liam Zoe Ethan Grace Logan Ruby Owen Chloe Mason Nora Caleb Ivy Aiden",
    "CA": "Emma William Léa Benjamin Charlotte Jacob Alice Thomas Maya Nathan Florence Samuel",
    "GB": "Olivia George Amelia Harry Isla Jack Freya Alfie Poppy Archie Elsie Theo",
    "DE": "Anna Paul Lena Felix Marie Jonas Johanna Lukas Greta Moritz Frieda Jürgen",
    "FR": "Manon Lucas Camille Hugo Inès Jules Chloé Théo Élodie Raphaël Zoé Gaël",
}
_LAST = {
    "US": "Carter Nguyen Brooks Rivera Hayes Patel Foster Kim Bennett Ortiz Sullivan Walsh Reyes Holt",
    "CA": "Tremblay Singh MacDonald Gagnon Chen Roy Campbell Bouchard Fraser Wong Pelletier Moore",
    "GB": "Hughes Okafor Clarke Evans Ahmed Wright Fletcher Shah Barnes O'Neill Marsh Kerr",
    "DE": "Schäfer Müller Wagner Köhler Becker Hoffmann Groß Yılmaz Lehmann Krüger Vogt Weiß",
    "FR": "Lefèvre Moreau Garnier Benoît Petit Fontaine Haddad Roussel Mercier D'Angelo Faure Noël",
}
_STREET = {
    "US": ("Maple Ave", "Oak St", "Cedar Ln", "Washington Blvd", "Lakeview Dr", "2nd St", "Elm Ct", "Park Rd"),
    "CA": ("Maple Street", "King Street W", "Rue Principale", "Elgin Street", "Lakeshore Road", "Rue Saint-Jean"),
    "GB": ("High Street", "Station Road", "Church Lane", "Victoria Road", "Mill Lane", "The Green"),
    "DE": ("Hauptstraße", "Schillerstraße", "Bahnhofstraße", "Gartenweg", "Lindenallee", "Am Markt"),
    "FR": ("rue de la République", "rue Victor Hugo", "avenue de la Gare", "place du Marché", "rue des Lilas"),
}
_NUMBER_LAST = frozenset({"DE"})
_PHONE = {
    "US": "+1 202-555-01{:02}", "CA": "+1 613-555-01{:02}", "GB": "+44 1632 9600{:02}", "DE": "+49 30 231250{:02}",
    "FR": "+33 1 99 00 12 {:02}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """An invented customer."""

    name: str
    street: str
    street2: str
    phone: str
    email: str


def invent_person(rng: Random, country: str) -> Person:
    """Return a customer nobody is."""
    first, last = rng.choice(_FIRST[country].split()), rng.choice(_LAST[country].split())
    number, street = rng.randint(2, 940 if country == "US" else 180), rng.choice(_STREET[country])
    line = f"{street} {number}" if country in _NUMBER_LAST else f"{number} {street}"
    unit = f"Apt {rng.randint(1, 40)}" if country == "US" and rng.random() < 0.25 else ""
    return Person(
        f"{first} {last}", line, unit, _PHONE[country].format(rng.randint(0, 99)),
        f"customer{rng.randint(1000, 999_999)}@example.com",
    )  # fmt: skip
