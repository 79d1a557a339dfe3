"""Every carrier's way to prove a call: true ones pass, and nothing that differs in a byte does."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkstar_tracker.domain.carrier_doors import DOORS
from linkstar_tracker.domain.webhooks import Call, Forged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "Fz31pQ7vBn0aRk84mYt6WcXe29LsJd5U"
STANDARD = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, no less").decode()
BODY = b'{"trackingNumber": "9400100000000000000001"}'


def call(body: bytes = BODY, query: dict[str, str] | None = None, **headers: str) -> Call:
    return Call(body, {name.replace("_", "-"): value for name, value in headers.items()}, query or {}, NOW, NOW)


def mac(secret: str, body: bytes = BODY) -> hmac.HMAC:
    return hmac.new(secret.encode(), body, hashlib.sha256)


def standard(body: bytes = BODY, at: datetime = NOW, identity: str = "msg_1") -> Call:
    stamp, key = str(int(at.timestamp())), base64.b64decode(STANDARD.removeprefix("whsec_"))
    proof = base64.b64encode(hmac.digest(key, f"{identity}.{stamp}.".encode() + body, "sha256")).decode()
    return call(body, webhook_id=identity, webhook_timestamp=stamp, webhook_signature=f"v1,{proof}")


TRUE = {
    "ups": call(credential=SECRET),
    "usps": call(x_hmac=mac(SECRET).hexdigest()),
    "fedex": call(fdx_signature=base64.b64encode(mac(SECRET).digest()).decode()),
    "dhl-de": call(x_api_key=SECRET),
    "dpd-de": call(b"", {"token": SECRET, "pnr": "01234567890123"}),
    "evri": call(query={"token": SECRET}),
    "generic": standard(),
}


def code_of(carrier: str, told: Call, *secrets: str) -> str:
    with pytest.raises(Forged) as caught:
        DOORS[carrier].scheme.verify(told, secrets)
    return caught.value.code


@pytest.mark.parametrize("carrier", sorted(TRUE))
def test_a_true_call_passes_also_under_the_secret_before(carrier: str) -> None:
    secret = STANDARD if carrier == "generic" else SECRET
    DOORS[carrier].scheme.verify(TRUE[carrier], [secret])
    DOORS[carrier].scheme.verify(TRUE[carrier], ["another secret of 32 characters!", secret])
    assert code_of(carrier, TRUE[carrier], "another secret of 32 characters!") == "signature_wrong"
    assert code_of(carrier, TRUE[carrier]) == "signature_wrong"


@pytest.mark.parametrize("carrier", sorted(TRUE))
def test_a_call_without_proof_is_refused(carrier: str) -> None:
    assert code_of(carrier, replace(TRUE[carrier], headers={}, query={}), SECRET) == "signature_missing"


@given(st.binary(max_size=200))
def test_no_other_body_fits_a_signature(body: bytes) -> None:
    for carrier in ("usps", "fedex"):
        forged = replace(TRUE[carrier], body=body)
        if body != BODY:
            assert code_of(carrier, forged, SECRET) == "signature_wrong"


@given(st.text(max_size=80))
def test_no_other_proof_passes(proof: str) -> None:
    if proof.strip() and proof.strip() != SECRET:
        assert code_of("ups", call(credential=proof), SECRET) == "signature_wrong"
        assert code_of("fedex", call(fdx_signature=proof), SECRET) == "signature_wrong"
        assert code_of("evri", call(query={"token": proof}), SECRET) == "signature_wrong"


def test_both_spellings_of_a_signature_hold() -> None:
    for form in (mac(SECRET).hexdigest(), base64.b64encode(mac(SECRET).digest()).decode()):
        DOORS["usps"].scheme.verify(call(x_hmac=form), [SECRET])
        DOORS["fedex"].scheme.verify(call(fdx_signature=f"sha256={form}"), [SECRET])


def test_the_published_example_of_standard_webhooks_passes() -> None:
    sent_at = datetime.fromtimestamp(1614265330, UTC)
    example = call(
        b'{"test": 2432232314}', webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek", webhook_timestamp="1614265330",
        webhook_signature="v1,bm90IG1pbmU= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    )  # fmt: skip
    DOORS["generic"].scheme.verify(replace(example, wall_at=sent_at), ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_replay_after_five_minutes_is_stale(late: timedelta) -> None:
    assert code_of("generic", standard(at=NOW - late), STANDARD) == "timestamp_stale"
    DOORS["generic"].scheme.verify(standard(at=NOW - late * 0.8), [STANDARD])


@pytest.mark.parametrize("stamp", ["soon", "-1", "1e9", "9" * 30, "１２"])
def test_a_timestamp_that_is_none_is_named(stamp: str) -> None:
    headers = standard().headers | {"webhook-timestamp": stamp}
    assert code_of("generic", replace(standard(), headers=headers), STANDARD) == "timestamp_unreadable"


def test_a_repeated_call_is_known_by_its_id_or_by_all_it_says() -> None:
    scheme = DOORS["generic"].scheme
    assert scheme.delivery_id(standard()) == scheme.delivery_id(standard(at=NOW + timedelta(minutes=1)))
    assert scheme.delivery_id(standard()) != scheme.delivery_id(standard(identity="msg_2"))
    pushed = call(b"", {"pnr": "1", "status": "start_order", "token": "x"})
    same, other = replace(pushed, query=pushed.query | {"token": "y"}), replace(pushed, query={"pnr": "1"})
    assert pushed.digest == same.digest != other.digest
