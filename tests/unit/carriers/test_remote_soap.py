"""SOAP: what is written is what is read, and nothing a reply holds can do more than be unreadable."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_carriers.replies import Unreadable
from linkstar_carriers.soap import envelope, read_soap

NAMESPACES = {"ws": "urn:a", "rq": "urn:b"}
names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
texts = st.text(min_size=1).map(lambda text: "".join(sign for sign in text if sign.isprintable())).map(str.strip)
trees = st.recursive(texts, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=4), max_leaves=12)


def prefixed(tree: object) -> object:
    return {f"rq:{name}": prefixed(value) for name, value in tree.items()} if isinstance(tree, dict) else tree


@settings(max_examples=40)
@given(st.dictionaries(names, trees, min_size=1, max_size=4))
def test_what_is_written_is_read(tree: dict[str, object]) -> None:
    written = envelope("ws:ask", NAMESPACES, {f"ws:{name}": prefixed(value) for name, value in tree.items()})
    assert read_soap(written)["ask"].value == tree


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_unreadable(body: bytes) -> None:
    with suppress(Unreadable):
        read_soap(body)


def test_lists_booleans_and_nil() -> None:
    written = envelope("ws:ask", NAMESPACES, {"ws:parcel": ["1", "2"], "ws:signed": True})
    assert read_soap(written)["ask"].value == {"parcel": ["1", "2"], "signed": "true"}
    nil = written.replace(
        b"<ws:signed>true</ws:signed>",
        b'<ws:signed xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>',
    )
    assert read_soap(nil)["ask"]["signed"].value is None


BOMB = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Envelope><Body><x>&b;</x></Body></Envelope>'


@pytest.mark.parametrize(
    "body", [BOMB, BOMB.decode().encode("utf-16"), b"<a>" * 5_000, b"<Envelope/>", b"<html></html>", b""],
    ids=["bomb", "bomb in UTF-16", "deep", "empty", "html", "nothing"],
)  # fmt: skip
def test_hostile_replies_are_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable, match="malformed_reply"):
        read_soap(body)
