"""Settings with a secret as long as Shopify's, and the wire to it as `responses` plays it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import responses

from app.config import Settings
from tests.shopify.signing import OLD_SECRET, SECRET


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, api_secret=SECRET, api_secret_old=OLD_SECRET)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Nothing leaves the machine; a request nobody expected is a connection error."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are noted, not slept through."""
    taken: list[float] = []
    monkeypatch.setattr("time.sleep", taken.append)
    return taken
