"""Requests to see data: whoever hands it out in the admin has answered the request, once."""

import json
from datetime import datetime

from flask.testing import FlaskClient

from app import clock
from app.runtime import Runtime
from app.shops import privacy
from app.shops.models import Shop
from tests.admin.opened import Staff, words
from tests.admin.world import member


def test_a_request_whose_data_was_handed_out_is_answered(
    client: FlaskClient, runtime: Runtime, connected: Shop, clerk: Staff
) -> None:
    with runtime.database.system() as session:
        member(session, connected.id, 7)
        privacy.data_request(session, connected.id, {"customer": {"id": 7}}, "webhook")
        [asked] = privacy.requests(session, connected.id)
        assert asked.done_at is None
    before = clock.now()
    answers = [clerk.look(f"/settings/requests/{asked.id}.json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    with runtime.database.system() as session:
        [request] = privacy.requests(session, connected.id)
        done: datetime | None = request.done_at
        assert done is not None
        assert before <= done
        assert json.loads(request.receipt or "")["customer"] == 1
    assert "customer: 1" not in words(clerk.look("/settings"))
