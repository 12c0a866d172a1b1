"""One shop with the app installed, in memory."""

from collections.abc import Iterator

import pytest

from tests.dev_store.graphql.admin import Admin, install


@pytest.fixture
def admin() -> Iterator[Admin]:
    admin = install()
    yield admin
    admin.store.state.close()
