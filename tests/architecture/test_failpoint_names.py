"""Every failpoint in the registry stands in the code once or more, the code names no other, and a chaos run fires each."""

from __future__ import annotations

import ast

from architecture.source_tree import modules
from label_chaos.schedule import FAILPOINT_ACTIONS

from linkstar_runtime.failpoints import FAILPOINTS, LABEL_FAILPOINTS
from linkstar_sandbox.chaos.schedule import FAILPOINT_PLANS


def test_registry_and_code_agree() -> None:
    used = {
        argument.value if isinstance(argument, ast.Constant) else f"{module.name}:{call.lineno} is not a literal"
        for module in modules("libs", "services", "sandbox", "cli")
        for name, call in module.calls
        if name in {"fail", "afail", "failpoints.fail", "failpoints.afail"}
        for argument in call.args[:1]
    }
    assert used == FAILPOINTS | LABEL_FAILPOINTS


def test_every_failpoint_is_fired() -> None:
    assert set(FAILPOINT_PLANS) == FAILPOINTS
    assert set(FAILPOINT_ACTIONS) == LABEL_FAILPOINTS
