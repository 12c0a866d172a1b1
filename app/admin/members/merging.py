"""The page of customers who may be one person: offered with the reason, merged, told apart, and parted again.

Nothing is merged without somebody saying so here or through the API; `app.customers.candidates` does all of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.admin.figures.queries import is_large
from app.admin.members import queries
from app.admin.members.pages import row_id
from app.admin.members.queries import Member
from app.admin.texts import gettext as _
from app.admin.texts import lazy_gettext as _l
from app.admin.visit import Done, View, Visit
from app.api.queries import LARGEST_ID
from app.customers import accounts, candidates, merging
from app.customers.merge_models import AccountMerge
from app.errors import NotFound
from app.loyalty.programs import default_program

PAGE = 20
BASES = {"email": _l("the same verified e-mail address"), "phone": _l("the same telephone number")}
CAUSES = {
    merging.SHOPIFY: _l("Merged in Shopify"),
    merging.ADDRESS: _l("The address was verified"),
    merging.STAFF: _l("Merged by hand"),
}


def show(visit: Visit) -> View:
    """Offers and what was merged. A large shop is looked through after the page is there: that takes a second."""
    later = is_large(visit.session, visit.shop.id) and "look" not in visit.query
    offers = [] if later else candidates.offers(visit.session, visit.shop.id, limit=PAGE + 1)
    before = row_id(visit.query.get("before"))
    merges = candidates.merges(visit.session, visit.shop.id, before=before, limit=PAGE + 1)
    own = _accounts(visit, {customer for offer in offers for customer in (offer.one, offer.other)})
    people = _people(visit, {*own.values(), *(side for one in merges for side in (one.kept, one.absorbed))})
    values = {
        "later": later,
        "offers": [_offer(offer, own, people) for offer in offers[:PAGE]],
        "more": len(offers) > PAGE,
        "merges": [_merge(merge, people) for merge in merges[:PAGE]],
        "next": merges[PAGE - 1].id if len(merges) > PAGE else None,
        "causes": CAUSES,
    }
    return View("admin/merges.html", values)


def _accounts(visit: Visit, customers: set[int]) -> dict[int, int]:
    """The own account of each customer."""
    found = accounts.own_accounts_of_customers(visit.session, {(visit.shop.id, customer) for customer in customers})
    return {customer: account for (_shop, customer), account in found.items()}


def _people(visit: Visit, ids: Iterable[int]) -> dict[int, Member]:
    program = default_program(visit.session, visit.shop.id).id
    return {one.id: one for one in queries.members(visit.session, visit.shop.id, program, sorted(ids))}


def _offer(offer: candidates.Offer, own: Mapping[int, int], people: Mapping[int, Member]) -> dict[str, Any]:
    pair = [people[own[customer]] for customer in (offer.one, offer.other)]
    return {"offer": offer, "pair": pair, "basis": [BASES[basis] for basis in offer.basis]}


def _merge(merge: AccountMerge, people: Mapping[int, Member]) -> dict[str, Any]:
    can_part = merge.undone_at is None and merge.cause != merging.ADDRESS
    return {"merge": merge, "kept": people[merge.kept], "absorbed": people[merge.absorbed], "can_part": can_part}


def merge(visit: Visit) -> Done:
    """They are one person: the first one's account has the points and orders of both."""
    one, other = _pair(visit)
    candidates.accept(visit.session, visit.shop.id, one, other, visit.actor)
    return Done("/members/merges", _("They are one member now."))


def tell_apart(visit: Visit) -> Done:
    """They are two persons, and are not offered again."""
    one, other = _pair(visit)
    candidates.dismiss(visit.session, visit.shop.id, one, other, visit.actor)
    return Done("/members/merges", _("They stay two members and are not offered again."))


def _pair(visit: Visit) -> tuple[int, int]:
    one, other = (row_id(visit.form.given(name)) for name in ("one", "other"))
    if one is None or other is None:
        raise NotFound(_("These two are not offered for merging any more."))
    return one, other


def part(visit: Visit, merge_id: int) -> Done:
    """Undo a merge: both are what they would be without it."""
    if merge_id > LARGEST_ID:
        raise NotFound(_("There is no such merge in this shop."))
    candidates.part(visit.session, visit.shop.id, merge_id, visit.actor)
    return Done("/members/merges", _("They are two members again."))
