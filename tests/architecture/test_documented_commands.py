"""Every command a document shows exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from architecture.source_tree import ROOT, tracked_files

TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
SHOWN = re.compile(r"(?:^|[`$\s])make ([a-z][a-z-]*)\b")


def shown_targets() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        if path.suffix == ".md" or path.name == "run":
            for code in re.findall(
                r"`[^`\n]+`|^(?:\$ )?make .*$|^step make .*$", path.read_text("utf-8"), re.MULTILINE
            ):
                yield from ((str(path.relative_to(ROOT)), target) for target in SHOWN.findall(code))


@pytest.mark.parametrize(("document", "target"), sorted(set(shown_targets())))
def test_make_target_exists(document: str, target: str) -> None:
    assert target in TARGETS, document


def test_makefile_explains_every_target() -> None:
    makefile = Path(ROOT, "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE))
    assert phony == set(re.findall(r"^([a-z][a-z-]*):.* ## ", makefile, re.MULTILINE))
