"""XML and SOAP 1.2 as some carriers still speak them: documents out of plain mappings, replies into the same nodes as JSON.

A reply with a document type is refused, so that no entity is ever expanded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from linkstar_carriers.replies import Node, Unreadable

__all__ = ["document", "envelope", "read_soap", "read_xml"]

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_DEEPEST = 40
_NIL = "http://www.w3.org/2001/XMLSchema-instance nil"


def envelope(operation: str, namespaces: Mapping[str, str], body: Mapping[str, Any]) -> bytes:
    """Return the envelope of one operation. Names carry their prefix (`ws:request`); the order is the mapping's."""
    declared = "".join(f' xmlns:{prefix}="{escape(uri)}"' for prefix, uri in namespaces.items())
    content = "".join(_element(name, value) for name, value in body.items())
    return (
        f'<soap:Envelope xmlns:soap="{_SOAP}"{declared}><soap:Header/><soap:Body>'
        f"<{operation}>{content}</{operation}></soap:Body></soap:Envelope>"
    ).encode()


def document(root: str, content: Mapping[str, Any]) -> bytes:
    """Return a document without namespaces."""
    return f'<?xml version="1.0" encoding="UTF-8"?>{_element(root, content)}'.encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(inner, item) for inner, item in value.items())}</{name}>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(''.join(sign for sign in text if sign.isprintable()))}</{name}>"


def read_soap(body: bytes) -> Node:
    """Return the content of the reply's SOAP body."""
    found = read_xml(body)["Envelope"]["Body"]
    if not found:
        raise Unreadable("malformed_reply", "no SOAP envelope")
    return found


def read_xml(body: bytes) -> Node:
    """Return the reply by local names: one element is a value, several of a name are a list."""
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError:
        raise Unreadable("malformed_reply", f"{len(body)} bytes are not XML") from None
    return Node(reader.root)


class _Reader:
    """Builds mappings while the parser goes through the document."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[dict[str, Any]] = [self.root]
        self._text: list[list[str]] = [[]]
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.CharacterDataHandler = lambda text: self._text[-1].append(text)
        self.parser.EndElementHandler = self._end

    def _refuse(self, *_about: object) -> None:
        raise Unreadable("malformed_reply", "a document type is declared")

    def _start(self, _name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > _DEEPEST:
            raise Unreadable("malformed_reply", "nested too deep")
        self._open.append({_NIL: True} if attributes.get(_NIL) == "true" else {})
        self._text.append([])

    def _end(self, name: str) -> None:
        content, text = self._open.pop(), "".join(self._text.pop()).strip()
        value: Any = None if content.pop(_NIL, False) else content or text
        parent, local = self._open[-1], name.rpartition(" ")[2]
        if local not in parent:
            parent[local] = value
        elif isinstance(parent[local], list):
            parent[local].append(value)
        else:
            parent[local] = [parent[local], value]
