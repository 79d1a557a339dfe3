"""Loopback ports: free ones below the range from which the system takes ports for outgoing connections."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

FIRST_PORT = 20_000
PORT_COUNT = 12_000


def free_ports(count: int) -> tuple[int, ...]:
    """`count` distinct ports nobody listens on; different processes start their search at different places."""
    found: list[int] = []
    for port in _search_order():
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return tuple(found)
    raise OSError(f"no {count} free loopback ports between {FIRST_PORT} and {FIRST_PORT + PORT_COUNT}")


def _search_order() -> Iterator[int]:
    start = int.from_bytes(os.urandom(2), "big")
    return (FIRST_PORT + (start + step) % PORT_COUNT for step in range(PORT_COUNT))


def is_free(port: int) -> bool:
    """True if a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """True if something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def silence(address: str) -> str:
    """Why nobody answers at HOST:PORT, in the system's own words."""
    host, _, port = address.strip().rpartition(":")
    if not host or not port.isdecimal():
        return "not HOST:PORT"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
    except (OSError, OverflowError, UnicodeError) as error:
        return (getattr(error, "strerror", None) or str(error)).lower()
    return "something listens there, but it does not speak as a broker"
