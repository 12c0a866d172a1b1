"""Somebody of a shop's staff, in front of a shop without members."""

import pytest
from flask.testing import FlaskClient

from app.runtime import Runtime
from tests.admin.opened import clerk, connected  # fixtures of test_doors, test_forms, test_setup
from tests.admin.world import Admin, staff

__all__ = ["admin", "clerk", "connected"]


@pytest.fixture
def admin(client: FlaskClient, runtime: Runtime) -> Admin:
    """The shop is installed, and nothing else has happened."""
    return staff(client, runtime)
