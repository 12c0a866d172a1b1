"""Exchanging points for a reward: the hold, and what becomes of it.

The API (and later the storefront) calls `redeem`, `cancel` and `get`; `app.discounts.outcomes` reports what became of
the code. A redemption's state says where its points are, and both change in one transaction:

    held -> issued -> used                 points are spent
    issued -> cancelling -> cancelled      points are back, once the code is surely dead at Shopify
    cancelling -> issued                   Shopify would not withdraw the code: all stays as it was
    held -> failed                         points are back; the code was never shown to anybody
    any -> used                            a code seen on an order has been used, whatever we believed before

The last line is the rule for what comes late: an order that carries the code wins over `failed` and `cancelled`, and
its points are taken again, even if the account then owes. What happens to that order afterwards (refund, cancellation,
deletion) does not undo the use, but its points return in proportion (`app.loyalty.returns`).

A reward may give its codes a number of days. When they are over, the unused code is withdrawn as if it were cancelled.
The terms of that day go with the redemption: what a merchant changes later is for later redemptions.
"""

import uuid
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import clock
from app.crypto import KeyRing
from app.customers.queries import KEPT
from app.discounts import codes
from app.discounts import service as discounts
from app.errors import Conflict, Invalid, NotFound, Unprocessable
from app.loyalty import expiry, idleness, ledger
from app.loyalty.dates import after_days
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import AccountLots, Source
from app.loyalty.models import Redemption, Reward
from app.loyalty.programs import zone_of
from app.loyalty.redemption_points import PURPOSE
from app.shops.models import Shop
from app.shops.secrets import code_key
from app.sql import Statement

CODE_PREFIX = "POINTS-"
# States in which the shopper may see the code.
WITH_CODE = frozenset({"issued", "used"})


def redeem(
    session: Session,
    shop: Shop,
    keyring: KeyRing,
    *,
    account_id: int,
    customer_id: int,
    reward_id: int,
    request_id: str,
    actor: str | None,
) -> Redemption:
    """Hold the points of a reward and plan its code, all in the caller's transaction.

    `request_id` is a UUID that the caller made before its first try: the same request again gives the same redemption.
    Raises Invalid, NotFound (reward, customer), Conflict (id used for something else, shop not connected) and
    Unprocessable (too few points, reward not offered).
    """
    request_id = _uuid(request_id)
    reward = get_reward(session, shop.id, reward_id)
    holder = Holder(shop.id, reward.program_id, account_id)
    ledger.lock_balances(session, [holder])
    earlier = session.get(Redemption, (shop.id, request_id))
    if earlier is not None:
        return _same_request(earlier, account_id, reward_id)
    terms = _check_parties(session, shop, reward, account_id, customer_id)
    lots = _current_lots(session, holder, request_id)
    _check_points(lots[holder], reward)
    redemption = _new(shop, keyring, reward, account_id, request_id, actor, returnable=terms.returns_spent)
    _hold(session, holder, redemption, lots)
    if terms.knows_idleness:
        idleness.renew(session, {holder: redemption.created_at})
    _plan_code(session, reward, redemption, terms.customer)
    return redemption


def get_reward(session: Session, shop_id: int, reward_id: int) -> Reward:
    """A reward of this shop, offered or not; raises NotFound."""
    reward = session.get(Reward, (shop_id, reward_id))
    if reward is None:
        raise NotFound(f"There is no reward {reward_id}.")
    return reward


def _current_lots(session: Session, holder: Holder, request_id: str) -> dict[Holder, AccountLots]:
    """What the account has to spend from, without what is over by now."""
    now, lots = clock.now(), ledger.load_spendable(session, holder)
    if any(lots.is_over(lot, now) for lot in lots.lots.values()):
        needed = ledger.load_needed(session, [(holder, Source(PURPOSE, request_id))])
        expiry.expire(session, [holder], now, needed)
        return needed
    return {holder: lots}


def _check_points(lots: AccountLots, reward: Reward) -> None:
    now = clock.now()
    available, pending = lots.available(now), lots.pending(now)
    if available < reward.points:
        raise Unprocessable(
            f"The reward costs {reward.points} points and {available} are available"
            + (f"; {pending} more cannot be spent yet." if pending else "."),
            kind="not-enough-points",
            available=available,
            pending=pending,
            needed=reward.points,
        )


def _new(
    shop: Shop,
    keyring: KeyRing,
    reward: Reward,
    account_id: int,
    request_id: str,
    actor: str | None,
    *,
    returnable: bool,
) -> Redemption:
    now = clock.now()
    return Redemption(
        shop_id=shop.id,
        id=request_id,
        program_id=reward.program_id,
        account_id=account_id,
        reward_id=reward.id,
        points=reward.points,
        code=codes.derive(code_key(keyring, shop), CODE_PREFIX, PURPOSE, request_id),
        state="held",
        actor=actor,
        created_at=now,
        # Whole days of the shop, so that a code never ends earlier than was promised.
        expires_at=after_days(now, reward.code_days, zone_of(shop.timezone)) if reward.code_days else None,
        returnable=returnable,
        returned=0,
    )


