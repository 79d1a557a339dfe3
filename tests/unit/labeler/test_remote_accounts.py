"""What an account must have before anything is sent."""

from __future__ import annotations

import dataclasses

import pytest
from unit.carriers.misbehaving_carrier import (
    START,
)

from linkstar_labeler.carriers.remote import AccountIncomplete, CarrierAccount, connect, open_http
from linkstar_runtime.clock import ManualClock


@pytest.mark.parametrize(
    "base_url",
    [
        "http://carrier.example",
        "ftp://127.0.0.1",
        "carrier.example",
        "https://me:secret@carrier.example",
        "https://a?b=c",
    ],
)
def test_credentials_never_travel_in_clear(base_url: str) -> None:
    with pytest.raises(AccountIncomplete) as refused:
        CarrierAccount("usps", base_url, "1")
    assert refused.value.code == "bad_base_url"
    assert "secret" not in str(refused.value)


def usps(base_url: str = "https://apis.usps.com", **settings: str) -> CarrierAccount:
    secrets = {"client_id": "x", "client_secret": "hush"}
    return CarrierAccount("usps", base_url, "1", secrets, {"crid": "1", "mid": "123456", **settings})


@pytest.mark.parametrize(
    ("account", "code", "says"),
    [
        (dataclasses.replace(usps(), credentials={"client_id": "x"}), "missing_setting", "client_secret"),
        (CarrierAccount("pigeon", "https://carrier.example", "1"), "unknown_connector", "pigeon"),
        (usps("https://metadata.internal"), "unknown_host", "metadata.internal"),
        (usps("https://apis.usps.com.evil.example"), "unknown_host", "evil"),
        (usps("https://apis.fedex.com"), "unknown_host", "no host of usps"),
        (usps(auth_url="https://elsewhere.example"), "unknown_host", "elsewhere"),
        (usps(calls_per_s="0"), "bad_setting", "calls_per_s"),
        (usps(calls_at_once="many"), "bad_setting", "calls_at_once"),
        (usps(label_format="DOC"), "bad_setting", "label_format"),
    ],
)
async def test_accounts_that_cannot_work_are_named_not_tried(account: CarrierAccount, code: str, says: str) -> None:
    async with open_http() as http:
        with pytest.raises(AccountIncomplete, match=says) as refused:
            connect(account, http, ManualClock(START), simulators=False)
    assert refused.value.code == code
    assert "hush" not in repr(account) + str(refused.value)


async def test_simulators_are_for_machines_that_allow_them() -> None:
    async with open_http() as http:
        for host in ("127.0.0.1:8090", "localhost", "[::1]:80"):
            connect(usps(f"http://{host}/usps"), http, ManualClock(START))
            with pytest.raises(AccountIncomplete, match="no host of usps"):
                connect(usps(f"http://{host}/usps"), http, ManualClock(START), simulators=False)
        connect(usps("https://apis-tem.usps.com", calls_per_s="0.5"), http, ManualClock(START), simulators=False)
