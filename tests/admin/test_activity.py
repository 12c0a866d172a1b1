"""Activity in the admin: parked events in plain words, tried again or dismissed by somebody; work, imports, log."""

from sqlalchemy import select, text

from app import clock
from app.admin.activity.wording import TOPICS
from app.audit.models import AuditEntry
from tests.admin.opened import words
from tests.admin.world import Admin, staff
from webhooks.topics import table

_EVENT = text("""
insert into inbox_events (shop_id, partition, lane, topic, webhook_id, triggered_at, received_at, state, attempts,
                          reason, body)
values (:shop, :shop % 64, 0, :topic, :id, :now, :now, :state, 1, :reason, 'x') returning id
""")


def an_event(admin: Admin, state: str = "parked", *, name: str = "w-1", reason: str | None = "wrong-money") -> int:
    with admin.runtime.database.system() as session:
        told = {"shop": admin.shop_id, "topic": "orders/paid", "id": name, "now": clock.now(), "state": state}
        return int(session.execute(_EVENT, told | {"reason": reason}).scalar_one())


def state_of(admin: Admin, event_id: int) -> str:
    with admin.runtime.database.system() as session:
        return str(session.scalar(text("select state from inbox_events where id = :id"), {"id": event_id}))


def test_a_parked_event_says_why_and_is_tried_again_by_somebody(admin: Admin) -> None:
    assert "Every message of Shopify was understood." in admin.shown("/activity")
    event = an_event(admin)
    shown = admin.shown("/activity")
    assert "orders/paid" in shown
    assert "An amount in the message is no amount of money, so no points were reckoned from it." in shown
    for key in ("1", "1"):
        assert admin.post(f"/activity/webhooks/{event}/replay", key=key).status_code == 204
    assert state_of(admin, event) == "pending"
    again = admin.post(f"/activity/webhooks/{event}/replay", key="2")
    assert again.status_code == 422
    assert "somebody was quicker" in words(again)
    with admin.runtime.database.shop(admin.shop_id) as session:
        audit = session.scalars(select(AuditEntry)).all()
    assert [(one.actor, one.what, one.subject) for one in audit] == [("staff:81", "event.replayed", f"event:{event}")]
    assert "event.replayed" in admin.shown("/activity/changes")


def test_who_dismisses_says_why(admin: Admin) -> None:
    event = an_event(admin)
    refused = admin.post(f"/activity/webhooks/{event}/dismiss", key="1", note=" ")
    assert refused.status_code == 422
    assert state_of(admin, event) == "parked"
    assert admin.post(f"/activity/webhooks/{event}/dismiss", key="2", note="a test").status_code == 204
    assert state_of(admin, event) == "ignored"
    assert "Somebody looked at it" in admin.shown(f"/activity/webhooks/{event}")


def test_webhooks_are_filtered_and_none_of_another_shop_is_shown(admin: Admin) -> None:
    done, parked = an_event(admin, "done", reason=None), an_event(admin, name="w-2")
    other = staff(admin.client, admin.runtime, "other.myshopify.com")
    theirs = an_event(other, name="w-3")
    shown = admin.get("/activity/webhooks", state="parked").text
    assert f"/activity/webhooks/{parked}" in shown
    assert f'/activity/webhooks/{done}"' not in shown
    assert f'/activity/webhooks/{theirs}"' not in admin.get("/activity/webhooks").text
    assert admin.get(f"/activity/webhooks/{theirs}").status_code == 404
    assert admin.post(f"/activity/webhooks/{theirs}/replay").status_code == 404
    assert state_of(admin, theirs) == "parked"
    assert "No webhooks" in admin.shown("/activity/webhooks", topic="nothing/such")


def test_an_empty_shop_has_no_imports_and_nothing_under_way(admin: Admin) -> None:
    assert "Nothing waits" in admin.shown("/activity")
    assert "No imports yet" in admin.shown("/activity/imports")
    assert "Nobody has changed anything yet" in admin.shown("/activity/changes")


def test_parked_events_are_tried_again_by_kind_or_all_at_once(admin: Admin) -> None:
    """Two of one kind, one of another topic, one of another reason, and one of another shop."""
    two = [an_event(admin, name="a"), an_event(admin, name="b")]
    lone = an_event(admin, name="c", reason="broken-json")
    other = staff(admin.client, admin.runtime, "other.myshopify.com")
    theirs = an_event(other, name="d")
    shown = admin.shown("/activity")
    assert "Order paid orders/paid An amount in the message is no amount of money" in shown
    assert "Try these again" in shown
    kind = {"topic": "orders/paid", "reason": "wrong-money"}
    for _ in range(2):
        assert admin.post("/activity/replay", key="1", **kind).status_code == 204
    states = [state_of(admin, event) for event in (*two, lone, theirs)]
    assert states == ["pending", "pending", "parked", "parked"]
    again = admin.post("/activity/replay", key="2", **kind)
    assert (again.status_code, "somebody was quicker" in words(again)) == (422, True)
    assert admin.post("/activity/replay", key="3").status_code == 204
    assert [state_of(admin, event) for event in (lone, theirs)] == ["pending", "parked"]
    with admin.runtime.database.shop(admin.shop_id) as session:
        audit = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(one.actor, one.what, one.after) for one in audit] == [
        ("staff:81", "events.replayed", {"events": two}),
        ("staff:81", "events.replayed", {"events": [lone]}),
    ]


def test_every_topic_that_is_listened_to_has_words() -> None:
    assert set(TOPICS) == set(table())
