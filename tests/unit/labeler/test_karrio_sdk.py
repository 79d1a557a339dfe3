"""The optional Karrio SDK: what happens without it; installed, it changes and sends nothing by itself."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import ssl
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from integration.labeler.carrier_rigs import CANADA_POST, KARRIO
from PIL import ImageFile

from linkstar_carriers.transport import Limits, Transport
from linkstar_labeler.carriers.remote import AccountIncomplete, connect, open_http
from linkstar_labeler.carriers.remote.karrio_sdk import Exchange, load
from linkstar_runtime.clock import Clock

installed = pytest.mark.skipif(not KARRIO, reason="the extra karrio is not installed")


@pytest.fixture(autouse=True)
def _loaded_anew() -> Iterator[None]:
    load.cache_clear()
    yield
    load.cache_clear()


async def refusal() -> AccountIncomplete:
    async with open_http() as http:
        with pytest.raises(AccountIncomplete) as refused:
            connect(CANADA_POST.account("http://127.0.0.1:1", "client1"), http, Clock())
    return refused.value


async def test_without_the_extra_the_account_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "karrio", None)
    monkeypatch.setitem(sys.modules, "karrio.sdk", None)
    told = await refusal()
    assert (told.code, str(told).endswith("pip install 'linkstar-labeler[karrio]'")) == ("karrio_missing", True)


async def test_beside_an_sdk_that_sends_twice_it_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found("json" if name == "sentry_sdk" else name))
    assert (await refusal()).code == "karrio_unsafe"


@installed
async def test_certificates_are_checked_and_cut_pictures_refused_afterwards() -> None:
    async with open_http() as http:
        connect(CANADA_POST.account("http://127.0.0.1:1", "client1"), http, Clock())
    assert ssl._create_default_https_context().verify_mode == ssl.CERT_REQUIRED
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert importlib.import_module("loguru").logger._core.handlers == {}


@installed
def test_its_own_client_is_taken_out() -> None:
    load()
    helpers = importlib.import_module("karrio.core.utils.helpers")
    asked = urllib.request.Request("http://127.0.0.1:1/")
    for send in (helpers._urlopen_with_span, helpers.urlopen):
        with pytest.raises(ConnectionError, match="LinkStar's own transport"):
            send(asked)
    with pytest.raises(ConnectionError, match="LinkStar's own transport"):
        helpers.request(url="http://127.0.0.1:1/")


async def test_it_reaches_no_other_host_and_nothing_once_closed() -> None:
    async with open_http() as http:
        transport = Transport("canada-post", http, Clock(), "http://127.0.0.1:1", Limits())
        exchange = Exchange("buy", transport, "http://127.0.0.1:1", asyncio.get_running_loop(), 5.0)
        for url in ("http://127.0.0.1:1.evil.example/x", "https://elsewhere.example/label"):
            with pytest.raises(ConnectionError, match="foreign_url"):
                await asyncio.to_thread(exchange.call, url, "GET", {"Authorization": "Basic hush"}, None)
        exchange.closed = True
        with pytest.raises(ConnectionError, match="timeout"):
            await asyncio.to_thread(exchange.call, "http://127.0.0.1:1/x", "POST", {}, "<a/>")
