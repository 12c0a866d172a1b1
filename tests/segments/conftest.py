"""A town with the segments of the start."""

import pytest

from app import job_table
from app.runtime import Runtime
from app.shops.models import Shop
from tests.segments.town import Town


@pytest.fixture
def town(runtime: Runtime, shop: Shop) -> Town:
    """A shop with its first segments and nobody in it."""
    job_table.load()
    town = Town(runtime, shop)
    town.begin()
    return town
