"""Posting on the few lots that can be touched ends as posting on all of them would."""

from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.loyalty import expiry, ledger
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import AccountLots, LotDates, Source
from app.loyalty.programs import default_program
from app.runtime import Runtime
from app.shops.models import Shop

START = datetime(2026, 1, 1, tzinfo=UTC)
SOURCES = [Source("order", str(number)) for number in range(4)] + [
    Source("redemption", str(number)) for number in range(3)
]
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(SOURCES), st.integers(-120, 120).filter(bool), st.sampled_from([None, 3, 9])),
        st.just("expire"),
    ),
    min_size=2,
    max_size=12,
)
_account = count(1_000)


def outline(lots: AccountLots) -> tuple[object, ...]:
    held = {source: (lot.granted, lot.remaining, lot.expires_at) for source, lot in lots.lots.items()}
    return held, lots.uses, lots.balance


@given(steps)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_what_is_loaded_for_a_posting_is_all_that_it_needs(
    runtime: Runtime, shop: Shop, steps: list[tuple[Source, int, int | None] | str]
) -> None:
    with runtime.database.system() as session:
        holder = Holder(shop.id, default_program(session, shop.id).id, next(_account))
        ledger.lock_balances(session, [holder])
        everything = {holder: AccountLots()}
        for day, step in enumerate(steps):
            at = START + timedelta(days=day)
            if isinstance(step, str):
                expiry.expire(session, [holder], at, ledger.load_needed(session, [(holder, SOURCES[-1])]))
            else:
                source, points, days = step
                dates = LotDates(at, at + timedelta(days=days) if days else None)
                keep = at + timedelta(days=4) if points > 0 else None
                posting = Posting(
                    holder=holder, source=source, points=points, reason="x", business_at=at, dates=dates,
                    keep_until=keep,
                )  # fmt: skip
                ledger.post(session, [posting])
            _in_memory(everything[holder], step, at)
            stored = ledger.load_lots(session, [holder])[holder]
            assert outline(stored) == outline(everything[holder])


def _in_memory(lots: AccountLots, step: tuple[Source, int, int | None] | str, at: datetime) -> None:
    if isinstance(step, str):
        for lot in sorted(lots.lots.values(), key=lambda lot: lot.source):
            if lot.remaining and lot.expires_at is not None and lot.expires_at <= at:
                lots.expire(lot.source)
        return
    source, points, days = step
    keep = at + timedelta(days=4) if points > 0 else None
    lots.post(source, points, at, LotDates(at, at + timedelta(days=days) if days else None), keep)
