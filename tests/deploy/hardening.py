"""What must hold for every container that runs in production, as a list of weaknesses with their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

ROOT_USERS = ("", "0", "root")


def weaknesses(service: Mapping[str, Any], watched_by_image: bool) -> Iterator[str]:
    """What a service of a compose file lacks; its image may bring the health check."""
    if str(service.get("user", "")).partition(":")[0] in ROOT_USERS:
        yield "runs as root"
    if service.get("privileged"):
        yield "privileged"
    if service.get("read_only") is not True:
        yield "writable root file system"
    if service.get("cap_drop") != ["ALL"] or service.get("cap_add"):
        yield "keeps capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges"
    for limit in ("mem_limit", "cpus", "pids_limit"):
        if not service.get(limit):
            yield f"no {limit}"
    yield from _unwatched(service, watched_by_image)
    yield from (
        f"open to the network: {port}" for port in service.get("ports", []) if not port.startswith("127.0.0.1:")
    )


def _unwatched(service: Mapping[str, Any], watched_by_image: bool) -> Iterator[str]:
    """A service that shall run for ever needs a health check; one that ends needs none."""
    check = service.get("healthcheck", {})
    if service.get("restart") == "no":
        return
    if check.get("disable") or not (check.get("test") or watched_by_image):
        yield "no health check"


def image_weaknesses(dockerfile: str) -> Iterator[str]:
    """What the last stage of a Dockerfile lacks."""
    last = re.split(r"^FROM .*$", dockerfile, flags=re.MULTILINE)[-1]
    users = re.findall(r"^USER (\S+)", last, re.MULTILINE)
    if not users or users[-1].partition(":")[0] in ROOT_USERS:
        yield "runs as root"
    elif not users[-1].partition(":")[0].isdecimal():
        yield "its user is no number, so that no cluster can tell that it is not root"
    if not re.search(r"^HEALTHCHECK (?!NONE)", last, re.MULTILINE):
        yield "no health check"
    if re.search(r"^ENV .*(PASSWORD|SECRET|TOKEN)=", last, re.MULTILINE):
        yield "a secret in the image"
