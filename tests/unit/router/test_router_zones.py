"""USPS zones: the shipped table, and the distance fallback measured on all of its pairs."""

from __future__ import annotations

from linkstar_router.domain.centroids import centroids
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.zones import NO_ZONE, Zone, read_centroids, read_pairs


def test_the_fallback_meets_its_bar_on_the_real_pairs(snapshot: Snapshot) -> None:
    scored = exact = near = 0
    for origin, destination, zone in read_pairs():
        estimate = snapshot.charts.estimate(origin, destination)
        if estimate.source != "none":
            error = abs(int(estimate.code) - zone)
            scored, exact, near = scored + 1, exact + (error == 0), near + (error <= 1)
    assert scored == 220_268
    assert exact / scored >= 0.84
    assert near / scored >= 0.998


def test_the_table_comes_first_and_says_so(snapshot: Snapshot) -> None:
    origin, destination, zone = next(iter(read_pairs()))
    assert snapshot.charts.usps(f"{origin:03}01", f"{destination:03}01") == Zone(str(zone), "table")


def test_a_missing_pair_is_a_marked_estimate(snapshot: Snapshot) -> None:
    assert snapshot.charts.usps("90058", "10001") == Zone("8", "distance_estimate")


def test_guam_is_zone_nine_and_military_mail_unknown_to_the_estimate(snapshot: Snapshot) -> None:
    assert snapshot.charts.usps("90058", "96910").code == "9"
    assert snapshot.charts.estimate(900, 962) == NO_ZONE


def test_ups_and_fedex_zones_begin_at_two_and_end_at_the_coast(snapshot: Snapshot) -> None:
    assert snapshot.charts.us_distance("90058", "90210") == Zone("2", "distance_estimate")
    for offshore in ("99501", "96801", "00901", "96910"):
        assert snapshot.charts.us_distance("90058", offshore) == NO_ZONE


def test_canadian_zones_are_symmetric_steps(snapshot: Snapshot) -> None:
    charts = snapshot.charts
    assert charts.ca_fsa("L5T 2N7", "M5V").code == "1"
    assert charts.ca_fsa("L5T 2N7", "V6B") == charts.ca_fsa("V6B", "L5T") == Zone("4", "distance_estimate")
    assert charts.ca_fsa("L5T 2N7", "X0A").code == "6"
    assert charts.ca_fsa("L5T 2N7", "D1A") == NO_ZONE


def test_text_that_is_no_zip_code_has_no_zone(snapshot: Snapshot) -> None:
    for postcode in ("9005", "ABCDE", "", "９００５８"):
        assert snapshot.charts.usps("90058", postcode) == NO_ZONE


def test_the_shipped_centroids_are_those_of_the_zip_package() -> None:
    assert read_centroids() == {int(zip3): (float(lat), float(lon)) for zip3, lat, lon in centroids()}
