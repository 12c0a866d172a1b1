"""A customer who has logged in becomes a member, through the shop's own proxy. Joining again changes nothing.

A member has an account, the points that the rules give for signing up, and a link for friends where they are rewarded.
"""

from sqlalchemy.orm import Session

from app.customers import accounts
from app.loyalty import actions
from app.storefront import dirty

SIGN_UP = "sign_up"
ACTOR = "storefront"


def join(session: Session, shop_id: int, customer_id: int) -> int:
    """Make a customer a member; returns the account that the points are on."""
    key = (shop_id, customer_id)
    account = accounts.accounts_of_customers(session, {key})[key]
    # Whatever takes the account over: who has joined once has joined.
    own = accounts.own_accounts_of_customers(session, {key})[key]
    actions.record(session, shop_id, account, kind=SIGN_UP, key=f"joined:{own}", at=None, actor=ACTOR)
    dirty.note_points(session, [(shop_id, account)])
    return account
