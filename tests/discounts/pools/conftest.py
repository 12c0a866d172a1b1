"""A shop connected to a development store, and an offer for its visitors."""

from tests.orders.conftest import connected  # noqa: F401 - a fixture, used by name
