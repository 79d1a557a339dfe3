"""Where a connector may send what: real labels come from carriers' live hosts only, and tests never reach one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from integration.labeler.carrier_rigs import RIGS
from pydantic import ValidationError

from linkstar_carriers.hosts import HOSTS, check_hosts
from linkstar_labeler.api.accounts import NewAccount
from linkstar_labeler.carriers.remote import CONNECTORS, AccountIncomplete, CarrierAccount, connect, open_http
from linkstar_labeler.carriers.remote.simulated import SENDERS, SIMULATED, simulated_account
from linkstar_runtime.clock import Clock

SIMULATOR = "https://carriers.test.example/sim"


def account(connector: str, base_url: str, test: bool, **settings: str) -> CarrierAccount:
    return CarrierAccount(connector, base_url, "1", {}, settings, test)


def refusal(asked: CarrierAccount, simulators: bool = False, simulator_url: str = SIMULATOR) -> str:
    try:
        check_hosts(asked, simulators, simulator_url)
    except AccountIncomplete as error:
        return error.code
    return ""


def test_every_connector_has_hosts_and_a_simulator() -> None:
    assert set(HOSTS) == set(CONNECTORS) == set(SIMULATED)
    assert all(hosts.live and hosts.trial and not hosts.live & hosts.trial for hosts in HOSTS.values())


@pytest.mark.parametrize("connector", HOSTS)
def test_tests_never_reach_a_host_that_sells_real_labels(connector: str) -> None:
    for host in HOSTS[connector].live:
        live = account(connector, f"https://{host}", test=True)
        assert refusal(live) == "live_host"
        assert refusal(replace(live, test=False), simulators=True) == "live_host"
        assert refusal(account(connector, SIMULATOR, test=True, auth_url=f"https://{host}")) == "live_host"
        assert refusal(replace(live, test=False)) == ""
    for host in HOSTS[connector].trial:
        assert refusal(account(connector, f"https://{host}", test=True)) == ""


def test_real_labels_never_come_from_a_simulator() -> None:
    assert refusal(account("usps", f"{SIMULATOR}/usps", test=True)) == ""
    assert refusal(account("usps", f"{SIMULATOR}/usps", test=False)) == "unknown_host"
    assert refusal(account("usps", f"{SIMULATOR}/usps", test=False), simulators=True) == ""
    assert refusal(account("usps", "http://127.0.0.1:8090/usps", test=True)) == "unknown_host"
    assert refusal(account("usps", "https://carriers.test.example.evil.example", test=True)) == "unknown_host"
    assert refusal(account("usps", "https://elsewhere.example", test=True), simulator_url="") == "unknown_host"


@pytest.mark.parametrize(
    "url",
    ["https://[", "https://\u2100.com", "http://127.0.0.1:99999", "http://127.0.0.1:0", "https://apis.usps.com:abc"],
)
def test_what_is_no_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(AccountIncomplete) as base:
        account("usps", url, test=False)
    assert base.value.code == "bad_base_url"
    elsewhere = account("usps", "https://apis-tem.usps.com", test=False, auth_url=url)
    assert refusal(elsewhere) == refusal(elsewhere, simulators=True) == "bad_base_url"


def test_a_monthly_limit_is_nothing_or_more() -> None:
    body = {"connector": "usps", "number": "1", "credentials": {}, "senders": {"*": SENDERS["US"].model_dump()}}
    limit = {"amount_minor": 0, "currency": "USD"}
    assert NewAccount.model_validate(body | {"monthly_limit": limit}).monthly_limit
    with pytest.raises(ValidationError, match="amount_minor must be 0 or more"):
        NewAccount.model_validate(body | {"monthly_limit": limit | {"amount_minor": -5}})


@pytest.mark.parametrize("connector", [rig.connector for rig in RIGS])
async def test_every_simulated_account_is_whole(connector: str) -> None:
    async with open_http() as http:
        made = connect(simulated_account(connector, SIMULATOR, "acme"), http, Clock(), None, False, SIMULATOR)
    assert made.capabilities.services
    with pytest.raises(AccountIncomplete, match="no simulator"):
        simulated_account(connector, "", "acme")
