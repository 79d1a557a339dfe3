"""Settings from the environment: nesting, bounds, secrets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from linkstar_runtime.settings import Settings

SECRET_URL = "postgresql://router:hush-hush@db/linkstar"


def test_nested_variables_reach_their_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKSTAR_KAFKA__BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("LINKSTAR_CLOCK__ORIGIN", "2026-05-01T08:00:00+02:00")
    monkeypatch.setenv("LINKSTAR_CLOCK__SPEED", "3600")
    monkeypatch.setenv("LINKSTAR_LOG__JSON", "false")
    settings = Settings()
    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.clock.origin == datetime(2026, 5, 1, 6, tzinfo=UTC)
    assert settings.clock.speed == 3600
    assert settings.log.as_json is False


def test_no_secret_in_repr_or_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKSTAR_DATABASE__URL", SECRET_URL)
    monkeypatch.setenv("LINKSTAR_DATABASE__ADMIN_URL", SECRET_URL)
    assert "hush" not in repr(Settings()) + str(Settings())
    monkeypatch.setenv("LINKSTAR_DATABASE__PASSWORD", "hush-hush")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "password" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINKSTAR_KAFKA__BOOTSTRP", "kafka:9092"),
        ("LINKSTAR_KAFKA__MAX_RECORDS", "0"),
        ("LINKSTAR_CLOCK__ORIGIN", "2026-05-01T08:00:00"),
        ("LINKSTAR_CLOCK__SPEED", "inf"),
        ("LINKSTAR_TELEMETRY__SAMPLE_RATIO", "1.5"),
    ],
)
def test_misspelt_or_impossible_settings_end_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


def test_url_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKSTAR_DATABASE__URL", "postgresql://{service}:pw@db/linkstar")
    assert Settings().database.url_of("router") == "postgresql://router:pw@db/linkstar"
    assert Settings().database.admin_url_of("router") == "postgresql://router:pw@db/linkstar"
