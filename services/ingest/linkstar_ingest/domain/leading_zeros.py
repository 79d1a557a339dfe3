"""Proof that a postcode with a lost leading zero means the padded one: the state or the city must lie there."""

from __future__ import annotations

from linkstar_ingest.domain.regions import region_code
from linkstar_ingest.domain.us_zips import city_key, us_zips

__all__ = ["is_proven"]

# Larger towns of the postcode areas that begin with 0, by first two digits (Deutsche Post, La Poste).
_TOWNS = {
    "DE": {
        "01": "dresden meissen pirna radebeul riesa freital senftenberg", "02": "bautzen görlitz zittau hoyerswerda",
        "03": "cottbus forst spremberg guben", "04": "leipzig altenburg borna torgau markkleeberg",
        "06": "halle dessau merseburg naumburg weissenfels bitterfeld zeitz", "07": "jena gera saalfeld greiz",
        "08": "zwickau plauen aue auerbach", "09": "chemnitz freiberg annaberg limbach mittweida",
    },
    "FR": {
        "01": "bourgenbresse oyonnax amberieuenbugey", "02": "laon saintquentin soissons chateauthierry",
        "03": "moulins vichy montlucon", "04": "dignelesbains manosque sisteron", "05": "gap briancon embrun",
        "06": "nice cannes antibes grasse menton cagnessurmer vallauris", "07": "privas annonay aubenas",
        "08": "charlevillemezieres sedan rethel", "09": "foix pamiers",
    },
}  # fmt: skip
_ACCENTS = str.maketrans("àâäçéèêëîïôöùûü", "aaaceeeeiioouuu")


def _town_key(city: str) -> str:
    plain = city.lower().replace("ß", "ss").translate(_ACCENTS)
    return "".join(char for char in plain if char.isalpha())


def is_proven(country: str, candidate: str, region: str, city: str) -> bool:
    """Tell whether region or city proves `candidate`, a padded postcode."""
    if country == "US":
        return _is_proven_us(candidate[:5], region, city)
    towns = _TOWNS.get(country, {}).get(candidate[:2], "").split()
    key = _town_key(city)
    return any(key.startswith(_town_key(town)) for town in towns)


def _is_proven_us(zip5: str, region: str, city: str) -> bool:
    known = us_zips().get(zip5)
    if known is None:
        return False
    return known.state == region_code("US", region) if region else city_key(city) in known.cities
