"""Whatever sequence of faults, kills, cancellations and orders: points are neither lost nor doubled, codes neither.

The model is small: a redemption's points are spent or back, never both, and its code exists at Shopify at most once.
"""

import uuid
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.discounts import jobs as discount_jobs
from app.discounts import service
from app.errors import Problem
from app.loyalty.models import Redemption
from tests.discounts.conftest import Member
from tests.discounts.fake_shopify import FakeShopify

FAULTS = [
    "ok", "lost_before", "lost_after", "500_before", "500_after", "throttled", "refused", "frozen", "taken",
    "killed_before_call", "killed_after_call",
]  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.sampled_from(FAULTS).map(lambda fault: ("work", fault)),
        st.sampled_from(["redeem", "again", "cancel", "order"]).map(lambda verb: (verb, "")),
    ),
    min_size=1,
    max_size=12,
)
SPENT = {"held", "issued", "cancelling", "used"}


class Story:
    """One member's redemptions under a script; every step may fail, and time passes between steps."""

    granted = 250

    def __init__(self, member: Member, shopify: FakeShopify) -> None:
        self.member, self.shopify = member, shopify
        self.redemptions: list[Redemption] = []
        self.orders = 5_000_000_000_000

    def step(self, verb: str, fault: str) -> None:
        self.member.wait_until_due()
        with suppress(Problem):  # refused, with a reason: allowed at any time
            getattr(self, verb)(fault)
        self.shopify.faults.clear()

    def redeem(self, _: str) -> None:
        self.redemptions.append(self.member.redeem(str(uuid.uuid4())))

    def again(self, _: str) -> None:
        for redemption in self.redemptions:
            assert self.member.redeem(redemption.id).code == redemption.code

    def cancel(self, _: str) -> None:
        for redemption in self.redemptions:
            self.member.cancel(redemption)

    def order(self, _: str) -> None:
        """A shopper uses the newest code that works at Shopify."""
        for redemption in reversed(self.redemptions):
            discount = self.shopify.discounts.get(redemption.code)
            if discount is not None and discount.active and not discount.uses and discount.input["tags"]:
                discount.uses += 1
                self.orders += 1
                self.member.order_with(redemption.code, order_id=self.orders)
                break

    def work(self, fault: str) -> None:
        if fault == "taken":
            for redemption in self.redemptions:
                if redemption.code not in self.shopify.discounts:
                    self.shopify.take(redemption.code)
        elif fault.startswith("killed"):
            self._killed(after_call=fault == "killed_after_call")
            return
        else:
            self.shopify.faults = [] if fault == "ok" else [fault] * 8
        self.member.work()

    def _killed(self, *, after_call: bool) -> None:
        """A worker claims a code and dies before it can settle."""
        with self.member.runtime.database.shop(self.member.shop.id) as session:
            claimed = service.claim(session, self.member.shop.id)
        if claimed is not None and after_call:
            discount_jobs._carry_out(self.member.runtime, claimed)

    def check(self) -> None:
        states = {redemption.id: self.member.state(redemption) for redemption in self.redemptions}
        for redemption in self.redemptions:
            posted = sum(points for points, _ in self.member.posted(redemption))
            assert posted == (-100 if states[redemption.id] in SPENT else 0), states[redemption.id]
        spent = 100 * sum(state in SPENT for state in states.values())
        assert self.member.balance() == self.granted - spent
        assert len(self.shopify.created) == len(set(self.shopify.created))


_PROPERTY: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=25, **_PROPERTY)
@given(steps=STEPS)
@example(steps=[("work", "frozen"), ("work", "taken")])  # a refusal ends a pause as any answer does
def test_points_and_codes_survive_every_sequence(
    member: Member, shopify: FakeShopify, steps: list[tuple[str, str]]
) -> None:
    live_through(member, shopify, steps)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=1000, **_PROPERTY)
@given(steps=STEPS)
def test_points_and_codes_survive_every_sequence_at_full_size(
    member: Member, shopify: FakeShopify, steps: list[tuple[str, str]]
) -> None:
    live_through(member, shopify, steps)


def live_through(member: Member, shopify: FakeShopify, steps: list[tuple[str, str]]) -> None:
    """Play the steps, checking after each, then let undisturbed work finish everything."""
    member.start_over()
    shopify.discounts.clear()
    shopify.created.clear()
    story = Story(member, shopify)
    story.redeem("")
    for verb, fault in steps:
        story.step(verb, fault)
        story.check()
    for _ in range(3):
        story.step("work", "ok")
    story.check()
    settled = {member.state(redemption) for redemption in story.redemptions}
    assert settled <= {"issued", "used", "failed", "cancelled"}, "undisturbed work finishes everything"
    for redemption in story.redemptions:
        alive = shopify.discounts.get(redemption.code)
        if member.state(redemption) == "issued":
            assert alive is not None
            assert alive.active
