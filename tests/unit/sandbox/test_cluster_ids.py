"""A new cluster's id is one that Kafka's storage tool takes on its command line."""

from __future__ import annotations

from base64 import urlsafe_b64decode

from linkstar_sandbox.kafka import random_cluster_id


def test_no_id_looks_like_an_option() -> None:
    """One of 64 random ids begins with a dash: among 2,000 there would be about 31."""
    found = {random_cluster_id() for _ in range(2_000)}
    assert len(found) == 2_000
    assert [each for each in found if each.startswith("-")] == []
    assert {len(urlsafe_b64decode(each + "==")) for each in found} == {16}
