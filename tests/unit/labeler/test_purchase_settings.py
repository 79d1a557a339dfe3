"""How long purchases wait, as the environment says it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.settings import LabelerSettings, PurchaseSettings


def test_settings_say_what_the_domain_assumes() -> None:
    assert PurchaseSettings().patience == Patience()


def test_the_environment_shortens_every_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CALL_S": "1.5", "LEASE_S": "3", "SUSPECT_CHECKS_S": "[2, 5]", "VOID_AGAIN_S": "4"}.items():
        monkeypatch.setenv(f"LINKSTAR_PURCHASES__{name}", value)
    patience = LabelerSettings().purchases.patience
    assert (patience.lease_s, patience.suspect_checks_s, patience.void_again_s) == (3, (2, 5), 4)


def test_a_call_may_not_outlive_its_lease() -> None:
    with pytest.raises(ValidationError, match="below lease_s"):
        PurchaseSettings(call_s=90, lease_s=90)