def cancel(session: Session, shop: Shop, redemption_id: str) -> Redemption:
    """Plan that an unused code is withdrawn at Shopify; its points come back once that is done. Repeating is harmless.

    Raises NotFound, and Conflict when the code was used, is still being issued, or brought its points back already.
    """
    redemption = get(session, shop.id, redemption_id)
    # The code is locked before its redemption, as everywhere.
    withdrawn = discounts.withdraw(session, shop.id, redemption.code)
    session.refresh(redemption, with_for_update=True)
    if withdrawn:
        redemption.state = "cancelling"
    elif redemption.state not in {"cancelling", "cancelled"}:
        raise _cannot_cancel(redemption.state)
    return redemption


def _cannot_cancel(state: str) -> Conflict:
    if state == "used":
        return Conflict("The code has been used on an order; its points are spent.", kind="code-used")
    if state == "failed":
        return Conflict("The code was never issued; its points are back already.", kind="redemption-failed")
    return Conflict("The code is still being issued. Try again in a moment.", kind="code-not-issued")


def get(session: Session, shop_id: int, redemption_id: str) -> Redemption:
    """A redemption of this shop; raises NotFound, Invalid when the id is not a UUID."""
    redemption = session.get(Redemption, (shop_id, _uuid(redemption_id)))
    if redemption is None:
        raise NotFound(f"There is no redemption {redemption_id}.")
    return redemption


def visible_code(redemption: Redemption) -> str | None:
    """The code as far as the shopper may know it: not before it works, not after it was withdrawn."""
    return redemption.code if redemption.state in WITH_CODE else None


def _check_parties(session: Session, shop: Shop, reward: Reward, account_id: int, customer_id: int) -> Any:
    """Raises unless this customer may have this reward; returns the terms, and whom the code is for."""
    if shop.state != "installed":
        raise Conflict("The shop has uninstalled Perennial; codes cannot be issued.", kind="shop-not-connected")
    if not reward.active:
        raise Unprocessable("This reward is not offered any more.", kind="reward-inactive")
    if reward.currency != shop.currency:
        # Amounts off are in the shop's currency; a shop that changed it has to price its rewards anew.
        raise Unprocessable(f"The reward is priced in {reward.currency}.", kind="reward-currency")
    # Known by an order alone is enough: the news of the customer may still be on its way.
    [terms] = _TERMS.run(session, shop_id=shop.id, program_id=reward.program_id, customer_id=customer_id)
    if terms.gone or terms.account != account_id:
        raise NotFound(f"There is no customer {customer_id}.")
    return terms


# Codes for a customer are made for the one who took his place when Shopify merged them.
_TERMS = Statement(f"""
with {KEPT}
select p.returns_spent, exists (
           select 1 from rule_versions v
           where v.shop_id = p.shop_id and v.program_id = p.id and v.rules #>> '{{expiry,kind}}' = 'inactivity'
       ) as knows_idleness, k.id as customer, exists (
           select 1 from customers c where c.shop_id = :shop_id and c.id = k.id
               and (c.deleted_at is not null or c.redacted_at is not null or c.merged_into is not null)) as gone,
       (select coalesce(a.merged_into, a.id) from identities i
        join accounts a on a.shop_id = i.shop_id and a.id = i.account_id
        where i.shop_id = :shop_id and i.kind = 'customer' and i.value = cast(k.id as text)) as account
from programs p cross join (select id from kept order by step desc limit 1) k
where p.shop_id = :shop_id and p.id = :program_id
""")  # noqa: S608 - a constant of ours


def _hold(session: Session, holder: Holder, redemption: Redemption, lots: dict[Holder, AccountLots]) -> None:
    try:
        session.add(redemption)
        session.flush()
    except IntegrityError as error:
        # Requests of one account wait for each other at its balance, so this id came for another account just now.
        # The transaction ends with it: a savepoint for what never happens would cost every redemption two round trips.
        raise _id_in_use() from error
    posting = Posting(
        holder=holder,
        source=Source(PURPOSE, redemption.id),
        points=-redemption.points,
        reason="redeemed",
        business_at=redemption.created_at,
        actor=redemption.actor,
    )
    ledger.post(session, [posting], lots)


def _plan_code(session: Session, reward: Reward, redemption: Redemption, customer_id: int) -> None:
    intent = discounts.Intent(
        purpose=PURPOSE,
        id=redemption.id,
        account_id=redemption.account_id,
        customer_id=customer_id,
        title=reward.title,
        value_minor=reward.value_minor,
        currency=reward.currency,
        ends_at=redemption.expires_at,
    )
    discounts.plan(session, redemption.shop_id, intent, redemption.code)


def _same_request(earlier: Redemption, account_id: int, reward_id: int) -> Redemption:
    if (earlier.account_id, earlier.reward_id) != (account_id, reward_id):
        raise _id_in_use()
    return earlier


def _id_in_use() -> Conflict:
    return Conflict("This request id was used for another redemption. Make a new one.", kind="request-id-reused")


def _uuid(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError) as error:
        raise Invalid("A redemption's id is a UUID.") from error
